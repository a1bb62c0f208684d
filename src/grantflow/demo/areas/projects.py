"""Who applies under the second call, with what: the sketch, the whole application, and the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grantflow.demo.people import Actor, municipal
from grantflow.domain.money import Ore, kroner

if TYPE_CHECKING:
    from uuid import UUID

COFUNDING = {"amount": "900000.00", "budget_item": "521 Tilpasset opplæring"}
_THEMES = {"kvalifisering": "work-directed", "videregaende": "trade-certificate", "regionalt": "guidance"}


@dataclass
class Project:
    """An application under the second call. Amounts in øre."""

    number: int
    area: str
    applicant: str
    title: str
    asked: Ore
    participants: int
    partners: tuple[tuple[str, int], ...] = ()
    points: int = 4
    id: UUID | None = None

    def by(self, role: str) -> Actor:
        """Somebody at the municipality or county."""
        return municipal(self.applicant, role)


OSLO, BERGEN, TRONDHEIM, DRAMMEN, BODO = (
    "958935420", "964338531", "942110464", "921234554", "972418013",
)  # fmt: skip
ROGALAND, AKERSHUS, FINNMARK = "971045698", "930580783", "830090282"


TOO_LATE, TOO_FEW = 6, 8
"""The project that comes at the stroke of twelve, and the one whose partners have too few participants together."""


def projects() -> list[Project]:
    """The applications of the story: three areas, and what befalls each."""
    return [
        Project(1, "kvalifisering", OSLO, "Kort vei til jobb", 250_000_000, 40, points=6),
        Project(2, "kvalifisering", BERGEN, "Fagprat", 300_000_000, 25, points=5),
        Project(3, "kvalifisering", TRONDHEIM, "Jobbskygge", 120_000_000, 12, points=1),
        Project(4, "videregaende", ROGALAND, "Fagbrev på norsk", 250_000_000, 30, points=6),
        Project(5, "videregaende", AKERSHUS, "Moduler for voksne", 220_000_000, 50, points=5),
        Project(6, "videregaende", FINNMARK, "Fisk og fag", 90_000_000, 15),
        Project(7, "regionalt", DRAMMEN, "Felles løft", 200_000_000, 60, ((OSLO, 30), (AKERSHUS, 30)), 6),
        Project(8, "regionalt", BODO, "Nord sammen", 150_000_000, 40, ((FINNMARK, 30),), 4),
    ]


def sketch(one: Project) -> dict[str, Any]:
    """The form at the first stage: an idea, the partners, and what it would cost."""
    return {"project": _idea(one), "partners": _partners(one), "budget": {"asked": kroner(one.asked)}}


def full(one: Project) -> dict[str, Any]:
    """The form at the second stage: how, with which results, and the whole budget. A fifth is the applicant's own."""
    own = one.asked // 5
    method = {
        "method": "Deltakerne veksler mellom arbeidsplass og klasserom, fire dager og én dag.",
        "expected_results": f"{one.participants * 2 // 3} av {one.participants} i arbeid eller utdanning.",
        "starts_on": "2025-01-06",
        "ends_on": "2025-12-19",
    }
    budget = {
        "lines": [
            {"text": "Prosjektledelse", "class": "project", "amount": kroner(own)},
            {"text": "Opplæring på arbeidsplassen", "class": "project", "amount": kroner(one.asked)},
        ],
        "own_contribution": kroner(own),
        "asked": kroner(one.asked),
    }
    return {
        "project": {**_idea(one), **method},
        "partners": _partners(one),
        "budget": budget,
        "declarations": {"takes_responsibility": True},
    }


def report(one: Project) -> dict[str, Any]:
    """Report and accounts: all of the grant is booked on the project, in the grant year."""
    line = {"text": "Opplæring på arbeidsplassen", "booked_on": "2025-11-28", "amount": kroner(one.asked)}
    told = {"results_by_goal": "Målene er nådd.", "participants_reached": one.participants}
    return {"report": told, "accounts": {"expenses": [line]}}


def _idea(one: Project) -> dict[str, Any]:
    return {
        "title": one.title,
        "summary": f"«{one.title}» gir {one.participants} voksne en vei til arbeid eller fagbrev.",
        "themes": [_THEMES[one.area]],
        "participants": one.participants,
    }


def _partners(one: Project) -> dict[str, Any]:
    return {
        "organisations": [
            {"organisation": number, "role": "Deltar med egne deltakere", "participants": participants}
            for number, participants in one.partners
        ]
    }
