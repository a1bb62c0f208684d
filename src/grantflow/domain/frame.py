"""The money of a call: what is committed, to whom, in which area, and never past the frame or a part of it (R3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from grantflow.domain.errors import FrameExceeded
from grantflow.domain.event import Entry, Event, Stamp
from grantflow.domain.money import Ore

if TYPE_CHECKING:
    from collections.abc import Iterable


class Commitment(msgspec.Struct, frozen=True):
    """What is set aside for a case, in øre, and the area whose part of the frame it is taken from."""

    amount_ore: Ore
    area: str = ""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The frame of one call, folded from its own stream. Amounts in øre; `areas` are the parts that areas have."""

    id: UUID
    version: int = 0
    limit_ore: Ore = 0
    areas: dict[str, Ore] = {}
    commitments: dict[UUID, Commitment] = {}

    @property
    def committed_ore(self) -> Ore:
        """The sum of all grants in force."""
        return sum(one.amount_ore for one in self.commitments.values())

    @property
    def left_ore(self) -> Ore:
        """What can still be granted, in all."""
        return self.limit_ore - self.committed_ore

    def left_in(self, area: str) -> Ore:
        """What can still be granted in an area: of its own part, if it has one, and of the whole."""
        if area not in self.areas:
            return self.left_ore
        taken = sum(one.amount_ore for one in self.commitments.values() if one.area == area)
        return min(self.left_ore, self.areas[area] - taken)

    def commit(self, case: UUID, amount_ore: Ore, stamp: Stamp, *, area: str = "") -> FrameCommitted:
        """Set `amount_ore` aside for a case, or FrameExceeded. A commitment is per case: never twice."""
        without = self._without(case)
        left = without.left_in(area)
        if amount_ore > left:
            raise FrameExceeded(amount_ore, left, area if left < without.left_ore else "")
        total = without.committed_ore + amount_ore
        return FrameCommitted(
            case=case,
            area=area,
            amount_ore=amount_ore,
            committed_ore=total,
            left_ore=self.limit_ore - total,
            stamp=self._stamped(stamp, total),
        )

    def release(self, case: UUID, remaining_ore: Ore, stamp: Stamp) -> FrameReleased:
        """Give back what a reversal or reduction leaves free; `remaining_ore` is what the case keeps."""
        held = self.commitments[case]
        total = self.committed_ore - held.amount_ore + remaining_ore
        return FrameReleased(
            case=case,
            area=held.area,
            amount_ore=held.amount_ore - remaining_ore,
            remaining_ore=remaining_ore,
            committed_ore=total,
            left_ore=self.limit_ore - total,
            stamp=self._stamped(stamp, total),
        )

    def adjust(self, call: str, limit_ore: Ore, areas: dict[str, Ore], stamp: Stamp) -> FrameAdjusted:
        """Other limits, with a revision; FrameExceeded when more is committed already, in all or in an area."""
        if limit_ore < self.committed_ore:
            raise FrameExceeded(self.committed_ore, limit_ore)
        for area, limit in areas.items():
            taken = sum(one.amount_ore for one in self.commitments.values() if one.area == area)
            if taken > limit:
                raise FrameExceeded(taken, limit, area)
        return FrameAdjusted(
            call=call,
            limit_ore=limit_ore,
            areas=areas,
            previous_ore=self.limit_ore,
            committed_ore=self.committed_ore,
            left_ore=limit_ore - self.committed_ore,
            stamp=msgspec.structs.replace(stamp, state=_state(self.committed_ore, limit_ore)),
        )

    def but(self, **changes: Any) -> Frame:  # noqa: ANN401 - the fields' own types
        """The same frame with some fields changed."""
        return msgspec.structs.replace(self, **changes)

    def _without(self, case: UUID) -> Frame:
        return self.but(commitments={other: one for other, one in self.commitments.items() if other != case})

    def _stamped(self, stamp: Stamp, committed_ore: Ore) -> Stamp:
        return msgspec.structs.replace(stamp, state=_state(committed_ore, self.limit_ore))


def _state(committed_ore: Ore, limit_ore: Ore) -> str:
    return "open" if committed_ore < limit_ore else "spent"


class FrameEvent(Event, frozen=True, kw_only=True):
    """An event in a frame's stream."""

    stream = "frame"

    def apply(self, frame: Frame) -> Frame:
        """The frame after this event."""
        return frame


class FrameOpened(FrameEvent, frozen=True, kw_only=True):
    """The call was published with this much money, and these parts of it for areas."""

    topic = "frame-opened@2"

    call: str
    limit_ore: Ore
    areas: dict[str, Ore] = msgspec.field(default_factory=dict)

    def apply(self, frame: Frame) -> Frame:
        return frame.but(limit_ore=self.limit_ore, areas=self.areas)


class FrameCommitted(FrameEvent, frozen=True, kw_only=True):
    """A grant took its part; `committed_ore` and `left_ore` are the call's totals afterwards."""

    topic = "frame-committed@2"

    case: UUID
    amount_ore: Ore
    committed_ore: Ore
    left_ore: Ore
    area: str = ""

    def apply(self, frame: Frame) -> Frame:
        return frame.but(commitments={**frame.commitments, self.case: Commitment(self.amount_ore, self.area)})


class FrameReleased(FrameEvent, frozen=True, kw_only=True):
    """A reversal or reduction gave `amount_ore` back; the case keeps `remaining_ore` (fvl § 35)."""

    topic = "frame-released@1"

    case: UUID
    amount_ore: Ore
    remaining_ore: Ore
    committed_ore: Ore
    left_ore: Ore
    area: str = ""

    def apply(self, frame: Frame) -> Frame:
        others = {case: one for case, one in frame.commitments.items() if case != self.case}
        kept = {self.case: Commitment(self.remaining_ore, self.area)} if self.remaining_ore else {}
        return frame.but(commitments={**others, **kept})


class FrameAdjusted(FrameEvent, frozen=True, kw_only=True):
    """A revision of the call changed its money; what is committed stays."""

    topic = "frame-adjusted@2"

    call: str
    limit_ore: Ore
    previous_ore: Ore
    committed_ore: Ore
    left_ore: Ore
    areas: dict[str, Ore] = msgspec.field(default_factory=dict)

    def apply(self, frame: Frame) -> Frame:
        return frame.but(limit_ore=self.limit_ore, areas=self.areas)


def fold_frame(frame: Frame, entries: Iterable[Entry]) -> Frame:
    """The frame after `entries`, which must follow its version."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, FrameEvent) or entry.originator_version != frame.version + 1:
            msg = f"{entry.id} ({event.topic}) does not follow version {frame.version} of frame {frame.id}"
            raise ValueError(msg)
        frame = event.apply(frame).but(version=entry.originator_version)
    return frame
