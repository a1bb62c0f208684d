"""Guidance equal for all: what is missing and by when; and the receipt at once (L3, L4; fvl §§ 11, 11 a)."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from given import DEADLINE, IMDI, MUNICIPAL, OSLO_KOMMUNE, START, Given, Step
from steps import (
    JUST_IN_TIME,
    approved,
    assess,
    call_2023,
    declared,
    drafted,
    scores,
    submit,
    submitted,
)
from variants import publish

from grantflow.domain.assessment import CaseAssessed
from grantflow.domain.call import CALL, PROCESS, Call
from grantflow.domain.casework import InformationRequested, InformationSupplied
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import (
    BadRequest,
    IdentityNumber,
    NotAllowed,
    NothingDue,
    NotReady,
    PastDeadline,
    RulesFailed,
)
from grantflow.domain.followup import ReminderSent
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued
from grantflow.service import Request, Service
from grantflow.store import Store

MICROSECOND = timedelta(microseconds=1)
MADE_UP = "01819050062"
"""An identity number as Skatteetaten makes them up for tests: nobody's."""
WAITING_AUTHORITY = """
[[deadlines]]
id = "answer"
name = { nb = "Foreløpig svar", nn = "Førebels svar" }
source = "forvaltningsloven § 11 a"
date = 2023-09-28
steps = ["grant"]
passed = "overdue"
late = "accept"
binds = "authority"
states = ["submitted"]
reminders_days_before = [7]
"""
REMINDED = datetime(2023, 9, 21, 7, 0, tzinfo=UTC)


def asked(due: str, at: datetime, what: str = "Kopi av fullmakten.") -> Step:
    return Step("request-information", {"what": what, "due": due}, role="case-officer").when(at)


def handled() -> Given:
    return Given(call_2023(), *submitted(), declared())


def test_l3_what_is_missing_is_asked_for_with_a_date_that_lasts_to_the_end_of_its_day_in_oslo() -> None:
    end = datetime(2023, 8, 30, 22, 0, tzinfo=UTC)
    given = handled()
    given.when(asked("2023-08-30", end - MICROSECOND)).then(InformationRequested)
    (request,) = given.case.requests
    assert (request.what, request.due) == ("Kopi av fullmakten.", end)
    handled().when(asked("2023-08-30", end)).refused(NotAllowed)


@pytest.mark.parametrize("lacking", [{"due": None}, {"due": "snarest"}, {"what": " "}])
def test_l3_a_request_without_a_date_or_without_saying_what_is_missing_is_refused(
    lacking: dict[str, str],
) -> None:
    step = asked("2023-08-30", START + timedelta(days=1))
    handled().when(step.saying(**lacking)).refused(BadRequest)


def test_l3_nobody_is_judged_before_the_time_to_answer_has_passed_or_the_answer_has_come() -> None:
    end = datetime(2023, 9, 20, 22, 0, tzinfo=UTC)
    given = Given(
        call_2023(), *submitted(), declared(), *scores(), asked("2023-09-20", START + timedelta(days=3))
    )
    given.when(assess().when(end - MICROSECOND)).refused(NotReady)
    given.and_then().when(assess().when(end)).then(CaseAssessed)
    answered = given.and_then(Step("supply", {"request": 1, "answer": "Fullmakten er fra 2022."}))
    answered.when(assess()).then(CaseAssessed)


def test_l3_a_late_answer_is_received_too_while_the_case_is_not_judged() -> None:
    given = handled().and_then(asked("2023-08-30", START + timedelta(days=1)))
    late = Step("supply", {"request": 1, "answer": "Her er den."}).when(START + timedelta(days=60))
    given.when(late).then(InformationSupplied)


def test_l3_every_defect_is_told_at_once_in_both_forms_of_norwegian() -> None:
    given = Given(call_2023(), *drafted(project={"participants": 9}, budget={"asked": "1.00"}), approved())
    refusal = given.when(submit()).refused(
        RulesFailed, "min-participants", "target-group-adds-up", "budget-adds-up"
    )
    for failure in refusal.failures:
        assert failure.message["nb"]
        assert failure.message["nn"]
        assert failure.path
        assert failure.source


