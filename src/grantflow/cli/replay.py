"""Plays a call's year again in the terminal: every event in words, and below it how the cases and the money stand."""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from rich.live import Live
from rich.text import Text

from grantflow.cli.asking import instant
from grantflow.cli.opening import opened
from grantflow.cli.output import bar, console, visible, write, write_json
from grantflow.domain.announcement import CallEvent
from grantflow.domain.application import CaseEvent
from grantflow.domain.calendar import clock, end_of_day, start_of_day
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.errors import BadRequest
from grantflow.domain.frame import Frame, FrameEvent, fold_frame
from grantflow.domain.money import kr, kroner, ore
from grantflow.sayings import saying
from grantflow.states import call_stream, frame_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from rich.console import Console

    from grantflow.app import App
    from grantflow.domain.event import Entry

WHOLE_SECONDS = 30.0
"""How long it takes, unless a speed is asked for."""
_CHUNK, _TICK, _BAR = 2_000, 0.05, 20


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One event in words, and how the call stood after it. `case` is the case's number; empty for the call itself."""

    at: datetime
    position: int
    event: str
    topic: str
    case: str
    person: str
    role: str
    what: str
    cases: dict[str, int]
    """How many cases are in each state."""
    frame: str
    used: str

    @property
    def line(self) -> str:
        """The event on one line."""
        what = " ".join(self.what.split())
        return visible(f"{clock(self.at):<23} {self.case or 'the call'}  {self.person} ({self.role}): {what}")


def run_replay(call: str, speed: float, since: str, until: str, *, as_json: bool) -> None:
    """Replay the call between two days or instants; as lines where nobody looks at a terminal."""
    first, last = _first(since), _last(until)
    if first and last and last <= first:
        msg = f"--until {until} lies before --from {since}."
        raise BadRequest(msg)
    with opened() as app:
        announcement = app.service.states.announcement(call)
        order = list(app.service.states.call(call, announcement.digest).process.states)
        steps = [
            step
            for step in steps_of(_log(app), call)
            if (first is None or first <= step.at) and (last is None or step.at < last)
        ]
    if as_json:
        write_json({"call": call, "steps": steps})
    elif not steps:
        write("Nothing happened.\n")
    elif sys.stdout.isatty():
        play(console(), steps, speed or speed_for(steps), order)
    else:
        for step in steps:
            write(step.line + "\n")
        write(f"{how_it_stands(steps[-1], order)}\n")


def play(out: Console, steps: Sequence[Step], speed: float, order: Sequence[str]) -> None:
    """Print each step when its time has come, and how the call stands on a line that is drawn again below."""
    begun, shown = time.monotonic(), 0
    with Live(console=out, auto_refresh=False) as live:
        while shown < len(steps):
            gone = timedelta(seconds=min((time.monotonic() - begun) * speed, 1e11))
            due = shown
            while due < len(steps) and steps[due].at - steps[0].at <= gone:
                due += 1
            if due > shown:
                out.print(Text("\n".join(step.line for step in steps[shown:due])), soft_wrap=True)
                live.update(Text(how_it_stands(steps[due - 1], order), style="bold"), refresh=True)
                shown = due
            else:
                time.sleep(_TICK)


def speed_for(steps: Sequence[Step]) -> float:
    """How many times faster it runs when the whole is to take WHOLE_SECONDS."""
    span = steps[-1].at - steps[0].at
    return max(span.total_seconds() / WHOLE_SECONDS, 1.0)


def how_it_stands(step: Step, order: Sequence[str]) -> str:
    """How many cases are in each state, in the order of the process, and how much of the frame is used."""
    states = sorted(step.cases, key=lambda state: order.index(state) if state in order else len(order))
    told = "  ".join(f"{state} {step.cases[state]}" for state in states) or "no case yet"
    used, frame = ore(step.used), ore(step.frame)
    return f"{told}  |  {kr(used)} of {kr(frame)} granted {bar(used, frame, _BAR)}".rstrip()


def steps_of(entries: Iterator[Entry], call: str) -> Iterator[Step]:
    """The events of a call and of its cases, in the order of the log, with what the call had come to by then."""
    frame = Frame(id=frame_stream(call))
    numbers: dict[UUID, str] = {}
    states: dict[UUID, str] = {}
    counts = Counter[str]()
    for entry in entries:
        event, stream = entry.event, entry.originator_id
        if isinstance(event, ApplicationStarted) and event.call == call:
            numbers[stream] = f"{call}-{len(numbers) + 1:04d}"
        if isinstance(event, CaseEvent) and stream in numbers:
            counts.subtract([before] if (before := states.get(stream)) else [])
            states[stream] = event.stamp.state
            counts[event.stamp.state] += 1
        elif isinstance(event, FrameEvent) and stream == frame.id:
            frame = fold_frame(frame, [entry])
        elif not isinstance(event, CallEvent) or stream != call_stream(call):
            continue
        stamp = event.stamp
        yield Step(
            at=stamp.recorded_at,
            position=entry.position,
            event=entry.id,
            topic=event.topic,
            case=numbers.get(stream, ""),
            person=stamp.person,
            role=stamp.role,
            what=saying(event),
            cases={state: count for state, count in counts.items() if count},
            frame=kroner(frame.limit_ore),
            used=kroner(frame.committed_ore),
        )


def _log(app: App) -> Iterator[Entry]:
    """The whole log, read piece by piece."""
    after = 0
    while entries := app.store.read(after, _CHUNK):
        yield from entries
        after = entries[-1].position


def _first(text: str) -> datetime | None:
    return _moment(text, start_of_day) if text else None


def _last(text: str) -> datetime | None:
    return _moment(text, end_of_day) if text else None


def _moment(text: str, of_day: Any) -> datetime:  # noqa: ANN401 - start_of_day or end_of_day
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return instant(text)
    try:
        moment: datetime = of_day(day)
    except OverflowError as error:
        msg = f"{text}: no calendar goes that far."
        raise BadRequest(msg) from error
    return moment
