"""An event of the log as other programs get it, by whatever way: as CloudEvents 1.0 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.event import EVENT_TYPES
from grantflow.domain.money import in_kroner
from grantflow.domain.occasions import kind_of

if TYPE_CHECKING:
    from grantflow.domain.event import Entry

__all__ = ["SOURCE", "CloudEvent", "cloud_event", "kind_of", "kinds"]

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
    version = event.topic.partition("@")[2]
    stamp = msgspec.to_builtins(event.stamp)
    return CloudEvent(
        specversion="1.0",
        id=entry.id,
        source=SOURCE,
        type=f"grantflow.{kind_of(event)}.v{version}",
        subject=str(entry.originator_id),
        time=stamp["recorded_at"],
        datacontenttype="application/json",
        sequence=f"{entry.position:020d}",
        position=entry.position,
        data={**stamp, "version": entry.originator_version, "facts": in_kroner(event.facts())},
    )


def kinds() -> frozenset[str]:
    """Every kind of event there is."""
    return frozenset(topic.partition("@")[0] for topic in EVENT_TYPES)