def test_l3_what_is_answered_one_is_open_to_all_and_names_nobody(store: Store) -> None:
    service = Service(store)
    call = publish(service, "l3", "7900000.00")
    by = Circumstances(
        at=START, person="imdi-lead", organisation=IMDI, role="call-manager", channel="test", command="a"
    )
    service.calls.answer_question(call.id, "Kan vi søke to ganger?", "Ja.", by)
    read_by_others = Service(store).states.announcement(call.id)
    assert [(one.question, one.answer) for one in read_by_others.answers] == [
        ("Kan vi søke to ganger?", "Ja.")
    ]
    for question, answer in ((f"Gjelder det {MADE_UP}?", "Ja."), ("Gjelder det oss?", f"Spør {MADE_UP}.")):
        another = msgspec.structs.replace(by, command="b")
        with pytest.raises(IdentityNumber):
            service.calls.answer_question(call.id, question, answer, another)


def test_l4_the_receipt_is_issued_with_the_submission_and_names_what_was_received_and_when() -> None:
    given = Given(call_2023(), *drafted(), approved())
    case = given.when(submit().when(JUST_IN_TIME)).then(ApplicationSubmitted, ReceiptIssued)
    receipt = given.events[-1]
    assert isinstance(receipt, ReceiptIssued)
    assert (receipt.received_at, receipt.content) == (JUST_IN_TIME, case.submitted)
    assert receipt.stamp == given.events[-2].stamp


def test_l4_what_is_not_received_gets_no_receipt() -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.when(submit().when(DEADLINE)).refused(PastDeadline)
    assert not [event for event in given.events if isinstance(event, ReceiptIssued)]


def test_l4_submission_and_receipt_are_stored_by_one_command_or_neither_is(store: Store) -> None:
    service = Service(store)
    call = publish(service, "l4", "7900000.00")
    case = None
    for number, step in enumerate(submitted()):
        assert step.role in MUNICIPAL
        by = Circumstances(
            at=START + timedelta(hours=number),
            person=f"kommune-{step.role}",
            organisation=OSLO_KOMMUNE,
            role=step.role,
            channel="test",
            command=f"c{number}",
        )
        receipt = service.handle(Request(step=step.name, case=case, call=call.id, data=step.data, by=by))
        case = receipt.case
    assert case is not None
    *_, application, told = store.load(case)
    assert (told.event.topic, told.position) == ("receipt-issued@1", application.position + 1)
    assert told.event.stamp.command == application.event.stamp.command
    assert store.answered(by.key, Request(step="submit", case=case, call=call.id, by=by).body) is not None


def authority_reminded() -> Call:
    """The call with a deadline that binds the authority, and a process in which the clock may remind it."""
    files = call_2023().files
    reminds = 'approved-by-director = "approved-by-director", paid = "paid" }\nroles = ["clock"]'
    assert files[PROCESS].count(reminds) == 1
    also = reminds.replace('paid = "paid"', 'submitted = "submitted", paid = "paid"')
    call = files[CALL].replace("[[criteria]]", f"{WAITING_AUTHORITY}\n[[criteria]]", 1)
    return Call.read({**files, CALL: call, PROCESS: files[PROCESS].replace(reminds, also)})


def test_l4_a_call_may_set_the_authority_a_time_to_answer_in_and_then_it_is_the_authority_that_is_reminded() -> (
    None
):
    given = Given(authority_reminded(), *submitted())
    data = {"deadline": "answer", "due_at": REMINDED.isoformat()}
    remind = Step("remind", data, role="clock", person="clock", at=REMINDED)
    given.when(remind.when(REMINDED - MICROSECOND)).refused(NothingDue)
    given.when(remind).then(ReminderSent)
    event = given.events[-1]
    assert isinstance(event, ReminderSent)
    assert (event.to, event.limit) == ("authority", datetime(2023, 9, 28, 22, 0, tzinfo=UTC))
