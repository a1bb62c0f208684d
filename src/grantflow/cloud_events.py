"""An event of the log as other programs get it, by whatever way: as CloudEvents 1.0 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.event import EVENT_TYPES
from grantflow.domain.money import in_kroner

if TYPE_CHECKING:
    from grantflow.domain.event import Entry, Event

SOURCE = "/api/v1/events"


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as CloudEvents 1.0 has it. `sequence` is its position in the log, of a width that sorts as text."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    sequence: str
    position: int
    data: dict[str, Any]


def cloud_event(entry: Entry) -> CloudEvent:
    """One entry of the log as a CloudEvent."""
    event = entry.event
    name, _, version = event.topic.partition("@")
    stamp = msgspec.to_builtins(event.stamp)
    return CloudEvent(
        specversion="1.0",
        id=entry.id,
        source=SOURCE,
        type=f"grantflow.{name}.v{version}",
        subject=str(entry.originator_id),
        time=stamp["recorded_at"],
        datacontenttype="application/json",
        sequence=f"{entry.position:020d}",
        position=entry.position,
        data={**stamp, "version": entry.originator_version, "facts": in_kroner(event.facts())},
    )


def kind_of(event: Event) -> str:
    """What kind of event it is, whatever its version: `application-granted`."""
    return event.topic.partition("@")[0]


def kinds() -> frozenset[str]:
    """Every kind of event there is."""
    return frozenset(topic.partition("@")[0] for topic in EVENT_TYPES)
