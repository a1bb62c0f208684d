"""Histories to ask questions of, put together from cases without any storage, and broken on purpose."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import msgspec
from given import DEADLINE, IMDI, MUNICIPAL, START, STAVANGER, Given, Step
from steps import (
    GROUNDS,
    accept,
    assess,
    assessed,
    call_2023,
    countersign,
    declared,
    drafted,
    letter,
    paid,
    reject,
    report,
    sign,
)

from grantflow.domain.announcement import CallPublished
from grantflow.domain.authority import AuthorityDelegated, AuthorityEvent, SuperiorNamed
from grantflow.domain.event import Entry, Event, Stamp
from grantflow.domain.frame import Frame, FrameCommitted, FrameEvent, FrameOpened, FrameReleased, fold_frame
from grantflow.history import gather
from grantflow.states import NAMESPACE, authority_stream, call_stream, frame_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from grantflow.domain.call import Call
    from grantflow.history import History

    Change = Callable[[list[Entry]], Iterable[Entry]]

BERGEN, TRONDHEIM = "964338531", "942110464"
PUBLISHED = START.replace(day=10)


def gathered(call: Call, *givens: Given) -> History:
    """The history of these cases under a call that was published, by people who were delegated what they needed."""
    begun: list[tuple[UUID, Event]] = [
        (frame_stream(call.id), _opened(call)),
        (call_stream(call.id), _published(call)),
        *_delegated(givens),
    ]
    took = sorted(
        (
            (event.stamp.recorded_at, number, event)
            for number, given in enumerate(givens)
            for event in given.events
        ),
        key=lambda one: one[:2],
    )
    frame = Frame(id=frame_stream(call.id), version=1, limit_ore=call.frame)
    for _, number, event in took:
        case = case_number(number)
        if isinstance(event, FrameEvent):
            moved = _of_the_frame(frame, case, event)
            frame = fold_frame(frame, [Entry(frame.id, frame.version + 1, moved)])
            begun.append((frame.id, moved))
        else:
            begun.append((case, event))
    return gather(numbered(Entry(stream, 0, event) for stream, event in begun))


def case_number(number: int) -> UUID:
    """The stream of the given case with this number, from 0."""
    return uuid5(NAMESPACE, f"case:given-{number}")


def numbered(entries: Iterable[Entry]) -> list[Entry]:
    """The entries in this order, with versions and positions as if they had been stored so."""
    versions: dict[UUID, count[int]] = {}
    return [
        Entry(one.originator_id, next(versions.setdefault(one.originator_id, count(1))), one.event, position)
        for position, one in enumerate(entries, 1)
    ]


def planted(history: History, *changes: Change) -> History:
    """The same history with something done to its events, stored as if nothing had been wrong."""
    entries = list(history.entries)
    for change in changes:
        entries = list(change(entries))
    return gather(numbered(entries))


def changed(kind: type[Event], *, nth: int = 0, stamp: dict[str, Any] | None = None, **fields: Any) -> Change:
    """A change: the nth event of a kind (in the log) has other fields, or another stamp."""

    def change(entries: list[Entry]) -> list[Entry]:
        entry = the(entries, kind, nth)
        event = msgspec.structs.replace(entry.event, **fields)
        if stamp:
            event = msgspec.structs.replace(event, stamp=msgspec.structs.replace(event.stamp, **stamp))
        return [msgspec.structs.replace(one, event=event) if one is entry else one for one in entries]

    return change


def dropped(kind: type[Event], *, nth: int = 0) -> Change:
    """A change: the nth event of a kind never happened."""
    return lambda entries: [one for one in entries if one is not the(entries, kind, nth)]


def moved(kind: type[Event], *, before: type[Event], nth: int = 0) -> Change:
    """A change: the nth event of a kind comes just before the first of another kind in its stream, at its instant."""

    def change(entries: list[Entry]) -> list[Entry]:
        entry = the(entries, kind, nth)
        stream = [one for one in entries if one.originator_id == entry.originator_id]
        later = the(stream, before)
        at = {"recorded_at": later.event.stamp.recorded_at}
        earlier = msgspec.structs.replace(entry, event=stamped(entry.event, **at))
        others = [one for one in entries if one is not entry]
        place = others.index(later)
        return [*others[:place], earlier, *others[place:]]

    return change


def added(kind: type[Event], event: Callable[[Entry], Event], *, nth: int = 0) -> Change:
    """A change: after the nth event of a kind, in its stream, comes another one that is made from it."""

    def change(entries: list[Entry]) -> list[Entry]:
        entry = the(entries, kind, nth)
        place = entries.index(entry) + 1
        return [*entries[:place], Entry(entry.originator_id, 0, event(entry)), *entries[place:]]

    return change


def stamped(event: Event, **fields: Any) -> Event:
    """The same event with another stamp."""
    return msgspec.structs.replace(event, stamp=msgspec.structs.replace(event.stamp, **fields))


def the(entries: Sequence[Entry], kind: type[Event], nth: int = 0) -> Entry:
    """The nth entry of a kind."""
    return [one for one in entries if isinstance(one.event, kind)][nth]


def of(organisation: str, *steps: Step) -> tuple[Step, ...]:
    """The same steps, with the municipal ones taken for another municipality."""
    return tuple(step.of(organisation) if step.role in MUNICIPAL else step for step in steps)


def own(number: int, *steps: Step) -> tuple[Step, ...]:
    """The same steps with what is a case's own: its grounds, the call's standard letter, the bank's reference."""
    grounds = {**GROUNDS, "facts": f"{GROUNDS['facts']} Sak {number} for seg."}
    said: dict[str, dict[str, Any]] = {
        "grant": {"grounds": grounds},
        "reject": {"grounds": grounds},
        "issue-letter": {"language": None, "blocks": {}, "reservations": {}},
        "confirm-payment": {"bank_reference": f"BANK-{number}"},
    }
    return tuple(step.saying(**said.get(step.name, {})) for step in steps)


