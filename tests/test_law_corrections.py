"""Nothing booked is changed: a correction is a new entry that refers to the one it corrects (L1)."""

from datetime import date, timedelta
from typing import Any

import pytest
from given import CASE, IMDI, START, Given, Step
from noted import append
from steps import approved, assessed, call_2023, declared, drafted, edited, paid, reject, submitted
from variants import publish

from grantflow.domain.application import Application, CaseEvent, fold
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.complaint import ComplaintRegistered
from grantflow.domain.correction import FactCorrected
from grantflow.domain.errors import (
    BadRequest,
    ImpartialityNotDeclared,
    NotAllowed,
    NotFound,
    RoleNotAllowed,
)
from grantflow.domain.event import EVENT_TYPES, Entry
from grantflow.service import Request, Service
from grantflow.store import Store

BODY = "HK-dir"
WRONG, RIGHT = "HK-dir tilrår ikke tiltaket.", "HK-dir tilrår tiltaket."
REASON = "Brevet ble lest feil."
PDF = "JVBERi0xLjcK"
"""The first bytes of a document, in base64."""


def stated(statement: str = WRONG) -> Step:
    return Step("record-statement", {"body": BODY, "statement": statement}, role="case-officer")


def consulted() -> tuple[Step, ...]:
    ask = Step("consult", {"body": BODY, "question": "Er opplegget forsvarlig?"}, role="case-officer")
    return *submitted(), declared(), ask


def complained(day: str | None = None) -> tuple[Step, ...]:
    said = {"text": "Vi er uenige.", "received_on": day}
    return *assessed(), declared("decider"), reject(), Step("register-complaint", said, role="case-officer")


def newest(case: Application) -> int:
    """The last entry of the case that can be corrected."""
    return max(int(version) for version in case.noted)


def correct(given: Given, field: str, value: str, **changes: Any) -> Step:
    entry = newest(given.case) if given.case.noted else 1
    data = {"entry": entry, "field": field, "value": value, "reason": REASON, **changes}
    return Step("correct", data, role="case-officer")


def test_l1_a_correction_is_a_new_entry_that_refers_to_the_one_it_corrects() -> None:
    given = Given(call_2023(), *consulted(), stated())
    corrected, before = newest(given.case), given.events[-1]
    case = given.when(correct(given, "statement", RIGHT)).then(FactCorrected)
    event = given.events[-1]
    assert isinstance(event, FactCorrected)
    assert (event.corrects, event.entry, event.field) == (corrected, "statement-recorded@1", "statement")
    assert (event.before, event.after, event.reason) == (WRONG, RIGHT, REASON)
    assert given.events[corrected - 1] is before, "the entry itself stays as it was written"
    assert (case.version, case.statements) == (corrected + 1, {BODY: RIGHT})
    assert [(one.corrects, one.person) for one in case.corrections] == [(corrected, "imdi-case-officer")]


def test_l1_when_it_was_recorded_and_since_when_it_has_been_so_are_two_instants() -> None:
    given = Given(call_2023(), *consulted(), stated())
    first = given.events[-1].stamp.recorded_at
    later = first + timedelta(days=40)
    given.when(correct(given, "statement", RIGHT).when(later)).then(FactCorrected)
    stamp = given.events[-1].stamp
    assert (stamp.recorded_at, stamp.effective_at) == (later, first)


@pytest.mark.parametrize(
    ("history", "field", "value"),
    [
        (paid(), "bank_reference", "BANK-2"),
        (complained("2023-09-04"), "received_on", "2023-09-01"),
        (complained(), "text", "Vi er svært uenige."),
    ],
    ids=["bank reference", "day of a complaint", "text of a complaint"],
)
def test_l1_a_fact_from_outside_can_be_corrected(history: tuple[Step, ...], field: str, value: str) -> None:
    given = Given(call_2023(), *history)
    case = given.when(correct(given, field, value)).then(FactCorrected)
    payment, complaints = case.payment, case.complaints
    kept = {
        "bank_reference": payment.bank_reference if payment else "",
        "received_on": str(complaints[0].received_on) if complaints else "",
        "text": complaints[0].text if complaints else "",
    }
    assert kept[field] == value
    assert case.paid_ore in (0, 80_000_000), "no money is counted twice"


def test_l1_a_correction_of_a_correction_refers_to_the_same_entry_and_all_three_stay() -> None:
    given = Given(call_2023(), *consulted(), stated())
    given = given.and_then(correct(given, "statement", "Uleselig."))
    case = given.when(correct(given, "statement", RIGHT)).then(FactCorrected)
    assert [(one.before, one.after) for one in case.corrections] == [
        (WRONG, "Uleselig."),
        ("Uleselig.", RIGHT),
    ]
    assert case.statements == {BODY: RIGHT}


def test_l1_a_correction_of_an_older_statement_does_not_displace_the_newer_one() -> None:
    given = Given(call_2023(), *consulted(), stated("Den første."))
    older = newest(given.case)
    given = given.and_then(stated("Den andre."))
    case = given.when(correct(given, "statement", "Den første, rettet.", entry=older)).then(FactCorrected)
    assert case.statements == {BODY: "Den andre."}


