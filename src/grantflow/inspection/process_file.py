"""What can be wrong in process.toml itself: steps, arrows, roles and orders that aren't there, or can't be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain import lifecycle as _with_every_command  # noqa: F401
from grantflow.domain.command import COMMANDS
from grantflow.domain.process import BEGINNING, ProcessFile
from grantflow.domain.roles import DIRECTORATE, MACHINES, MUNICIPAL
from grantflow.inspection.finding import nearest
from grantflow.inspection.tables import check_known, check_texts, check_unique, listed, text, texts

if TYPE_CHECKING:
    from grantflow.inspection.outline import Outline

ROLES = MUNICIPAL | DIRECTORATE
STEPS = frozenset(COMMANDS) | {"close"}
"""Every step the engine can take; `close` is taken as part of the step that settles a case."""
OF_THE_DIRECTORATE = frozenset(
    {"assign", "request-information", "consult", "record-statement", "score", "assess", "assess-state-aid",
     "grant", "reject", "dismiss", "notify-reversal", "reverse", "reduce", "issue-letter", "accept-condition",
     "waive-condition", "register-account", "attest-payment", "authorise-payment", "confirm-payment",
     "return-report", "accept-report", "notify-repayment", "claim-repayment", "record-repayment",
     "answer-complaint", "declare-impartiality", "extend-deadline"}
)  # fmt: skip
"""Steps that nobody of a municipality takes: its own application is judged by others."""
OF_THE_MUNICIPALITY = frozenset({"approve", "submit", "sign-accounts", "countersign-accounts"})
"""Steps by which the municipality binds itself: nobody of the directorate takes them for it."""
WITHOUT_DECLARATION = frozenset(
    {"declare-impartiality", "extend-deadline", "move-to-revision", "register-complaint"}
)
"""What the directorate's people may do before they have declared their impartiality: nothing of it judges the case."""


def check_process(process: Outline) -> None:
    """Check names, roles, arrows and order of the steps; whether the process is safe is another question."""
    source = process.source
    for key in ("states", "steps"):
        check_unique(source, key)
        for where, table in source.tables(key):
            check_texts(source, where, table, "name")
    for step in process.steps:
        _known(process, step)
        _roles(process, step)
        _order(process, step)
    _cycles(process)
    _arrows(process)
    for where, apart in source.tables("apart"):
        check_known(source, where, apart, "steps", process.steps, "there is no step")
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


def _roles(process: Outline, step: str) -> None:
    source, where, table = process.source, process.places[step], process.steps[step]
    if table.get("roles") == []:
        source.add((*where, "roles"), f"nobody may take '{step}'")
    for number, role in listed(table, "roles"):
        if role not in ROLES:
            source.add((*where, "roles", number), f"there is no role '{role}'{nearest(role, ROLES)}")
        elif role in MUNICIPAL and step in OF_THE_DIRECTORATE:
            source.add(
                (*where, "roles", number), f"'{step}' is the directorate's, and '{role}' is of a municipality"
            )
        elif role in DIRECTORATE and step in OF_THE_MUNICIPALITY:
            source.add(
                (*where, "roles", number),
                f"'{step}' is the municipality's, and '{role}' is of the directorate",
            )
    people = set(texts(table, "roles")) & (DIRECTORATE - MACHINES)
    if people and step not in WITHOUT_DECLARATION and table.get("impartial") is not True:
        source.add(
            where, f"'{step}' must be `impartial`: whoever prepares or decides declares first (fvl §§ 6-10)"
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
