"""The cast: which municipalities apply, with what project, and what befalls each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from grantflow.demo.content import application
from grantflow.demo.flaws import EIGERSUND, FLAWS, STAVANGER, Flaw
from grantflow.demo.ideas import IDEAS, Idea
from grantflow.demo.people import Actor, municipal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from grantflow.domain.call import Call
    from grantflow.domain.money import Ore
    from grantflow.domain.register import Municipality

TALES = (
    "joint", "district", "delegate", "changed-after-approval", "language-training", "outside-the-acts",
    "lacks-information", "officer-disqualified", "withdrawn", "last-millisecond", "too-late",
    "extended-before", "extended-after", "attachments", "later-years", "dismissed", "instalments", "reversed",
    "moved", "begun-late",
)  # fmt: skip
"""What befalls the first applications, one tale each; the next ones have one flaw each."""

OSLO = "958935420"
PROMISING = frozenset(
    {
        "joint",
        "district",
        "language-training",
        "outside-the-acts",
        "later-years",
        "instalments",
        "reversed",
    }
)
"""Tales that are to be seen to their end: these projects are good, and their cost is moderate."""
_EVERY_FLAWED, _EVERY_LAPSED = 12, 10
_WEAK = 13
"""Out of 24 points."""


@dataclass
class Case:
    """One application as the story plays it. Amounts in øre."""

    number: int
    municipality: Municipality
    idea: Idea
    participants: int
    asked: Ore
    own: Ore
    support: Ore
    points: dict[str, int]
    language: str = "nb"
    """The form of Norwegian that the municipality writes, and is written to in."""
    tale: str = ""
    flaw: Flaw | None = None
    partners: tuple[str, ...] = ()
    district: str = ""
    never_submitted: bool = False

    id: UUID | None = None
    place: int = 0
    """Its place in the ranking; the deciders take every other one."""
    granted: Ore = 0
    unspent: Ore = 0
    conditions: list[str] = field(default_factory=list)
    instalments: tuple[Ore, ...] = ()

    @property
    def language_training(self) -> bool:
        """Whether the project trains people in Norwegian and social studies, so that HK-dir is asked (R30)."""
        return self.tale == "language-training"

    @property
    def outside_acts(self) -> bool:
        """Whether the measure lies outside the acts, so that the ministry must give an exemption (R15)."""
        return self.tale == "outside-the-acts"

    @property
    def content(self) -> dict[str, dict[str, Any]]:
        """The form as it should be."""
        return application(self)

    @property
    def first_content(self) -> dict[str, dict[str, Any]]:
        """The form as it is filled in at first: with its flaw, if it has one."""
        return self.flaw.in_(self.content) if self.flaw else self.content

    @property
    def recommended(self) -> Ore:
        """What the case officer finds the project needs: all of it, or somewhat less, in whole thousands (R20)."""
        share = (100, 90, 80)[self.number % 3]
        return self.asked * share // 100 // 100_000 * 100_000

    @property
    def weak(self) -> bool:
        """Whether the assessment ends in a recommended rejection."""
        return sum(self.points.values()) < _WEAK

    @property
    def rank(self) -> tuple[int, int]:
        """Best first: the sum of the points, and the number where they are equal."""
        return -sum(self.points.values()), self.number

    def by(self, role: str) -> Actor:
        """Somebody at the municipality."""
        return municipal(self.municipality.orgnr, role)


def cast(call: Call, count: int, seed: int) -> list[Case]:
    """The cases of the story, from the call's register. The same seed gives the same cases."""
    rng = Random(seed)  # noqa: S311 - a story, not a secret
    towns = [
        rows[0] for orgnr, rows in call.register.municipalities.items() if orgnr not in (STAVANGER, EIGERSUND)
    ]
    rng.shuffle(towns)
    cases = [_case(call, number, towns, rng) for number in range(count)]
    for case in cases:
        if case.tale == "joint":
            case.partners = tuple(other.municipality.orgnr for other in cases[2:4])
    return cases


def _case(call: Call, number: int, towns: Sequence[Municipality], rng: Random) -> Case:
    tale, flaw = _fate(number)
    town = towns[number % len(towns)]
    if tale == "district":
        town = call.register.municipalities[OSLO][0]
    best = tale in PROMISING
    asked = rng.randrange(45, 75) if best else rng.randrange(20, 300)
    return Case(
        number=number,
        municipality=town,
        idea=IDEAS[rng.randrange(len(IDEAS))],
        participants=rng.randrange(12, 60),
        asked=asked * 1_000_000,
        own=asked * rng.randrange(10, 35) * 10_000,
        support=rng.choice((0, 0, 0, 5_000_000)),
        points={
            criterion.id: rng.randrange(5 if best else 2, criterion.maximum + 1)
            for criterion in call.criteria
        },
        language="nn" if call.register.language_form(town.orgnr, call.limit("application")) == "nn" else "nb",
        tale=tale,
        flaw=flaw,
        district="030105" if tale == "district" else "",
        never_submitted=not tale and flaw is None and number % _EVERY_LAPSED == _EVERY_LAPSED - 1,
    )


def _fate(number: int) -> tuple[str, Flaw | None]:
    if number < len(TALES):
        return TALES[number], None
    if number < len(TALES) + len(FLAWS):
        return "", FLAWS[number - len(TALES)]
    flawed = number % _EVERY_FLAWED == 0
    return "", FLAWS[number // _EVERY_FLAWED % len(FLAWS)] if flawed else None


def applicant(case: Case) -> Actor:
    """Who fills in and submits at the municipality."""
    return case.by("applicant")


def director(case: Case) -> Actor:
    """Who approves at the municipality."""
    return case.by("director")


def told_of(cases: Sequence[Case], tale: str) -> list[Case]:
    """The cases that a tale is told of."""
    return [case for case in cases if case.tale == tale]
