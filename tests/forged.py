"""Tokens that nobody should accept, as a table: each with what is wrong with it."""

from __future__ import annotations

import hmac
import json
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from realm import AUDIENCE, DIRECTORATE, ISO_6523, MUNICIPALITY, b64, jwk, private_key, sealed, unb64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from realm import Realm

DAY = 24 * 60 * 60


def forged(realm: Realm) -> Iterator[tuple[str, str]]:
    """Tokens that must not be accepted, each with what is wrong with it. A sound one of each issuer is accepted."""
    yield from _algorithms(realm)
    yield from _keys(realm)
    yield from _headers(realm)
    yield from _times(realm)
    yield from _claims(realm)
    yield from _machines(realm)
    yield from _shapes(realm)


def _algorithms(realm: Realm) -> Iterator[tuple[str, str]]:
    people = realm.people
    claims = people.claims()
    for none in ("none", "None", "NONE", "nOnE", " none", ""):
        header = people.header("ed", none)
        yield f"algorithm {none!r} without a signature", f"{b64(header)}.{b64(claims)}."
        yield f"algorithm {none!r} with a signature", f"{b64(header)}.{b64(claims)}.{b64(b'signature')}"
    odd_ones: tuple[object, ...] = (None, 5, ["EdDSA"], {"EdDSA": 1}, True)
    for odd in odd_ones:
        yield f"algorithm {odd!r}", people.signed(claims, alg=odd)
    for near in ("eddsa", "Ed25519", "EdDSA ", "EdDSA\0", "\N{CYRILLIC CAPITAL LETTER IE}dDSA"):
        yield f"algorithm {near!r}", people.signed(claims, alg=near)
    public = people.key("rsa").public_key()
    published = json.dumps(people.key_set["keys"][0])
    secrets = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": published.encode(),
        "nothing": b"",
    }
    for form, secret in secrets.items():
        header = people.header("rsa", "HS256")
        yield f"HS256 with the public key as the secret ({form})", with_secret(header, claims, secret)
        header = people.header("rsa", "RS256")
        yield f"HMAC called RS256 ({form})", with_secret(header, claims, secret)
    yield "HS512", jwt.encode(claims, "x" * 64, "HS512", {"kid": people.kid("rsa")})
    yield "RS512", people.signed(claims, "rsa", "RS512")
    rsa_key = people.key("rsa")
    yield "PS256 called RS256", sealed(people.header("rsa", "RS256"), claims, rsa_key, "PS256")
    yield "RS256 called PS256", sealed(people.header("rsa", "PS256"), claims, rsa_key, "RS256")
    yield "EdDSA under the name of an RSA key", people.signed(claims, "ed", kid=people.kid("rsa"))
    yield "EdDSA called ES256", sealed(people.header("ec", "ES256"), claims, people.key("ed"), "EdDSA")
    for curve, algorithm in (("p384", "ES384"), ("k256", "ES256K")):
        key = private_key(f"{curve}-people")
        yield f"{algorithm}, another curve", sealed(people.header("ec", algorithm), claims, key)
        yield f"{algorithm} called ES256", sealed(people.header("ec", "ES256"), claims, key, algorithm)
    zeros = f"{b64(people.header('ec', 'ES256'))}.{b64(claims)}.{b64(bytes(64))}"
    yield "ES256 with a signature of zeros", zeros


def _keys(realm: Realm) -> Iterator[tuple[str, str]]:
    people, claims = realm.people, realm.people.claims()
    kids = {
        "a path": "../../../../dev/null",
        "SQL": "x' UNION SELECT 'key' --",
        "a command": "key; cat /etc/passwd",
        "an address": "https://attacker.example/key",
        "a list": [people.kid("ed")],
        "an object": {"kid": people.kid("ed")},
        "a number": 1,
        "true": True,
        "empty": "",
        "missing": None,
        "unknown": "unknown",
        "very long": "k" * 3000,
        "in capitals": people.kid("ed").upper(),
        "with a space": f"{people.kid('ed')} ",
        "with a zero byte": f"{people.kid('ed')}\0",
        "half a pair": "\ud800",
        "another issuer's": realm.other.kid("ed"),
    }
    for what, kid in kids.items():
        yield f"kid: {what}", people.signed(claims, kid=kid)
    yield (
        "signed by another trusted issuer",
        sealed(people.header("ed", "EdDSA"), claims, realm.other.key("ed")),
    )
    by_other = sealed(people.header("ed", "EdDSA", kid=realm.other.kid("ed")), claims, realm.other.key("ed"))
    yield "signed by another trusted issuer, under its kid", by_other
    yield "signed by a stranger", sealed(people.header("ed", "EdDSA"), claims, private_key("ed-stranger"))
    yield "signed by a short RSA key", sealed(people.header("rsa", "RS256"), claims, private_key("short"))


