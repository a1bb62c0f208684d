"""Steps that others can't do without, and that a process lacks altogether: told once, at the root of what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.guards import GUARDS
from grantflow.inspection.tables import quoted

if TYPE_CHECKING:
    from grantflow.domain.guards import Taken
    from grantflow.inspection.outline import Outline

_BY_LAW: dict[str, tuple[Taken, ...]] = {
    "assess": (frozenset({"submit"}),),
    "grant": (frozenset({"assess"}),),
    "reject": (frozenset({"assess"}),),
}
"""What must come before, though the engine alone doesn't insist on it."""
_WORDS = {
    "submit": "a submission needs the director's approval (R22)",
    "assess": "an assessment needs an application that is submitted",
    "grant": "a grant needs an assessment",
    "reject": "a rejection needs an assessment",
    "attest-payment": "a payment needs a grant, its letter and an account",
    "authorise-payment": "a payment is attested before it is authorised",
    "confirm-payment": "a payment is authorised before it is confirmed",
}


def check_lacking(process: Outline) -> bool:
    """Whether a step lacks what it can't be taken without, so that no walk of the process would tell anything new."""
    found = False
    for step in process.steps:
        alternatives = _BY_LAW.get(step) or GUARDS.get(step, ())
        lacking = [one - set(process.steps) for one in alternatives]
        if lacking and all(lacking):
            found = True
            missing = quoted(sorted(set().union(*lacking)))
            words = "has no step" if len(lacking) == 1 else "has none of the steps"
            why = _WORDS.get(step, f"'{step}' can never be taken")
            process.source.add((*process.places[step], "id"), f"{why}: the process {words} {missing}")
    return found
