"""The call is revised while people apply: who has begun keeps the old rules, who begins gets the new, one is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.demo.stage import oslo
from grantflow.domain.call import CALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Stage

GROUNDS = "Mange spør om egenandel i form av arbeidstid, og flere ønsker en påminning til før fristen."
_REMINDERS = "reminders_days_before = [7, 1]", "reminders_days_before = [7, 3, 1]"
_SETTLED = """

[[assumptions]]
id = "own-contribution-in-kind"
question = "May the own contribution be working hours?"
settled = "Yes, when they are calculated and stand in the budget, as answered for all on 10 August."
source = "Vilkår for å få tilskudd, egenandel"
"""


def revised(files: Mapping[str, str]) -> dict[str, str]:
    """The 2023 call's second definition: one more reminder, and one more ambiguity settled."""
    text = files[CALL].replace(*_REMINDERS) + _SETTLED
    return {**files, CALL: text}


def revise(stage: Stage, imdi: Directorate, files: Mapping[str, str]) -> None:
    """With grounds, for all to read; not in silence."""
    at = oslo("2023-08-17", "15:00")
    with stage.refusing("bad-request"):
        stage.apart(at, stage.app.service.calls.revise, revised(files), " ", by=imdi.lead())
    stage.apart(at, stage.app.service.calls.revise, revised(files), GROUNDS, by=imdi.lead())


def move(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> None:
    """A municipality asks to be under the new definition: a step of its own, with grounds."""
    asked = {"grounds": "Kommunen ber om å følge den nye utgaven."}
    stage.each(oslo("2023-08-21", "11:00"), cases, "move-to-revision", imdi.lead(), asked)
