"""What both stages of the second call have in common: approving, scoring, recommending."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from grantflow.demo.stage import oslo
from grantflow.domain.money import kroner
from grantflow.domain.register import valid_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from grantflow.demo.areas.projects import Project
    from grantflow.demo.people import Actor
    from grantflow.demo.stage import Stage

NO_CONFLICT = {"conflict": False}
AUTHORITY = "IMDi-2024-031"
"""The archive reference of the deciders' authority for this appropriation, with a number for each."""


def score(
    stage: Stage, told: Sequence[Project], criteria: Sequence[str], officer: Actor, at: datetime
) -> None:
    """The officer gives each project its points on each of the criteria."""
    for criterion in criteria:
        stage.each(at, told, "score", officer, partial(_points, stage, criterion))


def _points(stage: Stage, criterion: str, one: Project) -> dict[str, Any]:
    most = next(declared.maximum for declared in stage.call.criteria if declared.id == criterion)
    grounds = f"«{one.title}» er vurdert mot kriteriet."
    return {"criterion": criterion, "points": min(one.points, most), "grounds": grounds}


def approve(stage: Stage, day: str, clock: str, told: Sequence[Project]) -> None:
    """The directors approve what stands."""
    stage.each(oslo(day, clock), told, "approve", role("director"), {"capacity": "municipal-director"})


def recommended(one: Project) -> dict[str, Any]:
    """The content of `assess` for a project that is recommended."""
    return {
        "recommendation": "grant",
        "amount": kroner(one.asked),
        "grounds": f"«{one.title}» er blant de beste.",
    }


def filled(form: Callable[[Project], Mapping[str, Any]], section: str, one: Project) -> dict[str, Any]:
    """The content of `edit` for one section of a form."""
    return {"section": section, "content": form(one)[section]}


def role(role: str) -> Callable[[Project], Actor]:
    """Somebody in this role at the project's own municipality or county."""
    return lambda one: one.by(role)


def grounds(one: Project) -> dict[str, str]:
    """Why a project is granted or rejected: its own points, and not a phrase for all."""
    return {
        "rule": "Utlysningen, vurdering av søknader.",
        "facts": f"«{one.title}» fikk {one.points} poeng; {one.participants} deltakere.",
        "considerations": f"«{one.title}» er veid mot de andre søknadene i området og områdets del av rammen.",
    }


def account_of(number: int) -> str:
    """A valid account number of its own for each recipient (11 digits, mod 11)."""
    for serial in range(1_234_567_000 + 10 * number, 1_234_567_000 + 10 * number + 10):
        for digit in range(10):
            if valid_account(f"{serial}{digit}"):
                return f"{serial}{digit}"
    msg = f"no account number among the ten for {number}"
    raise LookupError(msg)
