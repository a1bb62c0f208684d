"""What happened, by whom, when and on what authority: the shape of every stored event."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

import msgspec

_encoder = msgspec.json.Encoder()

EVENT_TYPES: dict[str, type[Event]] = {}
"""Every event type ever shipped, by its topic (`submitted@1`). Removing one would make history unreadable."""


class Stamp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The circumstances of an event, complete enough that nobody needs today's tables to read it.

    `recorded_at` is the instant that counts (UTC); `effective_at` when it happened, if that was earlier. `person` is a
    stable pseudonym, never a name or a national identity number. `authority` names the delegation or office relied on.
    `step` is what they did, `state` the state the stream was in afterwards.
    """

    recorded_at: datetime
    step: str
    person: str
    organisation: str
    role: str
    channel: str
    command: str
    state: str
    authority: str | None = None
    effective_at: datetime | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An immutable fact. Subclasses name themselves: `topic = "submitted@1"`, and `stream` says of what."""

    topic: ClassVar[str] = ""
    stream: ClassVar[str] = "case"

    stamp: Stamp

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "topic" in cls.__dict__:
            EVENT_TYPES[cls.topic] = cls

    def upcast(self) -> Event:
        """The event in its newest version: an older version overrides this and says what it means today."""
        return self

    def facts(self) -> dict[str, Any]:
        """The event's own fields without its stamp, as plain JSON values."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        del body["stamp"]
        return body


class Entry(msgspec.Struct, frozen=True):
    """An event at its place: which stream, which version there, and its position in the whole log (0: not stored)."""

    originator_id: UUID
    originator_version: int
    event: Event
    position: int = 0

    @property
    def id(self) -> str:
        """The event's identifier for other programs."""
        return f"{self.originator_id}.{self.originator_version}"

    def placed(self, position: int) -> Self:
        """The same entry, now known to stand at `position`."""
        return msgspec.structs.replace(self, position=position)


def body_of(event: Event) -> bytes:
    """The event as it is stored and hashed: JSON, fields in their declared order."""
    return _encoder.encode(event)