def test_l1_decisions_content_and_amounts_are_not_among_what_can_be_corrected() -> None:
    kinds = [kind for kind in EVENT_TYPES.values() if issubclass(kind, CaseEvent) and kind.correctable]
    assert {kind.topic.partition("@")[0]: kind.correctable for kind in kinds} == {
        "statement-recorded": {"statement"},
        "complaint-registered": {"text", "received_on"},
        "payment-confirmed": {"bank_reference"},
        "repayment-received": {"bank_reference"},
    }


@pytest.mark.parametrize("entry", [0, 1, 5, 999])
def test_l1_what_is_no_such_fact_can_not_be_corrected_and_what_can_is_named(entry: int) -> None:
    given = Given(call_2023(), *consulted(), stated())
    refusal = given.when(correct(given, "statement", RIGHT, entry=entry)).refused(NotFound)
    assert f"{newest(given.case)} (statement-recorded@1)" in refusal.detail


@pytest.mark.parametrize("field", ["amount_ore", "account", "instalment", "stamp", "nothing"])
def test_l1_of_a_payment_only_the_banks_reference_can_be_corrected(field: str) -> None:
    given = Given(call_2023(), *paid())
    assert "bank_reference" in given.when(correct(given, field, "1")).refused(BadRequest).detail


def test_l1_a_correction_says_something_else_and_why() -> None:
    given = Given(call_2023(), *consulted(), stated())
    given.when(correct(given, "statement", WRONG)).refused(NotAllowed)
    given.when(correct(given, "statement", " ")).refused(BadRequest)
    given.when(correct(given, "statement", RIGHT, reason=" ")).refused(BadRequest)


@pytest.mark.parametrize("day", ["i går", "2023-02-30", "2023-09-05", "2099-01-01"])
def test_l1_a_complaints_day_is_corrected_to_a_day_that_has_been(day: str) -> None:
    given = Given(call_2023(), *complained("2023-09-04"))
    given.when(correct(given, "received_on", day)).refused(BadRequest)


def test_l1_a_corrected_fact_keeps_to_what_the_first_one_had_to_keep_to() -> None:
    given = Given(call_2023(), *paid())
    given.when(correct(given, "bank_reference", "B" * 100)).then(FactCorrected)
    given.when(correct(given, "bank_reference", "B" * 101)).refused(BadRequest)


def test_l1_a_case_officer_who_has_declared_corrects_and_nobody_else() -> None:
    given = Given(call_2023(), *consulted(), stated())
    step = correct(given, "statement", RIGHT)
    for role in ("applicant", "decider", "payer"):
        given.when(step.by("p", role)).refused(RoleNotAllowed)
    given.when(step.by("imdi-newcomer")).refused(ImpartialityNotDeclared)


def test_l1_history_folded_again_gives_the_case_with_its_corrections() -> None:
    given = Given(call_2023(), *complained("2023-09-04"))
    given = given.and_then(correct(given, "received_on", "2023-09-01"))
    assert fold(CASE, [Entry(CASE, n, event) for n, event in enumerate(given.events, start=1)]) == given.case
    registered = next(event for event in given.events if isinstance(event, ComplaintRegistered))
    assert registered.received_on == date(2023, 9, 4)


def test_l1_whether_anything_changed_after_the_approval_is_seen_from_its_digest() -> None:
    given = Given(call_2023(), *drafted(), approved())
    assert given.case.approval is not None
    seen = given.case.approval.content
    assert seen == given.case.content_digest
    changed = given.and_then(edited("project", title="Et annet navn"))
    assert changed.case.content_digest != seen
    back = changed.and_then(edited("project"))
    assert back.case.content_digest == seen, "the digest is of the content, not of when it was written"
    attached = given.and_then(
        Step("attach", {"filename": "plan.pdf", "media_type": "application/pdf", "content": PDF})
    )
    assert attached.case.content_digest != seen, "and of the documents too"


def test_l1_in_the_log_the_corrected_entry_stays_to_the_byte(store: Store) -> None:
    service = Service(store)
    given = Given(publish(service, "l1", "7900000.00"), *consulted(), stated())
    entries = tuple(Entry(CASE, n, event) for n, event in enumerate(given.events, start=1))
    store.append(append(*entries)).result()
    wrong = store.last_position()
    before = store.digest(wrong)
    by = Circumstances(
        at=START + timedelta(days=30),
        person="imdi-case-officer",
        organisation=IMDI,
        role="case-officer",
        channel="test",
        command="correct",
    )
    data = correct(given, "statement", RIGHT).data
    receipt = service.handle(Request(step="correct", case=CASE, data=data, by=by))
    assert (receipt.position, store.digest(wrong)) == (wrong + 1, before)
    assert service.states.case(CASE).statements == {BODY: RIGHT}