def to_its_end(*steps: Step) -> Given:
    """A case that is paid by these steps, then reported, signed by both, and accepted."""
    municipal = next(step.organisation for step in steps)
    given = Given(call_2023(), *steps, *of(municipal, report()))
    assert given.case.report is not None
    digest = given.case.report.digest
    return given.and_then(*of(municipal, sign(digest), countersign(digest)), accept())


@cache
def clean_year() -> History:
    """Two cases granted, paid and closed; one rejected for its low score; one that nobody submitted. No breach."""
    low = [step.saying(points=2) if step.name == "score" else step for step in assessed()]
    turned_down = *low[:-1], assess(None), declared("decider"), reject(), letter()
    lapse = Step("lapse", {"deadline": "application"}, role="clock", person="clock").when(DEADLINE)
    return gathered(
        call_2023(),
        to_its_end(*own(1, *paid())),
        to_its_end(*of(TRONDHEIM, *own(2, *paid()))),
        Given(call_2023(), *of(STAVANGER, *own(3, *turned_down))),
        Given(call_2023(), *of(BERGEN, *drafted()), lapse),
    )


def _of_the_frame(frame: Frame, case: UUID, event: FrameEvent) -> FrameEvent:
    """The event of one case's own frame as it is in the frame of all."""
    if isinstance(event, FrameCommitted):
        return frame.commit(case, event.amount_ore, event.stamp, area=event.area)
    assert isinstance(event, FrameReleased)
    return frame.release(case, event.remaining_ore, event.stamp)


def _opened(call: Call) -> FrameOpened:
    return FrameOpened(
        call=call.id, limit_ore=call.frame, stamp=_stamp("publish", "call-manager", state="open")
    )


def _published(call: Call) -> CallPublished:
    return CallPublished(
        call=call.id,
        digest=call.digest,
        names=dict(call.names),
        year=call.year,
        frame_ore=call.frame,
        files=dict(call.files),
        stamp=_stamp("publish", "call-manager", state="published"),
    )


def _delegated(givens: Sequence[Given]) -> Iterable[tuple[UUID, AuthorityEvent]]:
    """What the authorities of the givens say, as events: budgets are the directorate's, approvals municipalities'."""
    municipal = {
        event.stamp.organisation: None
        for given in givens
        for event in given.events
        if event.stamp.role in MUNICIPAL
    }
    delegations = {one.reference: one for given in givens for one in given.authorities.delegations.values()}
    for one in delegations.values():
        for organisation in (IMDI,) if one.scope == "budget" else municipal:
            stamp = _stamp("delegate", "call-manager", organisation=organisation, state="recorded")
            yield authority_stream(organisation), AuthorityDelegated(delegation=one, stamp=stamp)
    lines = {
        (who, line) for given in givens for who, known in given.authorities.lines.items() for line in known
    }
    for who, line in sorted(lines, key=lambda one: (one[1].since, one[0])):
        stamp = _stamp("name-superior", "call-manager", at=line.since, state="recorded")
        yield authority_stream(IMDI), SuperiorNamed(subordinate=who, superior=line.superior, stamp=stamp)


def _stamp(step: str, role: str, *, state: str, organisation: str = IMDI, at: datetime = PUBLISHED) -> Stamp:
    return Stamp(
        recorded_at=at,
        step=step,
        person=f"{organisation}-{role}",
        organisation=organisation,
        role=role,
        channel="test",
        command=f"{step}-{organisation}",
        state=state,
    )
