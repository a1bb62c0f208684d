"""Told in writing: each decision has its letter, whole or refused, signed by whoever decided (L7, L10)."""

from pathlib import Path

import msgspec
import pytest
from given import Given, Step
from steps import (
    BLOCKS,
    GROUNDS,
    RESERVATIONS,
    assessed,
    attest,
    call_2023,
    declared,
    granted,
    letter,
    reject,
    submitted,
)

from grantflow.definitions import definition_files
from grantflow.domain.call import Call
from grantflow.domain.decision import ApplicationRejected
from grantflow.domain.errors import NotAllowed, NotReady, RoleNotAllowed, StepNotAllowed
from grantflow.domain.letters import LetterIssued
from grantflow.rooms import projections, room

ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
STANDARD = Step("issue-letter", role="decider")
"""The call's own letter, filled in from the case."""
TO_DECIDE = (*assessed(), declared("decider"))
DISMISS = Step("dismiss", {"cause": "outside-the-call", **ON}, role="decider")
REVERSE = Step("reverse", {"case_of_35": "not-to-detriment", **ON}, role="decider")
REDUCE = Step("reduce", {"amount": "500000.00", "case_of_35": "invalid", **ON}, role="decider")
OUTCOMES = {
    "grant": granted(),
    "rejection": (*TO_DECIDE, reject()),
    "dismissal": (*TO_DECIDE, DISMISS),
    "reversal": (*TO_DECIDE, reject(), STANDARD, REVERSE),
}
"""What a party is told of in a letter, by the kind of letter, and a history that has come to it."""
CALLS = sorted(
    file.parent
    for calls in (room("workflows"), Path(__file__).parents[1] / "docs")
    for file in calls.glob("calls/*/call.toml")
)


def issued(given: Given) -> LetterIssued:
    """The last letter of the case."""
    return [event for event in given.events if isinstance(event, LetterIssued)][-1]


@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_l7_each_decision_has_a_letter_whose_text_is_recorded_as_it_was_read(kind: str) -> None:
    given = Given(call_2023(), *OUTCOMES[kind])
    given.when(STANDARD).then(LetterIssued)
    event = issued(given)
    assert (event.kind, event.language) == (kind, "nb")
    assert event.signed_by == "imdi-decider"
    assert event.stamp.authority == "IMDi-2023-014"
    for text in (*event.blocks.values(), *event.reservations.values(), "Oslo (958935420)", "Rett i jobb"):
        assert text in event.text
    assert "$" not in event.text, "every name in the standard text is filled in"


@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_l7_what_has_been_told_is_told_once(kind: str) -> None:
    given = Given(call_2023(), *OUTCOMES[kind], STANDARD)
    given.when(STANDARD).refused(NotAllowed)


@pytest.mark.parametrize("folder", CALLS, ids=lambda folder: folder.name)
def test_l7_each_letter_in_each_language_says_that_the_party_may_see_the_documents(folder: Path) -> None:
    letters = Call.read(definition_files(folder)).letters
    assert letters is not None
    texts = [text for kind in msgspec.structs.asdict(letters).values() for text in (kind or {}).values()]
    assert texts
    for text in texts:
        assert "§§ 18 og 19" in " ".join(text.reservations.values())


@pytest.mark.parametrize("history", [submitted(), TO_DECIDE], ids=["submitted", "assessed"])
def test_l7_there_is_no_letter_about_nothing(history: tuple[Step, ...]) -> None:
    given = Given(call_2023(), *history)
    if history is not TO_DECIDE:
        given = given.and_then(declared("decider"))
    refusal = given.when(STANDARD).refusal
    assert isinstance(refusal, NotAllowed | StepNotAllowed)


def test_l7_a_decision_that_replaces_another_is_told_by_a_letter_of_its_own() -> None:
    given = Given(call_2023(), *OUTCOMES["reversal"], STANDARD)
    given.when(reject()).then(ApplicationRejected)
    assert (given.case.letter, given.case.told_at) == ("", None)
    given.when(STANDARD).then(LetterIssued)
    assert [e.kind for e in given.events if isinstance(e, LetterIssued)] == [
        "rejection",
        "reversal",
        "rejection",
    ]


def test_l7_a_reduction_is_told_before_anything_more_is_paid() -> None:
    notice = {"reason": "Nye opplysninger.", "answer_by": "2023-10-01"}
    noticed = (
        Step("notify-reversal", notice, role="case-officer"),
        Step("answer-notice", {"answer": "Greit."}),
    )
    given = Given(call_2023(), *granted(), STANDARD, *noticed, REDUCE, declared("attestant"))
    given.when(attest("500000.00")).refused(NotReady)
    told = given.and_then(STANDARD)
    assert "500\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}kr" in issued(told).text
    told.and_then(attest("500000.00"))


