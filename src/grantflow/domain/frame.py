"""The money of a call: what is committed, to whom, and never past the frame (R3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from grantflow.domain.errors import FrameExceeded
from grantflow.domain.event import Entry, Event, Stamp
from grantflow.domain.money import Ore

if TYPE_CHECKING:
    from collections.abc import Iterable


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The frame of one call, folded from its own stream. Amounts in øre."""

    id: UUID
    version: int = 0
    limit_ore: Ore = 0
    commitments: dict[UUID, Ore] = {}

    @property
    def committed_ore(self) -> Ore:
        """The sum of all grants in force."""
        return sum(self.commitments.values())

    @property
    def left_ore(self) -> Ore:
        """What can still be granted."""
        return self.limit_ore - self.committed_ore

    def commit(self, case: UUID, amount_ore: Ore, stamp: Stamp) -> FrameCommitted:
        """Set `amount_ore` aside for a case, or FrameExceeded. A commitment is per case: never twice."""
        left = self.left_ore + self.commitments.get(case, 0)
        if amount_ore > left:
            raise FrameExceeded(amount_ore, left)
        total = self.committed_ore - self.commitments.get(case, 0) + amount_ore
        return FrameCommitted(
            case=case,
            amount_ore=amount_ore,
            committed_ore=total,
            left_ore=self.limit_ore - total,
            stamp=msgspec.structs.replace(stamp, state="open" if total < self.limit_ore else "spent"),
        )

    def adjust(self, call: str, limit_ore: Ore, stamp: Stamp) -> FrameAdjusted:
        """Another limit for the call, with a revision; FrameExceeded when more than that is committed already."""
        if limit_ore < self.committed_ore:
            raise FrameExceeded(self.committed_ore, limit_ore)
        state = "open" if self.committed_ore < limit_ore else "spent"
        return FrameAdjusted(
            call=call,
            limit_ore=limit_ore,
            previous_ore=self.limit_ore,
            committed_ore=self.committed_ore,
            left_ore=limit_ore - self.committed_ore,
            stamp=msgspec.structs.replace(stamp, state=state),
        )

    def but(self, **changes: Any) -> Frame:  # noqa: ANN401 - the fields' own types
        """The same frame with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class FrameEvent(Event, frozen=True, kw_only=True):
    """An event in a frame's stream."""

    stream = "frame"

    def apply(self, frame: Frame) -> Frame:
        """The frame after this event."""
        return frame


class FrameOpened(FrameEvent, frozen=True, kw_only=True):
    """The call was published with this much money."""

    topic = "frame-opened@1"

    call: str
    limit_ore: Ore

    def apply(self, frame: Frame) -> Frame:
        return frame.but(limit_ore=self.limit_ore)


class FrameCommitted(FrameEvent, frozen=True, kw_only=True):
    """A grant took its part; `committed_ore` and `left_ore` are the call's totals afterwards."""

    topic = "frame-committed@1"

    case: UUID
    amount_ore: Ore
    committed_ore: Ore
    left_ore: Ore

    def apply(self, frame: Frame) -> Frame:
        return frame.but(commitments={**frame.commitments, self.case: self.amount_ore})


class FrameAdjusted(FrameEvent, frozen=True, kw_only=True):
    """A revision of the call changed its money; what is committed stays."""

    topic = "frame-adjusted@1"

    call: str
    limit_ore: Ore
    previous_ore: Ore
    committed_ore: Ore
    left_ore: Ore

    def apply(self, frame: Frame) -> Frame:
        return frame.but(limit_ore=self.limit_ore)


def fold_frame(frame: Frame, entries: Iterable[Entry]) -> Frame:
    """The frame after `entries`, which must follow its version."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, FrameEvent) or entry.originator_version != frame.version + 1:
            msg = f"{entry.id} ({event.topic}) does not follow version {frame.version} of frame {frame.id}"
            raise ValueError(msg)
        frame = event.apply(frame).but(version=entry.originator_version)
    return frame
