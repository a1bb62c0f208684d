"""First chapter: the call opens, municipalities fill in, directors approve, and the deadline passes (R1-R22, R36)."""

from __future__ import annotations

import base64
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from grantflow.demo.cases import applicant, director, told_of
from grantflow.demo.flaws import COUNTY
from grantflow.demo.people import municipal
from grantflow.demo.stage import oslo
from grantflow.service import Receipt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Data, Stage

SECTIONS = ("project", "applicant", "partners", "budget", "declarations")
COMPANY = "923609016"
"""Equinor's organisation number: valid, and no municipality's."""
DELEGATION = {"reference": "KS 22/118", "issued_by": "kommunedirektøren", "valid_from": "2022-01-01"}
QUESTIONS = (
    (
        "Kan en kommune sende mer enn én søknad?",
        "Ja. Hver søknad vurderes for seg.",
    ),
    (
        "Kan egenandelen være arbeidstid?",
        "Ja, når arbeidstiden er beregnet og står i budsjettet.",
    ),
)


def open_call(stage: Stage, imdi: Directorate, files: Mapping[str, str]) -> None:
    """The call is published with its frame; questions are answered for all."""
    at = oslo("2023-08-10", "10:00")
    stage.go_to(at)
    stage.app.service.publish(files, stage.by(at, imdi.lead()))
    for number, (question, answer) in enumerate(QUESTIONS):
        at = oslo("2023-08-10", f"1{number + 3}:00")
        stage.go_to(at)
        stage.app.service.answer_question(stage.call.id, question, answer, stage.by(at, imdi.lead()))


def fill_in(stage: Stage, cases: Sequence[Case]) -> None:
    """Every municipality begins and fills in its form; a county and a company are turned away (R6)."""
    at = oslo("2023-08-11")
    for case, answer in zip(cases, stage.begin(at, [applicant(case) for case in cases]), strict=True):
        case.id = answer.case if isinstance(answer, Receipt) else None
    with stage.refusing("rules-failed"):
        outsiders = [municipal(number, "applicant") for number in (COUNTY, COMPANY)]
        stage.begin(oslo("2023-08-11", "11:00"), outsiders)
    for day, section in enumerate(SECTIONS, start=14):
        stage.each(
            oslo(f"2023-08-{day}"),
            cases,
            "edit",
            applicant,
            partial(_first, section),
        )
    for case in told_of(cases, "attachments"):
        _attach(stage, case)


def approve_and_submit(stage: Stage, cases: Sequence[Case]) -> None:
    """Those in good time are approved and submitted; flaws are refused, and mended by those who can."""
    waiting = ("last-millisecond", "too-late", "extended-before", "extended-after")
    early = [case for case in cases if not case.never_submitted and case.tale not in waiting]
    for case in told_of(cases, "delegate"):
        expired = {**DELEGATION, "valid_to": "2023-06-30"}
        with stage.refusing("not-allowed"):
            _approve(stage, oslo("2023-08-22", "08:30"), [case], capacity="delegate", delegation=expired)
    _approve(stage, oslo("2023-08-22"), [case for case in early if case.tale not in ("delegate", "district")])
    _approve(stage, oslo("2023-08-22"), told_of(cases, "district"), capacity="district-director")
    delegates = told_of(cases, "delegate")
    _approve(stage, oslo("2023-08-22"), delegates, capacity="delegate", delegation=DELEGATION)
    for case in told_of(cases, "changed-after-approval"):
        _change_after_approval(stage, case)
    _submit(stage, oslo("2023-08-23", "13:00"), [case for case in early if not case.flaw])
    flawed = [case for case in early if case.flaw]
    if flawed:
        with stage.refusing("rules-failed"):
            _submit(stage, oslo("2023-08-23", "13:30"), flawed)
    mended = [case for case in flawed if case.flaw and case.flaw.mended]
    for section in SECTIONS:
        stage.each(
            oslo("2023-08-24"),
            [case for case in mended if case.content[section] != case.first_content[section]],
            "edit",
            applicant,
            partial(_mended, section),
        )
    _approve(stage, oslo("2023-08-25", "10:00"), mended)
    _submit(stage, oslo("2023-08-25", "13:00"), mended)


