"""Who asks, when, and how it reached us: what comes in with every command, and is never part of its content."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import msgspec

from grantflow.domain.errors import BadRequest, IdentityNumber
from grantflow.domain.identity_numbers import holds_one
from grantflow.domain.plain import storable

LONGEST_NAME = 200
"""The most characters a person, organisation, role, channel or idempotency key may have."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks, when, and how it reached us. Never part of the command's own content.

    `at` is the instant the command was received (UTC) and decides deadlines; `command` is its idempotency key.
    `effective_at` is when what is told happened, where that was earlier.
    """

    at: datetime
    person: str
    organisation: str
    role: str
    channel: str
    command: str
    authority: str | None = None
    effective_at: datetime | None = None

    @property
    def key(self) -> str:
        """The idempotency key in the whole system: the caller's own, within that caller."""
        return f"{self.person.replace('%', '%25').replace(':', '%3A')}:{self.command}"

    def __post_init__(self) -> None:
        """BadRequest when a name or key is empty, too long or can't be stored, or an instant is not one that can be."""
        for name in ("person", "organisation", "role", "channel", "command"):
            _look_at(name, getattr(self, name))
        if self.authority is not None and not storable(self.authority):
            msg = "'authority' holds characters that can't be stored."
            raise BadRequest(msg)
        for name in ("at", "effective_at"):
            instant: datetime | None = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                msg = f"'{name}' has no offset from UTC; an instant reads like 2023-08-28T23:59:59+02:00."
                raise BadRequest(msg)
        if self.effective_at is not None and self.effective_at > self.at:
            msg = (
                "'effective_at' lies after the instant it is told at; nothing is recorded before it happens."
            )
            raise BadRequest(msg)


@lru_cache(maxsize=4_096)
def _look_at(name: str, text: str) -> None:
    """BadRequest or IdentityNumber when a name or key is none that can be; the same few come again and again."""
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        msg = f"'{name}' must be 1 to {LONGEST_NAME} printable characters."
        raise BadRequest(msg)
    if holds_one(text):
        raise IdentityNumber(name)
