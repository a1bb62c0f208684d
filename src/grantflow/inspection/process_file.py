"""What can be wrong in process.toml itself: steps, arrows, roles and orders that aren't there, or can't be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain import lifecycle as _with_every_command  # noqa: F401
from grantflow.domain.command import COMMANDS
from grantflow.domain.process import BEGINNING, ProcessFile
from grantflow.inspection.finding import nearest
from grantflow.inspection.roles import check_impartiality, check_roles
from grantflow.inspection.tables import check_known, check_texts, check_unique, listed, text, texts

if TYPE_CHECKING:
    from grantflow.inspection.outline import Outline

STEPS = frozenset(COMMANDS) | {"close"}
"""Every step the engine can take; `close` is taken as part of the step that settles a case."""


def check_process(process: Outline) -> None:
    """Check names, roles, arrows and order of the steps; whether the process is safe is another question."""
    source = process.source
    for key in ("states", "steps"):
        check_unique(source, key)
        for where, table in source.tables(key):
            check_texts(source, where, table, "name")
    for step in process.steps:
        _known(process, step)
        _order(process, step)
    check_roles(process)
    check_impartiality(process)
    _cycles(process)
    _arrows(process)
    _told_of_reversal(process)
    _apart(process)
    initial = source.value.get("initial")
    if isinstance(initial, str) and initial not in process.states:
        source.add(("initial",), f"there is no state '{initial}'{nearest(initial, process.states)}")


def _known(process: Outline, step: str) -> None:
    """A step is either one of the engine's, or one that a form makes the call's own."""
    source, where, table = process.source, process.places[step], process.steps[step]
    if step in STEPS:
        for key in ("form", "opens"):
            if text(table, key):
                source.add((*where, key), f"'{step}' is a step of the engine's, and has no '{key}'")
    elif not text(table, "form"):
        known = nearest(step, STEPS) or ","
        source.add(
            (*where, "id"),
            f"the engine has no step '{step}'{known} and no form makes it one of the call's own",
        )


def _order(process: Outline, step: str) -> None:
    source, where, table = process.source, process.places[step], process.steps[step]
    check_known(source, where, table, "after", process.steps, "there is no step")
    for number, earlier in listed(table, "after"):
        if earlier == step:
            source.add((*where, "after", number), f"'{step}' can't come after itself")


def _cycles(process: Outline) -> None:
    """No step comes after itself by way of others; each such round is told once, at its first step."""
    told: set[frozenset[str]] = set()
    for step in process.steps:
        way = _round(process, step)
        if len(way) > 1 and frozenset(way) not in told:
            told.add(frozenset(way))
            words = ", which comes after ".join(f"'{one}'" for one in (*way, step))
            process.source.add((*process.places[step], "after"), f"no order is possible: {words}")


def _round(process: Outline, start: str) -> list[str]:
    """A way over `after` from a step back to it; empty when there is none."""
    waiting, seen = [[start]], {start}
    while waiting:
        way = waiting.pop(0)
        for earlier in texts(process.steps.get(way[-1], {}), "after"):
            if earlier == start:
                return way
            if earlier not in seen:
                seen.add(earlier)
                waiting.append([*way, earlier])
    return []


def _arrows(process: Outline) -> None:
    source, states, begun = process.source, process.states, False
    for step, where in process.places.items():
        for origin, target in process.moves(step).items():
            begun = begun or origin == BEGINNING
            if origin not in (*states, BEGINNING):
                source.add(
                    (*where, "moves", origin), f"there is no state '{origin}'{nearest(origin, states)}"
                )
            if target not in states:
                source.add(
                    (*where, "moves", origin), f"there is no state '{target}'{nearest(target, states)}"
                )
    if not begun:
        source.add(("steps",), f"no step leads out of '{BEGINNING}', so no case can begin")


def _told_of_reversal(process: Outline) -> None:
    """Nothing is decided anew before the reversal is told (fvl § 27), so its letter can be issued where it leads."""
    told = set(process.moves("issue-letter") if process.there("issue-letter", "reverse") else ())
    for origin, target in process.moves("reverse").items():
        if target in process.states and target not in told:
            told.add(target)
            process.source.add(
                (*process.places["reverse"], "moves", origin),
                f"'reverse' leads to '{target}', where 'issue-letter' is not possible: whoever was told of the "
                "decision must be told of its reversal before it is decided anew",
            )


def _apart(process: Outline) -> None:
    """Two steps or more are kept apart from each other, each named once."""
    source = process.source
    for where, apart in source.tables("apart"):
        check_known(source, where, apart, "steps", process.steps, "there is no step")
        steps = texts(apart, "steps")
        for number, step in listed(apart, "steps"):
            if step in steps[:number]:
                source.add(
                    (*where, "steps", number),
                    f"'{step}' stands twice here; it can't be kept apart from itself",
                )
        if apart.get("steps") == steps and len(set(steps)) <= 1:
            source.add((*where, "steps"), "nothing is kept apart here; name two steps or more")


def walkable(process: Outline) -> bool:
    """Whether the process is whole enough to be walked: of the right shape, and each arrow between states it has."""
    try:
        declared = msgspec.convert(process.source.value, ProcessFile)
    except msgspec.ValidationError:
        return False
    states, steps = set(process.states), set(process.steps)
    unique = len(states) == len(declared.states) and len(steps) == len(declared.steps)
    arrows = [arrow for step in declared.steps for arrow in step.moves.items()]
    led = all(source in {*states, BEGINNING} and target in states for source, target in arrows)
    begun = any(source == BEGINNING for source, _ in arrows)
    ordered = all(set(step.after) <= steps for step in declared.steps)
    return unique and led and begun and ordered and BEGINNING not in states