def _headers(realm: Realm) -> Iterator[tuple[str, str]]:
    people, claims = realm.people, realm.people.claims()
    attacker = private_key("ed-attacker")
    own = jwk("ed-attacker", "attacker")
    brought: dict[str, Any] = {
        "jku": "https://attacker.example/jwks",
        "jwk": own,
        "x5u": "https://attacker.example/cert",
        "x5c": ["MIIB"],
    }
    for name, value in brought.items():
        yield (
            f"{name}, signed by an attacker",
            sealed(people.header("ed", "EdDSA", kid="attacker", **{name: value}), claims, attacker),
        )
        yield f"{name}, signed by the issuer", people.signed(claims, **{name: value})
    for critical in (["exp"], ["b64"], [], "exp", None, ["urn:example:unknown"]):
        header = {**people.header("ed", "EdDSA"), "crit": critical}
        yield f"crit {critical!r}", sealed(header, claims, people.key("ed"))
    header = people.header("ed", "EdDSA", crit=["b64"], b64=False)
    yield "b64 false, the payload attached", sealed(header, claims, people.key("ed"))
    yield "b64 false, the payload detached", detached(sealed(header, claims, people.key("ed")))
    yield "b64 false, not critical", people.signed(claims, b64=False)
    yield "zip", people.signed(claims, zip="DEF")
    yield "typ a number", people.signed(claims, typ=5)


def _times(realm: Realm) -> Iterator[tuple[str, str]]:
    people, now = realm.people, int(time.time())
    times: dict[str, dict[str, Any]] = {
        "expired": {"iat": now - 400, "exp": now - 30},
        "expired long ago": {"iat": 1, "exp": 2},
        "not yet valid": {"nbf": now + 60},
        "issued in the future": {"iat": now + 60, "exp": now + 120},
        "without exp": {"exp": None},
        "made to last for a week": {"exp": now + 7 * DAY},
        "made to last a day and a minute": {"exp": now + DAY + 60},
        "exp as text": {"exp": str(now + 300)},
        "exp true": {"exp": True},
        "exp in a list": {"exp": [now + 300]},
        "exp negative": {"exp": -1},
        "exp beyond calendars": {"exp": 10**30, "iat": None},
        "ten years, begun nobody knows when": {"exp": now + 10 * 365 * 86_400, "iat": None},
        "nbf as text": {"nbf": "0"},
        "iat an object": {"iat": {}},
    }
    for what, other in times.items():
        yield what, people.token(**other)
    null = {**people.claims(), "exp": None}
    yield "exp null", people.signed(null)
    for what in ("1e999", "NaN", "Infinity", "-Infinity", "9" * 5000):
        text = json.dumps(people.claims(exp=0)).replace('"exp": 0', f'"exp": {what}')
        yield f"exp {what[:10]}", sealed(people.header("ed", "EdDSA"), text.encode(), people.key("ed"))


