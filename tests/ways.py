"""Two calls and the ways through them: the first of 2023, and the one in two stages and three areas."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from given import OSLO_KOMMUNE, STAVANGER
from steps import ACCOUNTS, CONTENT
from variants import variant
from walking import Way

from grantflow.definitions import definition_files
from grantflow.demo.areas.projects import COFUNDING, DRAMMEN, ROGALAND, Project, full, report, sketch
from grantflow.domain.call import Call
from grantflow.domain.money import kroner

if TYPE_CHECKING:
    from grantflow.domain.application import Application

AREAS = Path(__file__).parent.parent / "workflows" / "calls" / "eksempel-2025-omrader"
FRAME = "1000000.00"
"""Room for one grant of 900 000 kroner under the first call, and not for two."""


def first_way() -> Way:
    """The 2023 call with a small frame: one stage, no areas."""
    return Way(
        call=Call.read(variant("life", FRAME)),
        opens=datetime(2023, 8, 14, 8, tzinfo=UTC),
        begins=((OSLO_KOMMUNE, {}), (STAVANGER, {})),
        form=lambda _: CONTENT,
        report=lambda case: {
            "report": {**ACCOUNTS["report"], "conditions": _answers(case)},
            "accounts": {**ACCOUNTS["accounts"], "expenses": [_spent(case, 2023)]},
        },
        declared={},
        asked="900000.00",
        revised=(f'frame = "{FRAME}"', 'frame = "1000001.00"'),
    )


def second_way() -> Way:
    """Sketches first and whole applications after, by municipalities and counties, in areas with money of their own."""
    return Way(
        call=Call.read(definition_files(AREAS)),
        opens=datetime(2024, 8, 5, 8, tzinfo=UTC),
        begins=(
            (OSLO_KOMMUNE, {"area": "kvalifisering"}),
            (ROGALAND, {"area": "videregaende"}),
            (DRAMMEN, {"area": "regionalt"}),
            (STAVANGER, {"area": "kvalifisering"}),
        ),
        form=lambda case: (full if case.stage == "full" else sketch)(_project(case)),
        report=lambda case: {
            **report(_project(case)),
            "accounts": {"expenses": [_spent(case, 2025, kind=False)]},
        },
        declared={
            "confirm-cofunding": COFUNDING,
            "invite": {"advice": "Beskriv metoden."},
            "panel-review": {"view": "Godt forankret.", "supports": True},
            "endorse": {"grounds": "Enig i innstillingen."},
        },
        asked="3500000.00",
        revised=('frame = "12000000.00"', 'frame = "12000001.00"'),
    )


def _spent(case: Application, year: int, *, kind: bool = True) -> dict[str, Any]:
    """All of the grant is booked; or half of it, and the rest is claimed back."""
    spent = case.decision.amount_ore // (1 + case.version % 2) if case.decision else 100
    line = {"text": "Lønn", "booked_on": f"{year}-12-01", "amount": kroner(spent)}
    return {**line, "class": "project"} if kind else line


def _answers(case: Application) -> list[dict[str, str]]:
    """An answer to each special condition of the letter."""
    set_ = case.decision.conditions if case.decision else ()
    return [{"id": condition.id, "answer": "Planen er fulgt."} for condition in set_]


def _project(case: Application) -> Project:
    partners = ((OSLO_KOMMUNE, 40), (ROGALAND, 40)) if case.area == "regionalt" else ()
    return Project(1, case.area, case.applicant.number, "Kort vei", 350_000_000, 40, partners)
