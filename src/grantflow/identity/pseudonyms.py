"""The names under which people stand in events: the same each time, and nothing of what they log in with."""

from __future__ import annotations

import base64
import hmac
import re
from hashlib import sha256

from grantflow.domain.identity_numbers import holds_one
from grantflow.domain.plain import storable

LONGEST = 100
"""The most characters that a pseudonym from elsewhere may have."""
_LENGTH = 20
_OURS = re.compile(rf"(client:)?p-[a-z2-7]{{{_LENGTH}}}")


class Pseudonyms:
    """Pseudonyms under a secret of this installation: another one gives the same people other names."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, issuer: str, identifier: str) -> str:
        """The pseudonym of what an issuer calls somebody: p- and 20 letters and digits."""
        digest = hmac.digest(self._secret, f"{issuer}\0{identifier}".encode(), sha256)
        return f"p-{base64.b32encode(digest).decode().lower()[:_LENGTH]}"


def is_pseudonym(text: str) -> bool:
    """Whether a text can stand in events for a person: short, printable, no identity number, and not one of ours."""
    return is_name(text, LONGEST) and _OURS.fullmatch(text) is None


def is_name(text: object, longest: int) -> bool:
    """Whether it is a text that can be stored and logged: 1 to `longest` printable characters, no identity number."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= longest
        and text.isprintable()
        and storable(text)
        and not holds_one(text)
    )
