"""Issuers made for tests, the tokens they sign, and the file that trusts them."""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

if TYPE_CHECKING:
    from pathlib import Path

    from jwt.algorithms import AllowedPrivateKeys

MUNICIPALITY, DIRECTORATE = "958935420", "987879696"
AUDIENCE = "https://tilskudd.example/api"
ISO_6523 = "iso6523-actorid-upis"


@cache
def private_key(name: str) -> AllowedPrivateKeys:
    """A private key, the same each time in this process; its name begins with what it is."""
    match name.partition("-")[0]:
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "short":
            return rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "k256":
            return ec.generate_private_key(ec.SECP256K1())
        case _:
            return Ed25519PrivateKey.generate()


def jwk(name: str, kid: str, **more: Any) -> dict[str, Any]:
    """The public half of a key, as an issuer publishes it."""
    public = private_key(name).public_key()
    data: dict[str, Any]
    match public:
        case rsa.RSAPublicKey():
            data = RSAAlgorithm.to_jwk(public, as_dict=True)
        case ec.EllipticCurvePublicKey():
            data = ECAlgorithm.to_jwk(public, as_dict=True)
        case _:
            data = OKPAlgorithm.to_jwk(public, as_dict=True)
    data.pop("key_ops", None)
    return {**data, "kid": kid, "use": "sig", **more}


def key_set(*keys: dict[str, Any]) -> dict[str, Any]:
    return {"keys": list(keys)}


class Made:
    """An issuer made for tests: a key of each kind, under the kids `rsa`, `ec` and `ed` with its own name before."""

    def __init__(self, iss: str, name: str, claims: dict[str, Any]) -> None:
        self.iss = iss
        self.name = name
        self._claims = claims

    def kid(self, kind: str) -> str:
        return f"{self.name}-{kind}"

    def key(self, kind: str) -> AllowedPrivateKeys:
        return private_key(f"{kind}-{self.name}")

    @property
    def key_set(self) -> dict[str, Any]:
        return key_set(*(jwk(f"{kind}-{self.name}", self.kid(kind)) for kind in ("rsa", "ec", "ed")))

    def claims(self, **other: Any) -> dict[str, Any]:
        """Claims that are accepted, but for those named; None leaves one out."""
        now = int(time.time())
        all_of_them = {
            "iss": self.iss,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            **self._claims,
            **other,
        }
        return {name: value for name, value in all_of_them.items() if value is not None}

    def token(self, kind: str = "ed", algorithm: str = "EdDSA", **other: Any) -> str:
        """A token that is accepted, unless its claims are spoilt."""
        return self.signed(self.claims(**other), kind, algorithm)

    def signed(
        self, claims: dict[str, Any], kind: str = "ed", algorithm: str = "EdDSA", **header: Any
    ) -> str:
        """These claims, signed by this issuer; a header that is None is left out."""
        return sealed(self.header(kind, algorithm, **header), claims, self.key(kind))

    def header(self, kind: str, algorithm: str, **other: Any) -> dict[str, Any]:
        header = {"alg": algorithm, "typ": "JWT", "kid": self.kid(kind), **other}
        return {name: value for name, value in header.items() if value is not None}


class Realm:
    """A file of trusted issuers: people of municipalities, people of the directorate, and programs."""

    def __init__(self, folder: Path) -> None:
        roles = {"organisation": MUNICIPALITY, "roles": ["soker"]}
        self.people = Made("https://login.example/kommuner", "people", {"sub": "kari@example.no", **roles})
        self.other = Made("https://login.example/andre", "other", {"sub": "ola@example.no", **roles})
        self.stranger = Made("https://login.example/fremmed", "stranger", {"sub": "per@example.no", **roles})
        consumer = {"authority": ISO_6523, "ID": f"0192:{DIRECTORATE}"}
        self.machine = Made(
            "https://maskinporten.example/",
            "machine",
            {"client_id": "arkivet", "consumer": consumer, "scope": "tilskudd:les tilskudd:hendelser"},
        )
        self.file = folder / "issuers.toml"
        parts = []
        for made in (self.people, self.other, self.machine):
            (folder / f"{made.name}.json").write_text(json.dumps(made.key_set))
            parts.append(people(made) if made is not self.machine else machine(made))
        self.file.write_text("\n".join(parts))


def people(made: Made, **other: str) -> str:
    """The lines that trust an issuer of people; others take the place of those here, or stand beside them."""
    lines = {
        "iss": json.dumps(made.iss),
        "jwks": json.dumps(f"{made.name}.json"),
        "audience": json.dumps(AUDIENCE),
        "directorate": json.dumps([DIRECTORATE]),
        "claims": '{ organisation = "organisation" }',
        "roles": '{ soker = "applicant", leder = "director", sak = "case-officer", revisor = "auditor" }',
        **other,
    }
    return "\n".join(["[[issuers]]", *(f"{name} = {value}" for name, value in lines.items() if value), ""])


def machine(made: Made, **other: str) -> str:
    """The lines that trust an issuer of programs."""
    scopes = '{ "tilskudd:les" = "read", "tilskudd:skriv" = "write", "tilskudd:hendelser" = "events" }'
    usual = {"machine": "true", "scopes": scopes, "directorate": "", "claims": "", "roles": ""}
    return people(made, **{**usual, **other})


def sealed(
    header: dict[str, Any] | bytes,
    claims: dict[str, Any] | bytes,
    key: AllowedPrivateKeys,
    algorithm: object = None,
) -> str:
    """A token put together by hand, so that nothing stands in the way of a bad one."""
    named = algorithm or (header.get("alg") if isinstance(header, dict) else None)
    known = isinstance(named, str) and named in jwt.algorithms.get_default_algorithms()
    said = f"{b64(header)}.{b64(claims)}"
    signature: bytes = jwt.get_algorithm_by_name(str(named) if known else "EdDSA").sign(said.encode(), key)
    return f"{said}.{b64(signature)}"


def b64(what: dict[str, Any] | bytes) -> str:
    raw = what if isinstance(what, bytes) else json.dumps(what).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