def pass_the_deadline(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> None:
    """One more day for one with grounds; one in time by a millisecond, one at the limit; two weeks for one after."""
    before, after = told_of(cases, "extended-before"), told_of(cases, "extended-after")
    for case in before:
        reason = "Dataangrep på kommunens systemer 24. august."
        more_time = {"deadline": "application", "until": "2023-09-01", "reason": reason}
        officer = imdi.officer(case.number)
        stage.one(oslo("2023-08-25", "15:00"), case, "extend-deadline", officer, **more_time)
    late = [*told_of(cases, "last-millisecond"), *told_of(cases, "too-late")]
    _approve(stage, oslo("2023-08-28", "15:00"), late)
    limit = stage.call.limit("application")
    _submit(stage, limit - timedelta(milliseconds=1), told_of(cases, "last-millisecond"))
    for case in told_of(cases, "too-late"):
        with stage.refusing("past-deadline"):
            _submit(stage, limit, [case])
    for case in after:
        reason = "Portalen var nede for kommunen 28. august fra kl. 20."
        more_time = {"deadline": "application", "until": "2023-09-04", "reason": reason}
        stage.one(oslo("2023-08-30"), case, "extend-deadline", imdi.officer(case.number), **more_time)
    _approve(stage, oslo("2023-08-31"), [*before, *after])
    _submit(stage, oslo("2023-09-01", "14:00"), [*before, *after])


def _first(section: str, case: Case) -> Data:
    return {"section": section, "content": case.first_content[section]}


def _mended(section: str, case: Case) -> Data:
    return {"section": section, "content": case.content[section]}


def _approve(
    stage: Stage, at: datetime, cases: Sequence[Case], capacity: str = "municipal-director", **more: object
) -> None:
    stage.each(at, cases, "approve", director, {"capacity": capacity, **more})


def _submit(stage: Stage, at: datetime, cases: Sequence[Case]) -> None:
    stage.each(at, cases, "submit", applicant)


def _change_after_approval(stage: Stage, case: Case) -> None:
    """What was approved is not what would be submitted: it has to be approved again (R22)."""
    seen = stage.app.service.states.case(case.id).content_digest if case.id else ""
    case.participants += 4
    changed = {"section": "project", "content": case.content["project"]}
    stage.one(oslo("2023-08-22", "14:00"), case, "edit", applicant(case), **changed)
    with stage.refusing("step-not-allowed"):
        _submit(stage, oslo("2023-08-22", "14:05"), [case])
    with stage.refusing("approval-outdated"):
        _approve(stage, oslo("2023-08-22", "15:00"), [case], content=seen)
    _approve(stage, oslo("2023-08-23"), [case])


def _attach(stage: Stage, case: Case) -> None:
    """A plan and a letter of support are taken in; a program that calls itself a PDF is not."""
    plan = ("fremdriftsplan.pdf", b"%PDF-1.7\n% Fremdriftsplan\n%%EOF\n")
    agreement = ("intensjonsavtale.pdf", b"%PDF-1.7\n% Intensjonsavtale\n%%EOF\n")
    program = ("budsjett.pdf", b"MZ\x90\x00 this is a program")
    at = oslo("2023-08-18", "10:00")
    for document in (plan, agreement):
        stage.one(at, case, "attach", applicant(case), **_document(*document))
    with stage.refusing("not-allowed"):
        stage.one(at, case, "attach", applicant(case), **_document(*program))


def _document(filename: str, content: bytes) -> Data:
    encoded = base64.b64encode(content).decode()
    return {"filename": filename, "media_type": "application/pdf", "content": encoded}
