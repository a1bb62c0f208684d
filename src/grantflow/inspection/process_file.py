"""What can be wrong in process.toml: arrows and roles that are not there, states nobody reaches or ever leaves."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from grantflow.domain.deciding import COMMANDS, DIRECTORATE, MUNICIPAL
from grantflow.domain.process import BEGINNING
from grantflow.inspection.call_file import check_texts, names
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grantflow.inspection.source import Source

ROLES = MUNICIPAL | DIRECTORATE
STEPS = frozenset(COMMANDS) | {"close"}
"""Every step the engine can take; `close` is taken as part of the step that settles a case."""


def check_process(source: Source) -> None:
    """Check names, arrows and roles, and that every state is reached and every case can end."""
    states, steps = names(source.tables("states")), names(source.tables("steps"))
    for listed in ("states", "steps"):
        _names(source, listed)
    _known_steps(source)
    _arrows(source, states)
    for where, apart in source.tables("apart"):
        for number, step in enumerate(_list(apart.get("steps"))):
            if step not in steps:
                source.add((*where, "steps", number), f"there is no step '{step}'{nearest(step, steps)}")
    initial = source.value.get("initial")
    if isinstance(initial, str) and initial not in states:
        source.add(("initial",), f"there is no state '{initial}'{nearest(initial, states)}")
    _ways(source, states)


def _names(source: Source, listed: str) -> None:
    seen: set[Any] = set()
    for where, table in source.tables(listed):
        if table.get("id") in seen:
            source.add((*where, "id"), f"'{table['id']}' stands twice in {listed}")
        seen.add(table.get("id"))
        check_texts(source, (*where, "name"), table.get("name"))


def _known_steps(source: Source) -> None:
    for where, step in source.tables("steps"):
        name = step.get("id")
        if isinstance(name, str) and name not in STEPS:
            source.add((*where, "id"), f"the engine has no step '{name}'{nearest(name, STEPS)}")
        for number, role in enumerate(_list(step.get("roles"))):
            if role not in ROLES:
                source.add((*where, "roles", number), f"there is no role '{role}'{nearest(role, ROLES)}")
        if step.get("roles") == []:
            source.add((*where, "roles"), f"nobody may take '{name}'")


def _arrows(source: Source, states: list[str]) -> None:
    begun = False
    for where, step in source.tables("steps"):
        moves = step.get("moves")
        for origin, target in moves.items() if isinstance(moves, dict) else ():
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


def _ways(source: Source, states: list[str]) -> None:
    forward, backward = _arrows_of(source), _reversed(_arrows_of(source))
    ends = [
        table["id"] for _, table in source.tables("states") if table.get("final") is True and "id" in table
    ]
    reached, ending = _from([BEGINNING], forward), _from(ends, backward)
    for where, table in source.tables("states"):
        name = table.get("id")
        if name in states and name not in reached:
            source.add((*where, "id"), f"nothing leads to the state '{name}'")
        elif name in states and name not in ending:
            source.add((*where, "id"), f"no way leads from '{name}' to an end: a case would be stuck there")


def _arrows_of(source: Source) -> dict[str, set[str]]:
    arrows: dict[str, set[str]] = {}
    for _, step in source.tables("steps"):
        moves = step.get("moves")
        for origin, target in moves.items() if isinstance(moves, dict) else ():
            if isinstance(target, str):
                arrows.setdefault(origin, set()).add(target)
    return arrows


def _reversed(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    back: dict[str, set[str]] = {}
    for origin, targets in arrows.items():
        for target in targets:
            back.setdefault(target, set()).add(origin)
    return back


def _from(starts: Iterable[str], arrows: dict[str, set[str]]) -> set[str]:
    seen, waiting = set(starts), deque(starts)
    while waiting:
        for target in arrows.get(waiting.popleft(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any value
    return value if isinstance(value, list) else []
