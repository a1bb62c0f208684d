"""What can be wrong with who takes the steps: roles that a step is not for, and declarations that can't be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.roles import DIRECTORATE, MACHINES, MUNICIPAL
from grantflow.domain.step_roles import ROLES_OF, roles_of
from grantflow.inspection.finding import nearest
from grantflow.inspection.tables import listed, quoted, texts

if TYPE_CHECKING:
    from grantflow.inspection.outline import Outline

ROLES = MUNICIPAL | DIRECTORATE
PEOPLE = DIRECTORATE - MACHINES
_FEW = 3
DECLARING = "declare-impartiality"
WITHOUT_DECLARATION = frozenset({DECLARING, "extend-deadline", "move-to-revision", "register-complaint"})
"""What the directorate's people may do before they have declared their impartiality: nothing of it judges the case."""


def check_roles(process: Outline) -> None:
    """Each role is one that there is, and that the step is for."""
    source = process.source
    for step, table in process.steps.items():
        where = (*process.places[step], "roles")
        if table.get("roles") == []:
            source.add(where, f"nobody may take '{step}'")
        for number, role in listed(table, "roles"):
            if role not in ROLES:
                source.add((*where, number), f"there is no role '{role}'{nearest(role, ROLES)}")
            elif role not in roles_of(step):
                source.add((*where, number), _not_for(step, role))


def _not_for(step: str, role: str) -> str:
    allowed = roles_of(step)
    if step not in ROLES_OF:
        return f"'{step}' has a form that somebody fills in, and '{role}' is nobody"
    if allowed == {"clock"}:
        return f"'{step}' is the clock's, and not for '{role}': roles = [\"clock\"]"
    why = f"'{step}' is not for '{role}'"
    if role in MUNICIPAL and allowed <= DIRECTORATE:
        why = f"'{step}' is the directorate's, and '{role}' is of a municipality"
    elif role in PEOPLE and allowed <= MUNICIPAL:
        why = f"'{step}' is the municipality's, and '{role}' is of the directorate"
    return f"{why}; it is for {quoted(sorted(allowed), 'or')}"


def check_impartiality(process: Outline) -> None:
    """Whoever prepares or decides declares first (fvl §§ 6-10): their steps ask for it, and it can be done there."""
    asking = []
    for step, table in process.steps.items():
        people = PEOPLE & set(texts(table, "roles"))
        if people and step not in WITHOUT_DECLARATION and table.get("impartial") is not True:
            process.source.add(
                process.places[step],
                f"'{step}' must be `impartial`: whoever prepares or decides declares first (fvl §§ 6-10)",
            )
        elif people and table.get("impartial") is True:
            asking.append(step)
    if asking and DECLARING not in process.steps:
        message = (
            f"'{asking[0]}' is `impartial`, and the process has no step '{DECLARING}': nobody could take it"
        )
        process.source.add((*process.places[asking[0]], "impartial"), message)
    elif asking:
        _declaring(process, asking)


def _declaring(process: Outline, asking: list[str]) -> None:
    """It can be declared in each state where a step asks for it, unless the case has ended, and by each role."""
    where = process.places[DECLARING]
    for state in process.open_states:
        waiting = [
            step
            for step in asking
            if state in process.moves(step)
            and not (state in process.moves(DECLARING) and process.there(DECLARING, step))
        ]
        if waiting:
            message = f"'{DECLARING}' is not possible in '{state}', where {_few(waiting)} `impartial`"
            process.source.add((*where, "moves"), f"{message}: nobody new to the case could take part there")
    declaring = set(texts(process.steps[DECLARING], "roles"))
    for role in sorted(PEOPLE):
        taken = [step for step in asking if role in texts(process.steps[step], "roles")]
        if taken and role not in declaring:
            process.source.add(
                (*where, "roles"),
                f"'{DECLARING}' is not for '{role}', who takes {quoted(taken)}: they could never declare",
            )


def _few(steps: list[str]) -> str:
    """Some steps as the beginning of a sentence: `'a' is`, `'a' and 'b' are`, `'a' and 7 more are`."""
    if len(steps) <= _FEW:
        return f"{quoted(steps)} {'is' if len(steps) == 1 else 'are'}"
    return f"{quoted(steps[:1])} and {len(steps) - 1} more are"
