"""What happened, put in order for whoever asks: calls, cases, money and authority, as the log stood at an instant."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from grantflow.domain.announcement import CallEvent, CallPublished, CallRevised
from grantflow.domain.application import Application, CaseEvent, evolve
from grantflow.domain.authority import Authorities, AuthorityEvent, fold_authorities
from grantflow.domain.call import Call, DefinitionError
from grantflow.domain.contact import ContactEvent
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.frame import FrameOpened
from grantflow.domain.notice import NoticeEvent, Notices, fold_notices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grantflow.domain.access import Access
    from grantflow.domain.event import Entry


class Moment(NamedTuple):
    """One event of a case, between the case as it was and the case as it then became."""

    before: Application
    entry: Entry
    after: Application

    @property
    def event(self) -> CaseEvent:
        """What happened."""
        event = self.entry.event
        assert isinstance(event, CaseEvent)  # noqa: S101 - only a case's events are gathered in its history
        return event

    @property
    def at(self) -> datetime:
        """When it was recorded (UTC)."""
        return self.entry.event.stamp.recorded_at


@dataclass(frozen=True)
class CaseHistory:
    """A case from its beginning: its number in the call, and every event in order."""

    id: UUID
    number: str
    entries: tuple[Entry, ...]

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """Every event with the case before and after it."""
        case, moments = Application(id=self.id), []
        for entry in self.entries:
            after = evolve(case, entry)
            moments.append(Moment(case, entry, after))
            case = after
        return tuple(moments)

    @property
    def case(self) -> Application:
        """The case as it stood at the end."""
        return self.moments[-1].after

    def each(self, *kinds: type[CaseEvent]) -> Iterator[Moment]:
        """The moments in which one of these kinds of events happened."""
        return (moment for moment in self.moments if isinstance(moment.event, kinds))

    def first(self, *kinds: type[CaseEvent]) -> Moment | None:
        """The first of these kinds of events, if there is one."""
        return next(self.each(*kinds), None)

    def last(self, *kinds: type[CaseEvent]) -> Moment | None:
        """The last of these kinds of events, if there is one."""
        return next((moment for moment in reversed(self.moments) if isinstance(moment.event, kinds)), None)


@dataclass(frozen=True)
class History:
    """All that one question looks at. `entries` are in the order of the log; `as_of` is None for all there is."""

    as_of: datetime | None
    entries: tuple[Entry, ...]
    cases: tuple[CaseHistory, ...]
    definitions: dict[str, Call] = field(default_factory=dict)
    """Every definition that was ever published here, by its digest."""
    announcements: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    """The stream of each call, by its id: published, revised, questions answered."""
    frames: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    """The stream of each call's money, by the call's id."""
    authority: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    """The stream of each organisation's delegations and lines, by organisation number."""
    notices: dict[UUID, tuple[Entry, ...]] = field(default_factory=dict)
    """What is told of each case's notices, by the case."""
    contacts: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    """The stream of each organisation's mailboxes, by organisation number."""
    call: str = ""
    """The one call it was gathered for; empty for all there are."""
    later: tuple[Entry, ...] = ()
    """What was recorded in these streams after `as_of`, and had happened by then."""
    reads: tuple[Access, ...] = ()
    """Who had looked at the cases by then, where that was looked up: from the access log, and not from events."""

    @cached_property
    def by_id(self) -> dict[UUID, CaseHistory]:
        """Every case, by its stream."""
        return {case.id: case for case in self.cases}

    def call_of(self, case: Application) -> Call:
        """The call as it was for this case: by the definition it was bound to, in its area, at its stage."""
        return self.definitions[case.definition].within(case.area, case.stage)

    def notices_of(self, case: UUID) -> Notices:
        """A case's notices, as far as they are told here."""
        entries = self.notices.get(case, ())
        return fold_notices(Notices(id=case), entries)

    def authorities(self, organisation: str, before: int) -> Authorities:
        """An organisation's delegations and lines as the log had them before a position."""
        entries = self.authority.get(organisation, ())
        known = bisect_left(entries, before, key=lambda entry: entry.position)
        return self._authorities.get(organisation, (Authorities(id=UUID(int=0)),))[known]

    @cached_property
    def _authorities(self) -> dict[str, tuple[Authorities, ...]]:
        """Each organisation's delegations and lines before its first event, and after each one."""
        return {
            organisation: tuple(
                accumulate(entries, _further, initial=Authorities(id=entries[0].originator_id))
            )
            for organisation, entries in self.authority.items()
        }

    @property
    def end(self) -> datetime:
        """The instant until which it reaches: the one it was asked for, or that of the latest event."""
        recorded = (entry.event.stamp.recorded_at for entry in self.entries)
        return self.as_of or max(recorded, default=datetime.min.replace(tzinfo=UTC))

    @property
    def scope(self) -> str:
        """What was examined, in words."""
        until = f"as of {self.as_of.isoformat()}" if self.as_of else "to the end of the log"
        return f"{len(self.cases)} cases, {len(self.entries)} events, {until}"


def _further(known: Authorities, entry: Entry) -> Authorities:
    return fold_authorities(known, [entry])


def gather(entries: Iterable[Entry], *, call: str = "", at: datetime | None = None) -> History:
    """Put a log in order: all of it, or what concerns one call; up to what was recorded by an instant.

    The organisations' streams of authority are kept whole: they belong to no call.
    """
    kept: list[Entry] = []
    later: list[Entry] = []
    streams: dict[UUID, list[Entry]] = defaultdict(list)
    of_call: dict[UUID, bool] = {}
    for entry in entries:
        stamp = entry.event.stamp
        if at is not None and stamp.recorded_at > at:
            if entry.originator_id in streams and stamp.effective_at and stamp.effective_at <= at:
                later.append(entry)
            continue
        named = getattr(entry.event, "call", None)
        if entry.originator_id not in of_call:
            of_call[entry.originator_id] = not call or named is None or named == call
        if of_call[entry.originator_id]:
            kept.append(entry)
            streams[entry.originator_id].append(entry)
    ordered = {stream: tuple(found) for stream, found in streams.items()}
    history = History(at, tuple(kept), _cases(ordered), call=call, later=tuple(later))
    _fill(history, ordered)
    return history


def _fill(history: History, streams: dict[UUID, tuple[Entry, ...]]) -> None:
    for entries in streams.values():
        first = entries[0].event
        if isinstance(first, CallEvent):
            published = [entry.event for entry in entries]
            declared = [event for event in published if isinstance(event, CallPublished | CallRevised)]
            if declared:
                history.announcements[declared[0].call] = entries
            for event in declared:
                with suppress(DefinitionError):  # a history that was tampered with is looked at too
                    history.definitions[event.digest] = Call.read(event.files)
        elif isinstance(first, FrameOpened):
            history.frames[first.call] = entries
        elif isinstance(first, AuthorityEvent):
            history.authority[first.stamp.organisation] = entries
        elif isinstance(first, NoticeEvent):
            history.notices[first.case] = entries
        elif isinstance(first, ContactEvent):
            history.contacts[first.organisation] = entries


def _cases(streams: dict[UUID, tuple[Entry, ...]]) -> tuple[CaseHistory, ...]:
    """Each case with its number: its rank among those begun under its call."""
    ranks: dict[str, int] = defaultdict(int)
    cases: list[CaseHistory] = []
    for stream, entries in streams.items():
        event = entries[0].event
        if isinstance(event, ApplicationStarted):
            ranks[event.call] += 1
            cases.append(CaseHistory(stream, f"{event.call}-{ranks[event.call]:04d}", entries))
    return tuple(cases)
