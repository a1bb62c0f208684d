"""First stage: sketches come in before noon on the day, and are answered by the date that was promised, or nearly."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from grantflow.delegating import Delegate
from grantflow.demo.areas.common import (
    AUTHORITY,
    NO_CONFLICT,
    approve,
    filled,
    grounds,
    recommended,
    role,
    score,
)
from grantflow.demo.areas.projects import COFUNDING, ROGALAND, TOO_FEW, TOO_LATE, TRONDHEIM, sketch
from grantflow.demo.people import municipal
from grantflow.demo.stage import oslo
from grantflow.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grantflow.demo.areas.projects import Project
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Stage


def open_call(stage: Stage, imdi: Directorate, files: Mapping[str, str]) -> None:
    """The call is published, and each decider gets its appropriation in writing."""
    service = stage.app.service
    stage.apart(oslo("2024-06-10"), service.calls.publish, files, by=imdi.lead())
    for number in (0, 1):
        asked = Delegate(
            reference=f"{AUTHORITY}-{number + 1}",
            scope="budget",
            person=imdi.decider(number).person,
            issued_by="direktøren",
            valid_from=date(2024, 6, 1),
            valid_to=date(2026, 12, 31),
            appropriation=stage.call.appropriation,
        )
        stage.apart(oslo("2024-06-10", "10:00"), service.authority.delegate, asked, by=imdi.lead())


def apply(stage: Stage, told: Sequence[Project]) -> None:
    """Each area has its own applicants; what a county puts in is confirmed before its director approves."""
    with stage.refusing("rules-failed"):
        stage.begin(oslo("2024-06-17"), [municipal(ROGALAND, "applicant")], {"area": "kvalifisering"})
    for one in told:
        answer = stage.begin(oslo("2024-06-17", "10:00"), [one.by("applicant")], {"area": one.area})[0]
        one.id = answer.case if isinstance(answer, Receipt) else None
    for hour, section in enumerate(("project", "partners", "budget"), start=11):
        at = oslo("2024-06-17", f"{hour}:00")
        stage.each(at, told, "edit", role("applicant"), partial(filled, sketch, section))
    counties = [one for one in told if one.area == "videregaende"]
    with stage.refusing("not-ready"):
        approve(stage, "2024-08-12", "09:00", counties[:1])
    stage.each(oslo("2024-08-12", "10:00"), counties, "confirm-cofunding", role("superior"), COFUNDING)
    approve(stage, "2024-08-12", "11:00", told)
    in_time = [one for one in told if one.number not in (TOO_LATE, TOO_FEW)]
    stage.each(oslo("2024-08-14"), in_time, "submit", role("applicant"))
    for one in [one for one in told if one.number == TOO_FEW]:
        _too_few_together(stage, one)
    late = [one for one in told if one.number == TOO_LATE]
    with stage.refusing("past-deadline"):
        stage.each(oslo("2024-08-15", "12:00"), late, "submit", role("applicant"))


def _too_few_together(stage: Stage, one: Project) -> None:
    """The parties have 70 participants together, and 100 are asked for: another partner joins (a joint rule)."""
    with stage.refusing("rules-failed"):
        stage.each(oslo("2024-08-14", "10:00"), [one], "submit", role("applicant"))
    one.partners = (*one.partners, (TRONDHEIM, 35))
    edited = partial(filled, sketch, "partners")
    stage.each(oslo("2024-08-14", "11:00"), [one], "edit", role("applicant"), edited)
    approve(stage, "2024-08-14", "12:00", [one])
    stage.each(oslo("2024-08-14", "13:00"), [one], "submit", role("applicant"))


def read_sketches(stage: Stage, imdi: Directorate, told: Sequence[Project]) -> list[Project]:
    """An answer is promised by 16 September: those who are invited get it in time, the one who is not gets it late."""
    officer, decider = imdi.officer(0), imdi.decider(0)
    for person in (officer, decider):
        stage.each(oslo("2024-09-02"), told, "declare-impartiality", person, NO_CONFLICT)
    score(stage, told, ("idea", "need"), officer, oslo("2024-09-03"))
    verdict = {"recommendation": "reject", "grounds": "Skissen er lite konkret."}
    weak = [one for one in told if one.points == 1]
    good = [one for one in told if one not in weak]
    stage.each(oslo("2024-09-05"), weak, "assess", officer, verdict)
    stage.each(oslo("2024-09-05", "10:00"), good, "assess", officer, recommended)
    advice = {"advice": "Beskriv metoden, og hvem som skal bruke den etterpå."}
    stage.each(oslo("2024-09-10"), good, "invite", officer, advice)
    stage.each(oslo("2024-09-19"), weak, "reject", decider, _rejection)
    stage.each(oslo("2024-09-19", "10:00"), weak, "issue-letter", decider)
    appeal = {"text": "Skissen ble lest feil.", "received_on": "2024-09-25"}
    stage.each(oslo("2024-09-25"), weak, "register-complaint", role("applicant"), appeal)
    answer = {
        "complaint": 1,
        "outcome": "forwarded",
        "answer": "Vedtaket står; klagen er sendt departementet.",
    }
    stage.each(oslo("2024-09-30"), weak, "answer-complaint", decider, answer)
    return good


def _rejection(one: Project) -> dict[str, Any]:
    return {"grounds": grounds(one), "authority": f"{AUTHORITY}-1"}
