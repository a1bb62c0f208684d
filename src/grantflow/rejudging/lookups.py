"""What judging an event anew has to look up: rules, money and authority as the log had them at its position."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from grantflow.domain.announcement import CallPublished, CallRevised
from grantflow.domain.authority import Authorities, AuthorityEvent
from grantflow.domain.errors import NotFound
from grantflow.domain.frame import (
    Commitment,
    Frame,
    FrameAdjusted,
    FrameCommitted,
    FrameOpened,
    FrameReleased,
)
from grantflow.domain.retelling import nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry
    from grantflow.domain.money import Ore
    from grantflow.history import History

NOBODY = UUID(int=0)
"""No case at all."""
NO_FRAME = Frame(id=NOBODY)
NO_AUTHORITY = Authorities(id=NOBODY)


def parts_of(call: Call) -> dict[str, Ore]:
    """The parts of the frame that areas have."""
    parts = {area: call.sub_frame(area) for area in call.areas}
    return {area: part for area, part in parts.items() if part is not None}


class _Sums(NamedTuple):
    limit_ore: Ore
    areas: dict[str, Ore]
    taken: dict[str, Ore]
    """What is committed, by area."""


class Funds:
    """The money of one call as of any position: the sums after each event, and what each case held since when."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = {entry.position: entry for entry in entries}
        self._positions = [entry.position for entry in entries]
        self._sums: list[_Sums] = []
        self._held: dict[UUID, list[tuple[int, Commitment]]] = {}
        sums = _Sums(0, {}, {})
        for entry in entries:
            sums = self._after(sums, entry)
            self._sums.append(sums)

    def before(self, position: int, case: UUID) -> Frame:
        """The frame as it was before a position, for this case: all that others hold of an area stands as one."""
        n = bisect_left(self._positions, position)
        if n == 0:
            return NO_FRAME
        sums, own = self._sums[n - 1], self._own(case, position)
        taken = sums.taken
        commitments = {}
        if own.amount_ore:
            commitments[case] = own
            taken = {**taken, own.area: taken[own.area] - own.amount_ore}
        for number, (area, amount) in enumerate(taken.items()):
            commitments[UUID(int=number)] = Commitment(amount, area)
        return Frame(
            id=NOBODY, version=n, limit_ore=sums.limit_ore, areas=sums.areas, commitments=commitments
        )

    def _own(self, case: UUID, position: int) -> Commitment:
        earlier = [held for since, held in self._held.get(case, ()) if since < position]
        return earlier[-1] if earlier else Commitment(0)

    def _after(self, sums: _Sums, entry: Entry) -> _Sums:
        event = entry.event
        if isinstance(event, FrameOpened | FrameAdjusted):
            return sums._replace(limit_ore=event.limit_ore, areas=event.areas)
        if isinstance(event, FrameCommitted):
            return self._holding(sums, entry, event.case, Commitment(event.amount_ore, event.area))
        if isinstance(event, FrameReleased):
            return self._holding(sums, entry, event.case, Commitment(event.remaining_ore, event.area))
        return sums

    def _holding(self, sums: _Sums, entry: Entry, case: UUID, now: Commitment) -> _Sums:
        before = self._own(case, entry.position)
        self._held.setdefault(case, []).append((entry.position, now))
        taken = {**sums.taken, before.area: sums.taken.get(before.area, 0) - before.amount_ore}
        taken[now.area] = taken.get(now.area, 0) + now.amount_ore
        return sums._replace(taken=taken)


_NO_FUNDS = Funds(())


class Lookups:
    """All that is asked for while one case after another is judged; made of the streams that belong to no case.

    `history` needs no cases. `document` fetches a document's bytes by their digest, `topic` the topic an entry is
    stored under, where an older version was brought up to date; `entry` the entry at a position, None for none.
    """

    def __init__(
        self,
        history: History,
        *,
        document: Callable[[str], bytes] = nowhere,
        topic: Callable[[Entry], str] = lambda entry: entry.event.topic,
        entry: Callable[[int], Entry | None] | None = None,
    ) -> None:
        self.history, self.document, self.topic = history, document, topic
        self._funds = {call: Funds(entries) for call, entries in history.frames.items()}
        self._authorities = {number: _each(entries) for number, entries in history.authority.items()}
        self._at = {} if entry else {one.position: one for one in history.entries}
        self.entry = entry or self._at.get

    def call(self, digest: str) -> Call:
        """The definition with this digest; NotFound when it was never published."""
        call = self.history.definitions.get(digest)
        if call is None:
            msg = f"No definition with the digest {digest!r} was ever published."
            raise NotFound(msg)
        return call

    def newest(self, call: str, position: int, at: datetime) -> tuple[str, ...]:
        """The digests a command at this instant can have found as the newest, the newest of all last.

        One that was revised between the command's instant and its place in the log is among them.
        """
        found: list[str] = []
        for entry in self.history.announcements.get(call, ()):
            event = entry.event
            if isinstance(event, CallPublished | CallRevised) and entry.position < position:
                overtaken = event.stamp.recorded_at < at
                found = [event.digest] if overtaken else [*found, event.digest]
        return tuple(found)

    def funds(self, call: str) -> Funds:
        """The money of a call; empty when it never had any."""
        return self._funds.get(call, _NO_FUNDS)

    def authorities(self, organisation: str, position: int) -> Authorities:
        """An organisation's delegations and lines as the log had them before a position."""
        positions, states = self._authorities.get(organisation, ((), ()))
        n = bisect_left(positions, position)
        return states[n - 1] if n else NO_AUTHORITY


def _each(entries: Sequence[Entry]) -> tuple[Sequence[int], Sequence[Authorities]]:
    """The authorities after each entry, and where it stands; that one is missing before it is told elsewhere."""
    known, states = Authorities(id=entries[0].originator_id), []
    for entry in entries:
        if isinstance(entry.event, AuthorityEvent):
            known = entry.event.apply(known)
        states.append(known)
    return [entry.position for entry in entries], states
