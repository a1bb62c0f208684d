"""The built-in issuer, for trying things out: it gives a token to whoever can read its key, and real ones end it."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grantflow.domain.errors import BadRequest, Refused
from grantflow.domain.register import valid_orgnr
from grantflow.domain.roles import CALLERS
from grantflow.identity.issuer import CLAIMS, Issuer
from grantflow.identity.pseudonyms import is_pseudonym
from grantflow.identity.secret_file import secret
from grantflow.identity.verifying import LONGEST
from grantflow.identity.who import SCOPES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from grantflow.settings import Settings

KEY_FILE = "issuer.key"
"""The file of the issuer's private key in the home folder."""
ISSUER = Issuer(
    iss="urn:grantflow:built-in",
    audience=("grantflow",),
    algorithms=("EdDSA",),
    person_is_pseudonym=True,
    claims={**CLAIMS, "organisation": "organisation"},
    roles={role: role for role in CALLERS},
    scopes={scope: scope for scope in SCOPES},
)
"""How its tokens are read: like any other's, with GrantFlow's own words in them."""


class RealIssuer(Refused):
    """The built-in issuer is off: real ones are configured."""

    code = "real-issuer"

    def __init__(self) -> None:
        super().__init__(
            "GRANTFLOW_ISSUERS names real issuers, so the built-in one is off. Take the token from one of them."
        )


class BuiltIn:
    """The built-in issuer of one data folder; its key is made when it isn't there."""

    def __init__(self, home: Path) -> None:
        self._path = home / KEY_FILE

    @classmethod
    def on(cls, settings: Settings) -> Self:
        """The built-in issuer, where it serves. RealIssuer where it doesn't."""
        if settings.issuers is not None:
            raise RealIssuer
        return cls(settings.home)

    def issue(
        self,
        person: str,
        roles: Collection[str],
        organisation: str,
        scopes: Collection[str] = (),
        lifetime: timedelta = timedelta(hours=8),
    ) -> str:
        """A token for this pseudonym in these roles. BadRequest when it would be for nobody."""
        _insist(person, roles, organisation, scopes, lifetime)
        key = self._key()
        now = int(time.time())
        claims = {
            "iss": ISSUER.iss,
            "aud": ISSUER.audience[0],
            "sub": person,
            "organisation": organisation,
            "roles": sorted(set(roles)),
            "scope": " ".join(sorted(set(scopes))),
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
        }
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": _kid(key)})

    def key_set(self) -> Any:  # noqa: ANN401 - any JSON
        """Its public key, as any other issuer would publish it."""
        key = self._key()
        point = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": point, "kid": _kid(key), "alg": "EdDSA"}]}

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(secret(self._path, "The built-in issuer's key"))


def _kid(key: Ed25519PrivateKey) -> str:
    return sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]


def _insist(
    person: str,
    roles: Collection[str],
    organisation: str,
    scopes: Collection[str],
    lifetime: timedelta,
) -> None:
    if not is_pseudonym(person):
        msg = (
            "The person must be a pseudonym of 1 to 100 printable characters: no national identity number, and not one "
            "that GrantFlow made for somebody."
        )
        raise BadRequest(msg)
    if not valid_orgnr(organisation):
        msg = f"{organisation[:40]!r} is not an organisation number: nine digits, the last one a check digit."
        raise BadRequest(msg)
    if not roles or not set(roles) <= set(CALLERS):
        msg = f"A token is for one or more of the roles {', '.join(CALLERS)}."
        raise BadRequest(msg)
    if bool(scopes) != ("integration" in roles) or not set(scopes) <= set(SCOPES):
        msg = f"The role integration needs one or more of the scopes {', '.join(SCOPES)}; the other roles have none."
        raise BadRequest(msg)
    if not 0 < lifetime.total_seconds() <= LONGEST:
        msg = f"A token lasts more than nothing, and {LONGEST // 3600} hours at most."
        raise BadRequest(msg)
