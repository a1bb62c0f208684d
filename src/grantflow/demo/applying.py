"""First chapter: the call opens and is revised, municipalities fill in, directors approve, the deadline passes."""

from __future__ import annotations

import base64
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from grantflow.demo import delegating, revising
from grantflow.demo.cases import applicant, director, told_of
from grantflow.demo.flaws import COUNTY
from grantflow.demo.people import municipal
from grantflow.demo.stage import oslo
from grantflow.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Data, Stage

SECTIONS = ("project", "applicant", "partners", "budget", "declarations")
COMPANY = "923609016"
"""Equinor's organisation number: valid, and no municipality's."""
MADE_UP_NUMBER = "158890 00187"
"""A national identity number that nobody has: 80 is added to its month."""
_DAY_AFTER_THE_REVISION = 18
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
    calls = stage.app.service.calls
    stage.apart(oslo("2023-08-10", "10:00"), calls.publish, files, by=imdi.lead())
    for number, (question, answer) in enumerate(QUESTIONS):
        at = oslo("2023-08-10", f"1{number + 3}:00")
        stage.apart(at, calls.answer_question, stage.call.id, question, answer, by=imdi.lead())
    delegating.delegate_budgets(stage, imdi)


def fill_in(stage: Stage, imdi: Directorate, cases: Sequence[Case], files: Mapping[str, str]) -> None:
    """Every municipality begins and fills in its form; a county and a company are turned away (R6)."""
    late = told_of(cases, "begun-late")
    early = [case for case in cases if case not in late]
    _begin(stage, oslo("2023-08-11"), early)
    with stage.refusing("rules-failed"):
        outsiders = [municipal(number, "applicant") for number in (COUNTY, COMPANY)]
        stage.begin(oslo("2023-08-11", "11:00"), outsiders)
    for day, section in enumerate(SECTIONS, start=14):
        if day == _DAY_AFTER_THE_REVISION:
            revising.revise(stage, imdi, files)
        stage.each(oslo(f"2023-08-{day}"), early, "edit", applicant, partial(_first, section))
    for case in told_of(cases, "attachments"):
        _attach(stage, case)
    for case in told_of(cases, "lacks-information"):
        _name_somebody(stage, case)
    _begin(stage, oslo("2023-08-19", "12:00"), late)
    for number, section in enumerate(SECTIONS, start=13):
        stage.each(oslo("2023-08-19", f"{number}:00"), late, "edit", applicant, partial(_first, section))
    for case in told_of(cases, "delegate"):
        delegating.delegate_approval(stage, case)
    revising.move(stage, imdi, told_of(cases, "moved"))


def _begin(stage: Stage, at: datetime, cases: Sequence[Case]) -> None:
    if not cases:
        return
    for case, answer in zip(cases, stage.begin(at, [applicant(case) for case in cases]), strict=True):
        case.id = answer.case if isinstance(answer, Receipt) else None


def _name_somebody(stage: Stage, case: Case) -> None:
    """Participants are counted, never named: a text with a national identity number is refused, and not repeated."""
    project = {**case.content["project"], "method": f"Deltaker {MADE_UP_NUMBER} har praksis i barnehage."}
    with stage.refusing("identity-number"):
        named = {"section": "project", "content": project}
        stage.one(oslo("2023-08-18", "11:00"), case, "edit", applicant(case), **named)


def approve_and_submit(stage: Stage, cases: Sequence[Case]) -> None:
    """Those in good time are approved and submitted; flaws are refused, and mended by those who can."""
    waiting = ("last-millisecond", "too-late", "extended-before", "extended-after", "moved", "begun-late")
    early = [case for case in cases if not case.never_submitted and case.tale not in waiting]
    for case in told_of(cases, "delegate"):
        expired = {"capacity": "delegate", "delegation": delegating.OLD}
        with stage.refusing("no-authority"):
            _approve(stage, oslo("2023-08-22", "08:30"), [case], **expired)
    _approve(stage, oslo("2023-08-22"), [case for case in early if case.tale not in ("delegate", "district")])
    _approve(stage, oslo("2023-08-22"), told_of(cases, "district"), capacity="district-director")
    delegates = told_of(cases, "delegate")
    _approve(stage, oslo("2023-08-22"), delegates, capacity="delegate", delegation=delegating.NEW)
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
    by_the_new = [*told_of(cases, "moved"), *told_of(cases, "begun-late")]
    _approve(stage, oslo("2023-08-28", "15:00"), [*late, *by_the_new])
    _submit(stage, oslo("2023-08-28", "15:30"), by_the_new)
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
