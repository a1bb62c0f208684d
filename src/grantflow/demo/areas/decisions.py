"""Second stage: whole applications, judged by their area's criteria and paid from their area's part of the frame."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from grantflow.demo.areas.common import (
    AUTHORITY,
    NO_CONFLICT,
    account_of,
    approve,
    filled,
    grounds,
    recommended,
    role,
    score,
)
from grantflow.demo.areas.projects import COFUNDING, full, report
from grantflow.demo.stage import oslo
from grantflow.domain.money import kroner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grantflow.demo.areas.projects import Project
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Stage

CONFIRMED = {"legal_basis": True, "budget_cover": True, "economically_sound": True}


def apply_in_full(stage: Stage, told: Sequence[Project]) -> None:
    """The whole application is filled in, approved and submitted anew; joint ones after the day that was wished for."""
    for hour, section in enumerate(("project", "budget", "declarations"), start=9):
        at = oslo("2024-10-02", f"{hour:02d}:00")
        stage.each(at, told, "edit", role("applicant"), partial(filled, full, section))
    counties = [one for one in told if one.area == "videregaende"]
    stage.each(oslo("2024-10-07"), counties, "confirm-cofunding", role("superior"), COFUNDING)
    approve(stage, "2024-10-08", "09:00", told)
    stage.each(oslo("2024-10-10"), told, "submit", role("applicant"))


def decide(stage: Stage, imdi: Directorate, told: Sequence[Project]) -> list[Project]:
    """Each area by its own criteria and from its own part of the frame; nobody decides on what they endorsed."""
    officer, assessor, decider, endorser = imdi.officer(0), imdi.assessor(), imdi.decider(1), imdi.decider(0)
    for person in (assessor, decider):
        stage.each(oslo("2024-11-01"), told, "declare-impartiality", person, NO_CONFLICT)
    for area, first in (
        ("kvalifisering", "quality"),
        ("videregaende", "quality"),
        ("regionalt", "joint-quality"),
    ):
        here = [one for one in told if one.area == area]
        score(stage, here, (first, "capacity", "transfer-value"), officer, oslo("2024-11-04"))
    joint = [one for one in told if one.area == "regionalt"]
    view = {"view": "Godt forankret hos alle partene.", "supports": True}
    stage.each(oslo("2024-11-07"), joint, "panel-review", assessor, view)
    no_aid = {"conclusion": "no-aid", "grounds": "Ingen økonomisk aktivitet."}
    stage.each(oslo("2024-11-08"), told, "assess-state-aid", officer, no_aid)
    stage.each(oslo("2024-11-11"), told, "assess", officer, recommended)
    with stage.refusing("not-ready"):
        stage.each(oslo("2024-11-12"), told[:1], "grant", decider, _grant)
    stage.each(oslo("2024-11-13"), told, "endorse", endorser, {"grounds": "Enig i innstillingen."})
    with stage.refusing("same-person"):
        stage.each(oslo("2024-11-13", "10:00"), told[:1], "grant", endorser, _grant)
    for hour, one in enumerate(sorted(told, key=lambda one: (-one.points, one.number)), start=8):
        left = stage.app.service.states.frame(stage.call.id).left_in(one.area)
        if one.asked > left:
            with stage.refusing("frame-exceeded"):
                stage.each(oslo("2024-11-18", f"{hour:02d}:00"), [one], "grant", decider, _grant)
        one.asked = min(one.asked, left)
        stage.each(oslo("2024-11-18", f"{hour:02d}:30"), [one], "grant", decider, _grant)
    stage.each(oslo("2024-11-20"), told, "issue-letter", decider)
    return list(told)


def pay(stage: Stage, imdi: Directorate, granted: Sequence[Project]) -> None:
    """Three more hands: the account, the attestation, the order."""
    for person in (imdi.clerk(), imdi.attestant(), imdi.payer()):
        stage.each(oslo("2024-12-02"), granted, "declare-impartiality", person, NO_CONFLICT)
    stage.each(oslo("2024-12-02", "10:00"), granted, "register-account", imdi.clerk(), _account)
    stage.each(
        oslo("2024-12-03"),
        granted,
        "attest-payment",
        imdi.attestant(),
        lambda one: {"amount": kroner(one.asked)},
    )
    stage.each(oslo("2024-12-04"), granted, "authorise-payment", imdi.payer())
    stage.each(oslo("2024-12-09"), granted, "confirm-payment", imdi.bank(), _paid)


def report_back(stage: Stage, imdi: Directorate, granted: Sequence[Project]) -> None:
    """A year later: report and accounts, signed by two, and the cases close."""
    stage.each(oslo("2026-01-12"), granted, "submit-report", role("project-lead"), report)
    stage.each(oslo("2026-01-12", "11:00"), granted, "sign-accounts", role("project-lead"), _digest(stage))
    stage.each(oslo("2026-01-13"), granted, "countersign-accounts", role("superior"), _digest(stage))
    accepted = {"assessment": "Rapport og regnskap er i samsvar med tilskuddsbrevet."}
    stage.each(oslo("2026-02-09"), granted, "accept-report", imdi.clerk(), accepted)


def _account(one: Project) -> dict[str, Any]:
    return {"account": account_of(one.number)}


def _paid(one: Project) -> dict[str, Any]:
    return {"bank_reference": f"AVR-2412-{one.number}"}


def _grant(one: Project) -> dict[str, Any]:
    return {
        "amount": kroner(one.asked),
        "grounds": grounds(one),
        "confirmations": CONFIRMED,
        "authority": f"{AUTHORITY}-2",
    }


def _digest(stage: Stage) -> Callable[[Project], dict[str, Any]]:
    def digest(one: Project) -> dict[str, Any]:
        delivered = stage.app.service.states.case(one.id).report if one.id else None
        return {"digest": delivered.digest if delivered else ""}

    return digest