def _claims(realm: Realm) -> Iterator[tuple[str, str]]:
    people = realm.people
    spoilt: dict[str, dict[str, Any]] = {
        "without iss": {"iss": None},
        "iss of a stranger": {"iss": realm.stranger.iss},
        "iss of another trusted issuer": {"iss": realm.other.iss},
        "iss with a slash after": {"iss": f"{people.iss}/"},
        "iss in capitals": {"iss": people.iss.upper()},
        "iss in a list": {"iss": [people.iss]},
        "iss an object": {"iss": {people.iss: 1}},
        "iss with a letter that looks the same": {
            "iss": people.iss.replace("o", "\N{CYRILLIC SMALL LETTER O}")
        },
        "iss with a zero-width space": {"iss": f"{people.iss}\N{ZERO WIDTH SPACE}"},
        "iss of the built-in issuer": {"iss": "urn:grantflow:built-in"},
        "without aud": {"aud": None},
        "aud of another service": {"aud": "https://annet.example"},
        "aud empty": {"aud": ""},
        "aud a list without ours": {"aud": ["https://annet.example", AUDIENCE + "/"]},
        "aud an empty list": {"aud": []},
        "aud a list with a number": {"aud": [AUDIENCE, 5]},
        "aud an object": {"aud": {AUDIENCE: True}},
        "aud begins like ours": {"aud": AUDIENCE + ".attacker.example"},
        "without sub": {"sub": None},
        "sub empty": {"sub": ""},
        "sub a number": {"sub": 7},
        "sub a list": {"sub": ["kari@example.no"]},
        "sub with a control character": {"sub": "kari\n@example.no"},
        "sub half a pair": {"sub": "kari\ud800"},
        "sub very long": {"sub": "k" * 2000},
        "without organisation": {"organisation": None},
        "organisation with a wrong check digit": {"organisation": "958935421"},
        "organisation too short": {"organisation": "95893542"},
        "organisation in other digits": {
            "organisation": "".join(chr(ord(digit) + 0xFEE0) for digit in MUNICIPALITY)
        },
        "organisation a number": {"organisation": int(MUNICIPALITY)},
        "organisation a list of two": {"organisation": [MUNICIPALITY, DIRECTORATE]},
        "organisation with a space": {"organisation": f" {MUNICIPALITY}"},
        "without roles": {"roles": None},
        "roles empty": {"roles": []},
        "a role that means nothing here": {"roles": ["admin"]},
        "GrantFlow's own word for a role": {"roles": ["applicant", "case-officer"]},
        "the clock": {"roles": ["clock"]},
        "a role that looks like one": {
            "roles": ["sok\N{COMBINING DIAERESIS}er", "\N{CYRILLIC SMALL LETTER ES}oker"]
        },
        "roles an object": {"roles": {"soker": True}},
        "roles with a number": {"roles": ["soker", 1]},
        "a directorate's role for a municipality": {"roles": ["sak"]},
        "jti a number": {"jti": 1},
    }
    for what, other in spoilt.items():
        yield what, people.token(**other)
    yield "another tenant's own token", realm.stranger.token()


def _machines(realm: Realm) -> Iterator[tuple[str, str]]:
    machine = realm.machine
    consumers: dict[str, Any] = {
        "missing": None,
        "of another authority": {"authority": "iso6523-actorid-other", "ID": f"0192:{DIRECTORATE}"},
        "without authority": {"ID": f"0192:{DIRECTORATE}"},
        "with another prefix": {"authority": ISO_6523, "ID": f"9908:{DIRECTORATE}"},
        "without prefix": {"authority": ISO_6523, "ID": DIRECTORATE},
        "with the prefix twice": {"authority": ISO_6523, "ID": f"0192:0192:{DIRECTORATE}"},
        "with a wrong check digit": {"authority": ISO_6523, "ID": "0192:987879697"},
        "with a list for a number": {"authority": ISO_6523, "ID": [f"0192:{DIRECTORATE}"]},
        "a text": f"0192:{DIRECTORATE}",
        "a bare number": DIRECTORATE,
        "a list": [{"authority": ISO_6523, "ID": f"0192:{DIRECTORATE}"}] * 2,
    }
    for what, consumer in consumers.items():
        yield f"consumer {what}", machine.token(consumer=consumer)
    yield "a program without a name", machine.token(client_id=None)
    yield (
        "a person's token from the programs' issuer",
        machine.signed({**realm.people.claims(), "iss": machine.iss}),
    )


