"""What a drawing of a process shows: states, the ways between them, and the path that one case took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.calendar import day
from grantflow.domain.process import BEGINNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry
    from grantflow.domain.process import Step


class Box(msgspec.Struct, frozen=True):
    """A state: its name, the steps taken within it, how far it is from the beginning, whether it ends a case."""

    id: str
    name: str
    within: tuple[str, ...]
    rank: int
    final: bool
    passed: bool


class Way(msgspec.Struct, frozen=True):
    """The steps that lead from one state to another: a line each; `passed` when the case went this way."""

    origin: str
    target: str
    steps: tuple[str, ...]
    passed: bool


class Picture(msgspec.Struct, frozen=True):
    """A process, and a case's path through it where one is shown."""

    title: str
    language: str
    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]


def picture_of(call: Call, language: str, history: Sequence[Entry] = ()) -> Picture:
    """The picture of a call's process, in one language; with the path of the case whose history is given."""
    process = call.process
    passages = dict(_passages(history))
    been = {state for way in passages for state in way}
    between: dict[tuple[str, str], list[str]] = {}
    within: dict[str, list[str]] = {}
    for origin, step, target in process.arrows:
        text = _step(process.steps[step], call, language)
        if origin == target:
            within.setdefault(origin, []).append(process.steps[step].name.get(language, step))
        else:
            between.setdefault((origin, target), []).append(text)
    ranks = _ranks(between)
    boxes = [Box(BEGINNING, "", (), 0, final=False, passed=bool(history))]
    boxes += [
        Box(
            state.id,
            state.name.get(language, state.id),
            tuple(within.get(state.id, ())),
            ranks.get(state.id, 0),
            final=state.final,
            passed=state.id in been,
        )
        for state in process.states.values()
    ]
    ways = [
        Way(*way, (*steps, *([passages[way]] if way in passages else [])), passed=way in passages)
        for way, steps in between.items()
    ]
    return Picture(call.names.get(language, call.id), language, tuple(boxes), tuple(ways))


def _step(step: Step, call: Call, language: str) -> str:
    due = "".join(f", {deadline.day:%d.%m.%Y}" for deadline in call.deadlines_of(step.id))
    where = f"; {', '.join(step.areas)}" if step.areas else ""
    return f"{step.name.get(language, step.id)} ({', '.join(step.roles)}{due}{where})"


def _passages(history: Iterable[Entry]) -> Iterable[tuple[tuple[str, str], str]]:
    """Each way that was taken, with the day it was last taken on."""
    state = BEGINNING
    for entry in history:
        stamp = entry.event.stamp
        if stamp.state != state:
            yield (state, stamp.state), f"✓ {day(stamp.recorded_at)}"
            state = stamp.state


def _ranks(ways: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many ways lie between the beginning and each state, at least."""
    ranks, waiting = {BEGINNING: 0}, [BEGINNING]
    while waiting:
        here = waiting.pop(0)
        for origin, target in ways:
            if origin == here and target not in ranks:
                ranks[target] = ranks[here] + 1
                waiting.append(target)
    return ranks
