"""Whether a token holds: signed by a key of its own issuer, in force now, and meant for us."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
from jwt.exceptions import InvalidJTIError, InvalidSubjectError

from grantflow.identity.who import Reason, Unauthenticated

if TYPE_CHECKING:
    from grantflow.identity.issuer import Issuer
    from grantflow.identity.keys import Keys
    from grantflow.identity.unverified import Unverified

LEEWAY = 10
"""Seconds that two clocks may differ."""
LONGEST = 24 * 60 * 60
"""Seconds that a token may be made to last."""
_MEDIA_TYPE = "application/"
_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (jwt.ExpiredSignatureError, Reason.EXPIRED),
    (jwt.ImmatureSignatureError, Reason.NOT_YET_VALID),
    (jwt.InvalidAudienceError, Reason.AUDIENCE),
    (jwt.InvalidIssuerError, Reason.UNKNOWN_ISSUER),
    (jwt.InvalidSignatureError, Reason.SIGNATURE),
    (jwt.InvalidAlgorithmError, Reason.ALGORITHM),
    (jwt.MissingRequiredClaimError, Reason.CLAIM_MISSING),
    (InvalidSubjectError, Reason.CLAIM),
    (InvalidJTIError, Reason.CLAIM),
)


def verify(token: str, said: Unverified, issuer: Issuer, keys: Keys) -> dict[str, Any]:
    """The token's claims, now that they hold. Unauthenticated otherwise; may fetch the issuer's keys."""
    if said.algorithm not in issuer.algorithms:
        raise Unauthenticated(Reason.ALGORITHM)
    if issuer.require_typ and _media(said.type) != _media(issuer.require_typ):
        raise Unauthenticated(Reason.TYPE)
    key = keys.get(said.key, said.algorithm)
    try:
        jwt.decode(
            token,
            key,
            algorithms=[said.algorithm],
            audience=issuer.audience,
            issuer=issuer.iss,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.PyJWTError as error:
        reason = next((told for kind, told in _REASONS if isinstance(error, kind)), Reason.MALFORMED)
        raise Unauthenticated(reason) from None
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Unauthenticated(Reason.MALFORMED) from None
    begun = said.claims.get("iat", time.time())
    if said.claims["exp"] - begun > LONGEST:
        raise Unauthenticated(Reason.LIFETIME)
    return said.claims


def _media(kind: str) -> str:
    """A type as RFC 7515 compares it: without `application/`, in whatever case."""
    return kind.lower().removeprefix(_MEDIA_TYPE)
