"""A token as it came, before anybody has vouched for it: of a fair size, of the right shape, plain JSON inside."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, NamedTuple, NoReturn

from grantflow.identity.who import Reason, Unauthenticated

LARGEST = 8 * 1024
"""The most bytes that a token may have; one that is larger is not looked at."""
LONGEST_KID = 200
NO_KID = ""
"""What stands for the name of the key where a token says none."""
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""Three parts in base64url and nothing else: no padding, no white space, nothing encrypted, nothing left out."""
_KEYS = ("jku", "jwk", "x5u", "x5c")
"""With these a token brings its own key; whoever would trust it would trust anybody."""
_UNDONE = ("crit", "b64", "zip")
_TIMES = ("exp", "nbf", "iat")
_LAST = 2**53


def insist_on_size(token: str) -> None:
    """Unauthenticated when the token is too large to be looked at, or is no text that a token could be."""
    if len(token) > LARGEST:
        raise Unauthenticated(Reason.TOO_LARGE)
    if not token.isascii():
        raise Unauthenticated(Reason.MALFORMED)


class Unverified(NamedTuple):
    """What the token says of itself. Good for choosing whose keys to ask, and for nothing else."""

    issuer: str
    key: str
    algorithm: str
    type: str
    claims: dict[str, Any]

    @classmethod
    def read(cls, token: str) -> Unverified:
        """Read a token. Unauthenticated when it isn't one, or asks for what is not done here."""
        if _SHAPE.fullmatch(token) is None:
            raise Unauthenticated(Reason.MALFORMED)
        first, second, _ = token.split(".")
        header, claims = _object(first), _object(second)
        if any(name in header for name in _KEYS):
            raise Unauthenticated(Reason.BRINGS_A_KEY)
        if any(name in header for name in _UNDONE):
            raise Unauthenticated(Reason.HEADER)
        kid = header.get("kid", NO_KID)
        if not isinstance(kid, str) or len(kid) > LONGEST_KID or ("kid" in header and kid == NO_KID):
            raise Unauthenticated(Reason.UNKNOWN_KEY)
        algorithm, kind, issuer = header.get("alg"), header.get("typ", ""), claims.get("iss")
        if not isinstance(algorithm, str):
            raise Unauthenticated(Reason.ALGORITHM)
        if not isinstance(kind, str):
            raise Unauthenticated(Reason.TYPE)
        if not isinstance(issuer, str):
            raise Unauthenticated(Reason.UNKNOWN_ISSUER)
        for name in _TIMES:
            if name in claims and not _is_instant(claims[name]):
                raise Unauthenticated(Reason.CLAIM)
        return cls(issuer, kid, algorithm, kind, claims)


def _object(part: str) -> dict[str, Any]:
    """The JSON object in one part of a token."""
    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
        found = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unauthenticated(Reason.MALFORMED) from None
    if not isinstance(found, dict):
        raise Unauthenticated(Reason.MALFORMED)
    return found


def _is_instant(value: object) -> bool:
    """Whether a claim is seconds since 1970, as a number: not as text, and not beyond all calendars."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LAST


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError
    return data


def _no_constant(_: str) -> NoReturn:
    raise ValueError
