"""What applicants get wrong: one flaw for each rule that an application can break, to be refused by that rule alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from grantflow.domain.money import kroner, ore

Content = dict[str, dict[str, Any]]

COUNTY = "971045698"
"""Rogaland county's organisation number: valid, but not a municipality's."""
STAVANGER, EIGERSUND = "964965226", "944496394"


class Flaw(msgspec.Struct, frozen=True):
    """A flaw: the rule that refuses it, how good content gets it, and whether the applicant then mends it."""

    rule: str
    spoil: Callable[[Content], None]
    mended: bool = True

    def in_(self, content: Content) -> Content:
        """The content with the flaw in it."""
        spoilt = copy.deepcopy(content)
        self.spoil(spoilt)
        return spoilt


def _wrong_area(content: Content) -> None:
    content["project"]["priority_area"] = 4


def _groups(content: Content) -> None:
    content["project"]["target_groups"]["other"] += 5


def _partner(*numbers: str, responsible: bool = True) -> Callable[[Content], None]:
    def spoil(content: Content) -> None:
        content["partners"]["organisations"] = [
            {"organisation": number, "role": "Samarbeidspart"} for number in numbers
        ]
        content["declarations"]["takes_responsibility"] = responsible

    return spoil


def _no_own_contribution(content: Content) -> None:
    budget = content["budget"]
    budget["asked"] = kroner(ore(budget["asked"]) + ore(budget["own_contribution"]))
    budget["own_contribution"] = "0.00"


def _few(content: Content) -> None:
    groups = {"introduction_act": 5, "integration_act": 2, "chapter_6a": 1, "other": 0}
    content["project"] |= {"participants": 8, "target_groups": groups}


def _no_reference(content: Content) -> None:
    content["project"]["references"] = []


def _no_curricula(content: Content) -> None:
    content["project"]["language_training"] = True
    content["declarations"]["follows_curricula"] = False


def _ordinary(content: Content) -> None:
    content["budget"]["lines"][2] |= {"text": "Husleie for voksenopplæringen", "class": "ordinary-operation"}


def _established(content: Content) -> None:
    content["project"]["measure_kind"] = "established"


def _undeclared(content: Content) -> None:
    content["project"]["outside_acts"] = True


def _theme(content: Content) -> None:
    content["project"]["themes"] = ["digitalisering"]


def _next_year(content: Content) -> None:
    content["budget"]["lines"][2]["year"] = 2024


def _sums(content: Content) -> None:
    content["budget"]["asked"] = kroner(ore(content["budget"]["asked"]) + 1_000_000)


def _nothing_asked(content: Content) -> None:
    budget = content["budget"]
    budget["own_contribution"] = kroner(ore(budget["asked"]) + ore(budget["own_contribution"]))
    budget["asked"] = "0.00"


FLAWS: tuple[Flaw, ...] = (
    Flaw("priority-area-6", _wrong_area, mended=False),
    Flaw("target-group-adds-up", _groups),
    Flaw("partners-are-municipalities", _partner(COUNTY)),
    Flaw("partners-are-others", _partner(STAVANGER, STAVANGER)),
    Flaw("applicant-takes-responsibility", _partner(EIGERSUND, responsible=False)),
    Flaw("own-contribution", _no_own_contribution),
    Flaw("min-participants", _few),
    Flaw("earlier-project", _no_reference),
    Flaw("curricula-in-force", _no_curricula),
    Flaw("no-ordinary-operation", _ordinary),
    Flaw("new-or-developed-measure", _established, mended=False),
    Flaw("exemption-declared", _undeclared),
    Flaw("coded-themes", _theme),
    Flaw("grant-year-only", _next_year),
    Flaw("budget-adds-up", _sums),
    Flaw("something-asked", _nothing_asked),
)
