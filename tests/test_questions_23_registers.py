"""Questions 23, 24, 26 and 27: who read what, what was corrected, whole registers, and the published list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from asked import asked, breach, event_of, found
from gathered import added, changed, clean_year, dropped, gathered, planted, the
from given import DEADLINE, Given, Step
from looking import CALL, listed, looked
from steps import call_2023, declared, drafted, granted, reduce, submitted

from grantflow.domain.casework import StatementRecorded
from grantflow.domain.correction import FactCorrected
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.drafting import ApplicationStarted, DocumentAttached, DocumentDetached, SectionEdited
from grantflow.domain.frame import FrameCommitted
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.reversal import GrantReduced
from grantflow.domain.submission import ApplicationLapsed, ReceiptIssued
from grantflow.history import History

if TYPE_CHECKING:
    from grantflow.domain.event import Event
    from grantflow.history import CaseHistory

PDF = "JVBERi0xLjcK"
"""The first bytes of a document, in base64."""
BODY = "HK-dir"
WRONG, RIGHT = "HK-dir tilrår ikke tiltaket.", "HK-dir tilrår tiltaket."


def test_nobody_is_told_to_have_looked_in_a_year_in_which_nobody_did() -> None:
    assert asked("access", clean_year()) == []


def test_whoever_looked_is_told_with_what_they_were_shown() -> None:
    first, second, third, _ = (case.id for case in clean_year().cases)
    reads = (
        looked(case=first, what="history", request="r-7", call=CALL),
        listed(second, UUID(int=77), third, after=1),
        looked(after=2, did="exported", what="pack", call=CALL, count=4, channel="cli"),
    )
    alone, page, pack = asked("access", replace(clean_year(), reads=reads))
    assert alone.found == {
        "at": "2024-05-02T09:00:00+00:00",
        "person": "riksrevisjonen-7",
        "organisation": "974760843",
        "role": "auditor",
        "channel": "http",
        "did": "read",
        "what": "history",
        "call": CALL,
        "cases": [f"{CALL}-0001"],
        "count": 1,
        "request": "r-7",
    }
    assert found(page, "did", "cases", "count") == ("listed", [f"{CALL}-0002", f"{CALL}-0003"], 3)
    assert found(pack, "did", "cases", "count", "channel") == ("exported", [], 4, "cli")
    assert alone.events == page.events == pack.events == ()


def test_a_look_at_a_case_that_the_log_does_not_have_is_told_by_its_identifier() -> None:
    (row,) = asked("access", replace(clean_year(), reads=(looked(case=UUID(int=77)),)))
    assert row.found["cases"] == [str(UUID(int=77))]


def corrected() -> History:
    """A statement that was written down wrongly, and corrected forty days later."""
    ask = Step("consult", {"body": BODY, "question": "Er opplegget forsvarlig?"}, role="case-officer")
    record = Step("record-statement", {"body": BODY, "statement": WRONG}, role="case-officer")
    given = Given(call_2023(), *submitted(), declared(), ask, record)
    entry = given.case.version
    data = {"entry": entry, "field": "statement", "value": RIGHT, "reason": "Brevet ble lest feil."}
    later = given.events[-1].stamp.recorded_at + timedelta(days=40, hours=3)
    return gathered(call_2023(), given.and_then(Step("correct", data, role="case-officer", at=later)))


def test_nothing_was_corrected_in_a_clean_year() -> None:
    assert asked("corrections", clean_year()) == []


def test_a_correction_tells_what_it_corrects_who_why_and_how_much_later() -> None:
    history = corrected()
    (row,) = asked("corrections", history)
    assert found(row, "entry", "field", "before", "after", "reason", "by", "days_later", "breach") == (
        "statement-recorded@1", "statement", WRONG, RIGHT, "Brevet ble lest feil.", "imdi-case-officer", 40, "",
    )  # fmt: skip
    assert row.events == (event_of(history, StatementRecorded), event_of(history, FactCorrected))
    assert row.found["corrects"] == event_of(history, StatementRecorded)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (changed(FactCorrected, reason=" "), "no reason is given"),
        (changed(FactCorrected, before=RIGHT), f"it says that '{RIGHT}' stood there; there stood '{WRONG}'"),
        (changed(FactCorrected, corrects=1), "there is no earlier entry 1 of statement-recorded@1"),
        (changed(FactCorrected, corrects=99), "there is no earlier entry 99 of statement-recorded@1"),
        (
            changed(FactCorrected, field="body", before=BODY),
            "body of statement-recorded@1 is no fact from outside",
        ),
    ],
)
def test_a_correction_that_does_not_refer_to_what_stands_there_is_found(change: Any, text: str) -> None:
    history = planted(corrected(), change)
    row = breach("corrections", history)
    assert text in row.found["breach"]
    assert event_of(history, FactCorrected) in row.events


def attached(name: str = "plan.pdf") -> Step:
    return Step("attach", {"filename": name, "media_type": "application/pdf", "content": PDF})


def with_document() -> History:
    """An application with a document that was attached, taken out, and attached again."""
    begun = Given(call_2023(), *drafted(), attached())
    (document,) = begun.case.attachments
    again = Step("detach", {"digest": document.digest}), attached("plan-2.pdf")
    return gathered(call_2023(), begun.and_then(*again, *submitted()[-2:]))


def test_the_registers_of_a_clean_year_are_whole() -> None:
    rows = asked("registers", clean_year())
    assert [found(row, "case", "submissions", "receipts", "state", "breach") for row in rows] == [
        ("imdi-2023-tillegg-0001", 1, 1, "closed", ""),
        ("imdi-2023-tillegg-0002", 1, 1, "closed", ""),
        ("imdi-2023-tillegg-0003", 1, 1, "rejected", ""),
        ("imdi-2023-tillegg-0004", 0, 0, "lapsed", ""),
    ]
    assert all(row.found["ended"] for row in rows)


def test_a_case_that_goes_on_says_where_it_stands_with_its_documents() -> None:
    history = with_document()
    (row,) = asked("registers", history)
    assert found(row, "state", "ended", "breach") == ("submitted", None, "")
    assert len(row.found["documents"]) == 1
    assert {event_of(history, kind) for kind in (DocumentAttached, DocumentDetached)} < {*row.events}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (dropped(ReceiptIssued), "has not its one receipt"),
        (changed(ReceiptIssued, content="0" * 64), "has not its one receipt"),
        (added(ReceiptIssued, lambda entry: entry.event), "a receipt without a submission"),
        (dropped(SectionEdited), "what was submitted is not what its edits and documents add up to"),
        (
            dropped(DocumentAttached, nth=1),
            "what was submitted is not what its edits and documents add up to",
        ),
        (dropped(DocumentAttached), "was taken out, and never attached"),
        (dropped(DocumentDetached), "plan-2.pdf was attached before, and not taken out"),
        (added(SectionEdited, lambda _: start()), "begun more than once"),
    ],
)
def test_a_register_that_is_not_whole_is_found(change: Any, text: str) -> None:
    assert text in breach("registers", planted(with_document(), change)).found["breach"]


def start() -> Event:
    return Given(call_2023(), Step("start")).events[0]


def test_a_document_without_a_digest_is_found() -> None:
    history = with_document()
    event = the(history.entries, DocumentAttached).event
    assert isinstance(event, DocumentAttached)
    nameless = type(event.attachment)("", "plan.pdf", "application/pdf", 9)
    row = breach("registers", planted(history, changed(DocumentAttached, attachment=nameless)))
    assert "plan.pdf has no digest" in row.found["breach"]


def test_a_draft_that_nothing_ended_is_found_once_its_deadline_has_passed() -> None:
    row = breach("registers", planted(clean_year(), dropped(ApplicationLapsed)))
    assert (
        row.found["breach"] == f"still 'draft' though the application deadline passed {DEADLINE.isoformat()}"
    )
    early = gathered(call_2023(), Given(call_2023(), *drafted()))
    assert [row.found["breach"] for row in asked("registers", early)] == [""]


def test_events_of_a_case_that_was_never_begun_are_found() -> None:
    history = planted(clean_year(), dropped(ApplicationStarted, nth=3))
    orphans = [row for row in asked("registers", history) if not row.found["case"]]
    assert orphans
    assert all("which was never begun" in row.found["breach"] for row in orphans)


def test_a_number_that_was_left_out_is_found() -> None:
    first, *others = clean_year().cases
    gap = [first, *(_renumbered(case, number) for number, case in enumerate(others, 3))]
    history = History(None, clean_year().entries, tuple(gap), clean_year().definitions)
    assert [row.found["breach"] for row in asked("registers", history)][:2] == [
        "",
        "the number should be imdi-2023-tillegg-0002",
    ]


def _renumbered(case: CaseHistory, number: int) -> CaseHistory:
    return type(case)(case.id, f"imdi-2023-tillegg-{number:04d}", case.entries)


def test_the_list_of_recipients_agrees_with_decisions_and_payments() -> None:
    rows = asked("recipients", clean_year())
    assert [
        found(row, "case", "project", "granted", "committed", "paid", "outstanding", "breach") for row in rows
    ] == [
        ("imdi-2023-tillegg-0001", "Rett i jobb", "800000.00", "800000.00", "800000.00", "0.00", ""),
        ("imdi-2023-tillegg-0002", "Rett i jobb", "800000.00", "800000.00", "800000.00", "0.00", ""),
    ]
    assert rows[0].events == tuple(
        event_of(clean_year(), kind) for kind in (ApplicationGranted, PaymentConfirmed)
    )


def test_a_reduced_grant_is_told_with_what_it_was_and_is() -> None:
    reducer = Step("declare-impartiality", {"conflict": False}, role="decider", person="imdi-reducer")
    history = gathered(call_2023(), Given(call_2023(), *granted(), reducer, reduce()))
    (row,) = asked("recipients", history)
    assert found(row, "granted", "reduced", "in_force", "committed", "outstanding", "breach") == (
        "800000.00", "100000.00", "700000.00", "700000.00", "700000.00", "",
    )  # fmt: skip
    assert event_of(history, GrantReduced) in row.events


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (changed(PaymentConfirmed, amount_ore=90_000_000), "more is paid than granted"),
        (dropped(ApplicationGranted), "paid without a grant in force"),
        (dropped(FrameCommitted), "the frame has 0.00 set aside"),
        (changed(FrameCommitted, amount_ore=1), "the frame has 0.01 set aside"),
        (changed(ApplicationGranted, amount_ore=90_000_001), "more is granted than was applied for"),
        (dropped(PaymentConfirmed), "'closed' though not all is paid"),
        (
            changed(PaymentConfirmed, outstanding_ore=1),
            "the bank's return says that something else is outstanding",
        ),
    ],
)
def test_a_line_of_the_list_that_does_not_agree_is_found(change: Any, text: str) -> None:
    row = breach("recipients", planted(clean_year(), change))
    assert text in row.found["breach"]
    assert row.found["case"] == "imdi-2023-tillegg-0001"


def test_who_was_granted_nothing_is_not_on_the_list() -> None:
    assert asked("recipients", gathered(call_2023(), Given(call_2023(), *submitted()))) == []