def _shapes(realm: Realm) -> Iterator[tuple[str, str]]:
    people = realm.people
    sound = people.token()
    header, payload, signature = sound.split(".")
    richer = b64({**people.claims(), "roles": ["revisor"]})
    yield "the payload exchanged", f"{header}.{richer}.{signature}"
    yield "the header exchanged", f"{b64(people.header('ed', 'EdDSA', typ='at+jwt'))}.{payload}.{signature}"
    yield "one bit of the signature turned", f"{header}.{payload}.{b64(turned(unb64(signature)))}"
    yield "the signature of another token", f"{header}.{payload}.{people.token(jti='2').rpartition('.')[2]}"
    yield "without its signature", f"{header}.{payload}."
    yield "without its last part", f"{header}.{payload}"
    yield "without its payload", f"{header}..{signature}"
    yield "half its signature", f"{header}.{payload}.{signature[:43]}"
    yield (
        "in five parts, like an encrypted one",
        f"{b64({'alg': 'dir', 'enc': 'A256GCM'})}..{payload}.{payload}.{signature}",
    )
    yield "in five parts, none empty", f"{header}.{payload}.{payload}.{payload}.{signature}"
    yield "in four parts", f"{sound}.{signature}"
    yield (
        "a JSON serialisation",
        json.dumps({"payload": payload, "protected": header, "signature": signature}),
    )
    yield "empty", ""
    yield "dots", ".."
    yield "with Bearer before it", f"Bearer {sound}"
    for what, text in {
        "a space": " ",
        "a line break": "\n",
        "a zero byte": "\0",
        "padding": "=",
        "a dot": ".",
    }.items():
        yield f"{what} after", sound + text
        yield f"{what} before", text + sound
    yield "a line break within", f"{header}.\n{payload}.{signature}"
    yield "base64 of another alphabet", f"{header}.{payload}.+/{signature[2:]}"
    yield "a letter that looks the same", "\N{CYRILLIC SMALL LETTER IE}" + sound[1:]
    yield "half a pair", "\ud800" + sound[1:]
    yield "huge", people.token(more="x" * 9000)
    yield "a megabyte", "a" * 1_000_000
    yield "rubbish", "rubbish"
    yield from _odd_json(realm)


def _odd_json(realm: Realm) -> Iterator[tuple[str, str]]:
    people = realm.people
    key = people.key("ed")
    header = people.header("ed", "EdDSA")
    claims = json.dumps(people.claims())
    payloads = {
        "a list": f"[{claims}]",
        "a text": json.dumps(claims),
        "null": "null",
        "nothing": "",
        "two objects": claims + claims,
        "sub twice": claims[:-1] + ', "sub": "per@example.no"}',
        "roles twice": claims[:-1] + ', "roles": ["revisor"]}',
        "a key twice, deep inside": claims[:-1] + ', "more": {"a": {"b": 1, "b": 2}}}',
        "a key twice by an escape": claims[:-1] + ', "\\u0073ub": "per@example.no"}',
        "a comma too many": claims[:-1] + ",}",
        "a comment": claims + " // sound",
        "nested beyond reason": claims[:-1] + ', "more": ' + "[" * 2500 + "]" * 2500 + "}",
        "NaN": claims[:-1] + ', "more": NaN}',
    }
    for what, text in payloads.items():
        yield f"payload: {what}", sealed(header, text.encode(), key)
    yield "payload: UTF-16", sealed(header, claims.encode("utf-16"), key)
    yield "payload: UTF-8 with a mark", sealed(header, claims.encode("utf-8-sig"), key)
    yield "payload: no UTF-8", sealed(header, claims.encode() + b"\xff", key)
    for what, raw in {
        "a list": b'["EdDSA"]',
        "alg twice": json.dumps(header)[:-1].encode() + b', "alg": "none"}',
        "kid twice": json.dumps(header)[:-1].encode() + b', "kid": "other-ed"}',
        "nested beyond reason": b'{"alg":' + b"[" * 2500 + b"]" * 2500 + b"}",
        "no JSON": b"alg=EdDSA",
    }.items():
        yield f"header: {what}", sealed(raw, people.claims(), key)


def with_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    said = f"{b64(header)}.{b64(claims)}"
    return f"{said}.{b64(hmac.digest(secret, said.encode(), sha256))}"


def detached(token: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}..{signature}"


def turned(raw: bytes) -> bytes:
    return bytes([raw[0] ^ 1]) + raw[1:]