@pytest.mark.parametrize("role", ["case-officer", "applicant", "attestant"])
def test_l7_a_letter_about_a_decision_comes_from_those_who_decide(role: str) -> None:
    Given(call_2023(), *granted()).when(STANDARD.by("p", role)).refused(RoleNotAllowed)


def test_l7_the_municipality_finds_a_notice_of_each_act_that_concerns_it() -> None:
    (inbox,) = (projection for projection in projections() if projection.name == "notices")
    told = {kind.topic.partition("@")[0] for kind in inbox.on}
    assert told >= {
        "receipt-issued", "information-requested", "letter-issued", "decision-reversed", "grant-reduced",
        "reversal-notified", "repayment-notified", "repayment-claimed", "complaint-answered", "condition-met",
        "condition-waived", "payment-confirmed", "deadline-extended", "report-returned", "report-accepted",
        "application-lapsed", "case-moved-to-revision",
    }  # fmt: skip


def test_l10_the_call_asks_for_the_five_blocks_and_the_three_reservations() -> None:
    assert call_2023().letter.blocks == ("purpose", "amount", "payment", "conditions", "consequences")
    assert call_2023().letter.reservations == ("control", "no-appeal", "later-years")
    assert "6.3.3" in call_2023().letter.source


@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_l10_a_grant_letter_that_lacks_a_block_is_refused_and_the_block_is_named(block: str) -> None:
    given = Given(call_2023(), *granted())
    without = {name: text for name, text in BLOCKS.items() if name != block}
    for blocks in (without, {**BLOCKS, block: ""}, {**BLOCKS, block: " \n"}):
        assert f"missing: {block}" in given.when(letter().saying(blocks=blocks)).refused(NotAllowed).detail


@pytest.mark.parametrize("reservation", sorted(RESERVATIONS))
def test_l10_a_grant_letter_that_lacks_a_reservation_is_refused_and_it_is_named(reservation: str) -> None:
    given = Given(call_2023(), *granted())
    without = {name: text for name, text in RESERVATIONS.items() if name != reservation}
    for reservations in (without, {**RESERVATIONS, reservation: " "}):
        refusal = given.when(letter().saying(reservations=reservations)).refused(NotAllowed)
        assert f"missing: {reservation}" in refusal.detail


def test_l10_a_letter_speaks_of_no_appeal_where_there_is_none() -> None:
    given = Given(call_2023(), *granted())
    wrong = {**RESERVATIONS, "appeal": "Vedtaket kan påklages."}
    assert "unknown: appeal" in given.when(letter().saying(reservations=wrong)).refused(NotAllowed).detail
    given.when(letter().saying(blocks={**BLOCKS, "greetings": "Hilsen"})).refused(NotAllowed)


def test_l10_the_standard_grant_letter_says_all_that_the_regulations_ask_for() -> None:
    condition = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2024-02-01"}
    later = [{"year": 2024, "amount": "900000.00"}]
    given = Given(call_2023(), *granted(conditions=[condition], later_years=later), STANDARD)
    text = issued(given).text.replace("\N{NO-BREAK SPACE}", " ")
    for said in (
        "innvilger 800 000 kr", "Søknadsbeløpet var 900 000 kr", "brukes i 2023",
        "Lever metodeheftet (innen 01.02.2024)", "leveres i portalen innen 01.02.2024",
        "kreves tilbake", "Riksrevisjonen kan kontrollere", "kan ikke påklages",
        "forutsetter at Stortinget bevilger midler. For 2024 (900 000 kr) er dette en intensjon", "imdi-decider",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("kind", ["rejection", "dismissal", "reversal"])
def test_l10_every_other_letter_says_what_was_decided_why_and_that_there_is_no_appeal(kind: str) -> None:
    given = Given(call_2023(), *OUTCOMES[kind])
    whole = {"decision": "Vedtak.", "grounds": "Fordi."}
    for block in whole:
        lacking = {name: text for name, text in whole.items() if name != block}
        given.when(STANDARD.saying(blocks=lacking)).refused(NotAllowed)
    given.when(STANDARD.saying(reservations={"no-appeal": " "})).refused(NotAllowed)
    given.when(STANDARD.saying(blocks=whole, reservations={"no-appeal": None})).then(LetterIssued)
    assert "kan ikke påklages" in issued(given).text
