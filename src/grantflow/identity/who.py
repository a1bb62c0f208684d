"""What a token that holds says about whoever shows it, and the one answer to a token that doesn't."""

from __future__ import annotations

from enum import Enum

import msgspec

from grantflow.domain.errors import Refused

SCOPES = ("events", "read", "write")
"""What the role integration can be let do."""


class Reason(Enum):
    """Why a token is refused, in words for whoever sent it; the code is for the log."""

    TOO_LARGE = "it is larger than 8 kB"
    MALFORMED = "it is not a signed JSON Web Token"
    HEADER = "its header asks for what is not done here"
    BRINGS_A_KEY = "it brings a key of its own, or says where one is"
    TYPE = "it is of another type"
    UNKNOWN_ISSUER = "its issuer is not one of those trusted here"
    ALGORITHM = "it is signed with an algorithm that its issuer is not trusted with"
    UNKNOWN_KEY = "its issuer has no such key"
    KEYS_UNAVAILABLE = "the keys of its issuer can't be had right now"
    SIGNATURE = "the signature does not hold"
    CLAIM_MISSING = "a claim that it must have is missing"
    CLAIM = "a claim in it can't be read"
    EXPIRED = "expired"
    NOT_YET_VALID = "it is not valid yet"
    LIFETIME = "it is made to last longer than a day"
    AUDIENCE = "it is meant for another service"
    PERSON = "it does not say who is asking"
    ORGANISATION = "it is for no organisation that is let in here"
    ROLE = "it gives no role here"

    @property
    def code(self) -> str:
        """The reason for machines, such as too-large."""
        return self.name.lower().replace("_", "-")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, as their issuer tells it.

    `person` is a stable pseudonym and never the login's identifier; `organisation` is nine digits; `scopes` is for the
    role integration, and empty for everybody else. `client` is for rate limits and logs: which program is asking
    where the token tells, else the pseudonym; stable within its `issuer`, and never personal.
    """

    person: str
    organisation: str
    roles: tuple[str, ...]
    scopes: frozenset[str]
    issuer: str
    client: str


class Unauthenticated(Refused):
    """The token is not accepted, for this reason; nothing of the token is repeated."""

    code = "unauthenticated"
    status = 401

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"The token is not accepted: {reason.value}.")
        self.reason = reason
