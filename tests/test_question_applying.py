"""Who approved, what was known when, and what came late: planted, and found where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from asked import asked, breach, event_of, found
from gathered import added, changed, clean_year, dropped, gathered, planted, stamped, the
from given import CASE, DEADLINE, Given, Step, authority
from steps import approved, call_2023, drafted, edited, paid, submit, submitted

from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.authority import Authorities, AuthorityDelegated
from grantflow.domain.casework import InformationSupplied
from grantflow.domain.correction import FactCorrected
from grantflow.domain.drafting import SectionEdited
from grantflow.domain.followup import DeadlineExtended
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.history import gather

if TYPE_CHECKING:
    from grantflow.domain.event import Entry

LATE = DEADLINE + timedelta(days=2)
MORE_TIME = {"deadline": "application", "until": "2023-09-04", "reason": "Portalen var nede."}


def delegate() -> Given:
    """A case approved by an employee on written authority."""
    director = "kommune-director"
    known = {"KS 22/118": authority(call_2023(), "KS 22/118", "approval", director)}
    yes = Step("approve", {"capacity": "delegate", "delegation": "KS 22/118"}, role="director")
    authorities = Authorities(id=CASE, delegations=known)
    return Given(call_2023(), *drafted(), yes, submit(), authorities=authorities)


def test_who_approved_tells_what_was_seen_by_whom_and_on_whose_authority() -> None:
    history = gathered(call_2023(), delegate())
    (row,) = asked("who-approved", history)
    assert found(row, "approved_by", "capacity", "delegation", "breach") == (
        "kommune-director",
        "delegate",
        "KS 22/118",
        "",
    )
    assert row.found["approved"] == row.found["submitted"] != ""
    seen = [entry.id for entry in history.entries if isinstance(entry.event, SectionEdited)]
    proof = (AuthorityDelegated, ApplicationApproved, ApplicationSubmitted)
    assert row.events == (*seen, *(event_of(history, kind) for kind in proof))


def test_who_approved_finds_that_something_else_was_submitted() -> None:
    history = planted(clean_year(), changed(ApplicationSubmitted, content="0" * 64))
    row = breach("who-approved", history)
    assert row.found["case"] == "imdi-2023-tillegg-0001"
    assert "something else was submitted than what was approved" in row.found["breach"]
    assert row.events[-2:] == (
        event_of(history, ApplicationApproved),
        event_of(history, ApplicationSubmitted),
    )


def test_who_approved_finds_a_change_after_the_approval() -> None:
    history = planted(
        clean_year(),
        added(ApplicationApproved, edited_afterwards),
    )
    assert "not the content that the case held" in breach("who-approved", history).found["breach"]


def edited_afterwards(entry: Entry) -> SectionEdited:
    stamp = stamped(entry.event, step="edit", person="kommune-applicant", role="applicant").stamp
    return SectionEdited(
        section="project", content=edited("project", participants=99).data["content"], stamp=stamp
    )


def test_who_approved_finds_a_submission_that_nobody_approved() -> None:
    history = planted(clean_year(), dropped(ApplicationApproved, nth=1))
    row = breach("who-approved", history)
    assert found(row, "case", "approved_by", "breach") == (
        "imdi-2023-tillegg-0002",
        "",
        "submitted without an approval",
    )


def test_who_approved_finds_that_there_was_no_delegation() -> None:
    history = planted(gathered(call_2023(), delegate()), dropped(AuthorityDelegated))
    assert "no approval authority 'KS 22/118'" in breach("who-approved", history).found["breach"]


def test_case_as_of_tells_what_was_recorded_and_what_had_happened_but_was_recorded_later() -> None:
    given = Given(call_2023(), *paid())
    entry = max(int(version) for version in given.case.noted)
    said = {"entry": entry, "field": "bank_reference", "value": "BANK-2", "reason": "Lest feil."}
    corrected = given.and_then(Step("correct", said, role="case-officer"))
    whole = gathered(call_2023(), corrected)
    at = the(whole.entries, PaymentConfirmed).event.stamp.recorded_at
    recorded, happened = asked("case-as-of", gather(whole.entries, at=at))
    assert found(recorded, "view", "state", "paid", "known") == ("recorded", "paid", "800000.00", True)
    assert found(happened, "view", "what", "happened_at", "known") == (
        "happened",
        "payment-confirmed@2, bank_reference: BANK-1 → BANK-2",
        at.isoformat(),
        False,
    )
    assert happened.events == (event_of(whole, FactCorrected),)
    assert [row.found["known"] for row in asked("case-as-of", whole)] == [True, True]
    assert len(asked("case-as-of", gather(whole.entries, at=at - timedelta(seconds=1)))) == 1


def test_late_submissions_finds_what_was_accepted_after_the_deadline() -> None:
    history = planted(clean_year(), changed(ApplicationSubmitted, stamp={"recorded_at": LATE}))
    row = breach("late-submissions", history)
    assert found(row, "case", "late", "allowed_by", "given") == (
        "imdi-2023-tillegg-0001",
        "2 days, 0:00:00",
        "",
        "",
    )
    assert row.events == (event_of(history, ApplicationSubmitted),)


def test_late_submissions_tells_whose_extension_and_whether_it_came_after_the_fact() -> None:
    more = Step("extend-deadline", MORE_TIME, role="case-officer").when(DEADLINE)
    history = gathered(call_2023(), Given(call_2023(), *drafted(), approved(), more, submit().when(LATE)))
    (row,) = asked("late-submissions", history)
    assert found(row, "allowed_by", "given", "reason", "breach") == (
        "imdi-case-officer",
        "after the fact",
        MORE_TIME["reason"],
        "",
    )
    assert row.events == (event_of(history, DeadlineExtended), event_of(history, ApplicationSubmitted))
    shorter = planted(history, changed(DeadlineExtended, limit=LATE))
    assert breach("late-submissions", shorter).found["breach"] == "accepted after the extension too"


def test_late_submissions_tells_of_answers_that_came_after_their_date() -> None:
    ask = Step("request-information", {"what": "Budsjett", "due": "2023-08-20"}, role="case-officer")
    told = Step("declare-impartiality", {"conflict": False}, role="case-officer")
    said = Step("supply", {"request": 1, "answer": "Her er det."}).when(LATE)
    history = gathered(call_2023(), Given(call_2023(), *submitted(), told, ask, said))
    (row,) = asked("late-submissions", history)
    assert found(row, "deadline", "breach") == ("request 1", "")
    assert row.events == (event_of(history, InformationSupplied),)
