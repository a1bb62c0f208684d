"""A case judged anew, command by command: whether its rules would have allowed each, and said the same."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from grantflow.domain.application import Application, CaseEvent, evolve
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.command import Situation
from grantflow.domain.deciding import command_from, decide
from grantflow.domain.difference import changes_between
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.errors import NotAllowed, NotFound, Refused
from grantflow.domain.event import EVENT_TYPES
from grantflow.domain.frame import FrameEvent
from grantflow.domain.retelling import commands, retell
from grantflow.domain.revision import CaseMovedToRevision
from grantflow.rejudging.lookups import NO_AUTHORITY, NO_FRAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry, Event, Stamp
    from grantflow.rejudging.lookups import Lookups

_LONGEST = 80
"""So much of a value is told, at most."""


class Refusal(NamedTuple):
    """An entry that the rules do not bear out, and what is wrong with it."""

    entry: Entry
    what: str


def rejudge(entries: Iterable[Entry], lookups: Lookups) -> Iterator[Refusal]:
    """Every entry of one case's stream that would not come again if its command were decided again.

    Each command is judged in the state that the entries before it lead to, whatever was wrong with them.
    """
    case: Application | None = None
    for together in commands(entries):
        case = case or Application(id=together[0].originator_id)
        yield from _judged(case, together, lookups)
        for entry in together:
            try:
                case = evolve(case, entry)
            except (ValueError, TypeError, LookupError) as error:
                yield Refusal(entry, f"does not follow on what is there before it: {error}")
                return


def _judged(case: Application, together: Sequence[Entry], lookups: Lookups) -> Iterator[Refusal]:
    try:
        again = decided_again(case, together, lookups)
    except Refused as refusal:
        yield Refusal(together[0], f"refused by the rules it claims to follow: {refusal}")
    except (ValueError, TypeError, LookupError) as error:
        # What no decision has led to may be such as no decision can go on from.
        yield Refusal(together[0], f"can't be decided again: {type(error).__name__}: {error}")
    else:
        yield from _money(case, together[0], again, lookups)
        own = (event for event in again if event.stream == "case")
        for entry, event in zip_longest(together, own):
            if entry is None:
                yield Refusal(together[-1], f"decides otherwise: {event.topic} is missing after it")
            elif entry.event != event:
                yield from otherwise(entry, event, lookups)


def decided_again(case: Application, together: Sequence[Entry], lookups: Lookups) -> Sequence[Event]:
    """The events that the command of these entries leads to when it is decided again, in the same circumstances."""
    first = together[0]
    told = [entry.event for entry in together if isinstance(entry.event, CaseEvent)]
    step, data = retell(told, lookups.document)
    command, event, stamp = command_from(step, data), told[0], first.event.stamp
    call = _began_under(event, first, lookups) if not case.version else lookups.call(case.definition)
    frame, authorities, revision = NO_FRAME, NO_AUTHORITY, None
    if command.money:
        funds = lookups.funds(case.call)
        own = first.position - 1
        frame = funds.before(own if own in funds.entries else first.position, case.id)
    if command.binding:
        authorities = lookups.authorities(stamp.organisation, first.position)
    if command.revises:
        revision = _newest(event, case.call, first, lookups)
    situation = Situation(call, case, frame, circumstances(stamp), step, authorities, revision)
    return decide(situation, command)


def circumstances(stamp: Stamp) -> Circumstances:
    """Who asked, when and how, as the stamp tells it."""
    return Circumstances(
        at=stamp.recorded_at,
        person=stamp.person,
        organisation=stamp.organisation,
        role=stamp.role,
        channel=stamp.channel,
        command=stamp.command,
        authority=stamp.authority,
        effective_at=stamp.effective_at,
    )


def _began_under(event: CaseEvent, first: Entry, lookups: Lookups) -> Call:
    if not isinstance(event, ApplicationStarted):
        msg = "A case begins by being started."
        raise NotAllowed(msg)
    return _newest(event, event.call, first, lookups)


def _newest(event: CaseEvent, call: str, first: Entry, lookups: Lookups) -> Call:
    """The call's newest definition at that place in the log; the one named, where that can have been the newest."""
    digests = lookups.newest(call, first.position, event.stamp.recorded_at)
    if not digests:
        msg = f"The call '{call}' was not published then."
        raise NotFound(msg)
    named = event.definition if isinstance(event, ApplicationStarted | CaseMovedToRevision) else ""
    return lookups.call(named if named in digests else digests[-1])


def _money(case: Application, first: Entry, again: Sequence[Event], lookups: Lookups) -> Iterator[Refusal]:
    """The frame's event of the same command, right before the case's, says the same; and there is none otherwise."""
    entry = lookups.funds(case.call).entries.get(first.position - 1)
    moved = next((event for event in again if isinstance(event, FrameEvent)), None)
    if moved is None:
        if entry is not None and entry.event.stamp.command == first.event.stamp.command:
            yield Refusal(entry, f"decides otherwise: '{first.event.stamp.step}' moves no money here")
    elif entry is None:
        yield Refusal(first, f"decides otherwise: {moved.topic} is missing before it")
    elif _of_case(entry.event) != _of_case(moved):
        said = _changes(_of_case(entry.event), _of_case(moved))
        yield Refusal(first, f"decides otherwise: before it, the frame's entry {entry.id}: {said}")


def _of_case(event: Event) -> dict[str, Any]:
    """What a frame's event says of the case and the command alone; its totals are the frame's own affair."""
    said: dict[str, Any] = {"topic": event.topic, **msgspec.to_builtins(event)}
    said["stamp"].pop("state")
    return {name: value for name, value in said.items() if name not in ("committed_ore", "left_ore")}


def otherwise(entry: Entry, again: Event | None, lookups: Lookups) -> Iterator[Refusal]:
    """What an entry says differently from the event that its command leads to now, as far as its version said it."""
    event = entry.event
    if again is None or type(again) is not type(event):
        would_be = again.topic if again else "none"
        yield Refusal(entry, f"decides otherwise: it is {event.topic}, and would be {would_be}")
        return
    kind = EVENT_TYPES[lookups.topic(entry)]
    said, would = (event, again) if kind is type(event) else (_as(kind, event), _as(kind, again))
    if said != would:
        changes = _changes(msgspec.to_builtins(said), msgspec.to_builtins(would))
        yield Refusal(entry, f"decides otherwise: {changes}")


def _as(kind: type[Event], event: Event) -> Event | dict[str, Any]:
    """As much of an event as the version it was stored in could say; all of it where that could not say it."""
    said: dict[str, Any] = msgspec.to_builtins(event)
    try:
        return msgspec.convert({name: said[name] for name in kind.__struct_fields__ if name in said}, kind)
    except msgspec.ValidationError:
        return said


def _changes(said: dict[str, Any], would: dict[str, Any]) -> str:
    return "; ".join(
        f"{change.path} says {_short(change.before)}, and would be {_short(change.after)}"
        for change in changes_between("", said, would)
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
