"""Submission and what may come instead of it: receipt, withdrawal, lapse, more time (R4, R29, R33, R35)."""

from datetime import UTC, datetime, timedelta

import pytest
from given import DEADLINE, REPORT_DEADLINE, STAVANGER, Given, Step
from steps import (
    AFTER_DEADLINE,
    approved,
    assessed,
    call_2023,
    declared,
    drafted,
    edited,
    granted,
    paid,
    reject,
    started,
    submit,
    submitted,
)

from grantflow.domain.call import CALL, PROCESS, Call
from grantflow.domain.drafting import ApplicationStarted, SectionEdited
from grantflow.domain.errors import (
    BadRequest,
    ClockBehind,
    Disqualified,
    NotAllowed,
    NotFound,
    NothingDue,
    NotTheAuthority,
    PastDeadline,
    RoleNotAllowed,
    StepNotAllowed,
)
from grantflow.domain.followup import DeadlineExtended
from grantflow.domain.submission import (
    ApplicationLapsed,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    ReceiptIssued,
)

TOLERANCE = timedelta(seconds=5)


def withdraw(reason: str = "Kommunen har ikke kapasitet.") -> Step:
    return Step("withdraw", {"reason": reason})


def lapse(deadline: str = "application") -> Step:
    return Step("lapse", {"deadline": deadline}, role="clock", person="clock").when(DEADLINE)


def extend(until: str = "2023-09-04", deadline: str = "application") -> Step:
    data = {"deadline": deadline, "until": until, "reason": "Portalen var nede 28. august."}
    return Step("extend-deadline", data, role="case-officer")


def test_the_receipt_comes_in_the_same_instant_as_the_submission() -> None:
    outcome = Given(call_2023(), *drafted(), approved()).when(submit())
    outcome.then(ApplicationSubmitted, ReceiptIssued)
    application, receipt = outcome.events
    assert isinstance(application, ApplicationSubmitted)
    assert isinstance(receipt, ReceiptIssued)
    assert receipt.content == application.content
    assert receipt.received_at == receipt.stamp.recorded_at == application.stamp.recorded_at


def test_r33_nothing_is_edited_after_submission() -> None:
    Given(call_2023(), *submitted()).when(edited("project", title="For sent")).refused(StepNotAllowed)


def test_r33_nothing_is_submitted_twice() -> None:
    Given(call_2023(), *submitted()).when(submit()).refused(StepNotAllowed)


def test_r35_a_case_is_bound_to_the_definition_it_began_under() -> None:
    outcome = Given(call_2023()).when(started())
    case = outcome.then(ApplicationStarted)
    assert (case.call, case.definition) == ("imdi-2023-tillegg", call_2023().digest)


@pytest.mark.parametrize("name", sorted(call_2023().files))
def test_r35_a_change_in_any_file_of_the_definition_is_another_definition(name: str) -> None:
    files = call_2023().files
    assert Call.read({**files, name: files[name] + "\n"}).digest != call_2023().digest


def test_r35_an_ambiguity_settled_otherwise_is_another_definition() -> None:
    files = call_2023().files
    settled = "Yes: the text does not forbid it."
    other = {**files, CALL: files[CALL].replace(settled, "No.")}
    assert {assumption.id for assumption in call_2023().assumptions} >= {"end-of-day", "unit-of-the-frame"}
    assert all(a.question and a.settled and a.source for a in call_2023().assumptions)
    assert Call.read(other).digest != call_2023().digest


def test_r35_what_a_director_approves_includes_the_definition() -> None:
    case = Given(call_2023(), *drafted()).case
    assert case.but(definition="another").content_digest != case.content_digest


@pytest.mark.parametrize("history", [drafted(), (*drafted(), approved()), submitted(), assessed()], ids=len)
def test_an_applicant_withdraws_before_the_decision_and_nothing_is_deleted(history: tuple[Step, ...]) -> None:
    given = Given(call_2023(), *history)
    before = given.case.content
    case = given.when(withdraw()).then(ApplicationWithdrawn)
    assert (case.state, case.content) == ("withdrawn", before)


@pytest.mark.parametrize("history", [granted(), (*assessed(), declared("decider"), reject()), paid()])
def test_nothing_is_withdrawn_after_the_decision(history: tuple[Step, ...]) -> None:
    Given(call_2023(), *history).when(withdraw()).refused(StepNotAllowed)


def test_a_withdrawal_says_why() -> None:
    Given(call_2023(), *submitted()).when(withdraw(" ")).refused(BadRequest)


def test_a_reason_has_an_end() -> None:
    given = Given(call_2023(), *submitted())
    given.when(withdraw("x" * 20_001)).refused(BadRequest)
    given.when(withdraw("x" * 20_000)).then(ApplicationWithdrawn)


def test_a_withdrawn_case_has_ended() -> None:
    given = Given(call_2023(), *drafted(), withdraw())
    given.when(approved()).refused(StepNotAllowed)
    given.when(lapse()).refused(StepNotAllowed)


def test_r4_a_draft_lapses_at_the_deadline_and_not_a_microsecond_before() -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.when(lapse().when(DEADLINE - timedelta(microseconds=1))).refused(NothingDue)
    outcome = given.when(lapse())
    assert outcome.then(ApplicationLapsed).state == "lapsed"
    event = outcome.events[0]
    assert isinstance(event, ApplicationLapsed)
    assert event.due_at == DEADLINE


@pytest.mark.parametrize("deadline", ["report", "no-such-deadline"])
def test_a_draft_lapses_by_no_other_deadline(deadline: str) -> None:
    Given(call_2023(), *drafted()).when(lapse(deadline).when(REPORT_DEADLINE)).refused(NothingDue)


def test_what_is_submitted_does_not_lapse() -> None:
    Given(call_2023(), *submitted()).when(lapse()).refused(StepNotAllowed)


def test_only_the_clock_makes_a_case_lapse() -> None:
    Given(call_2023(), *drafted()).when(lapse().by("imdi-case-officer", "case-officer")).refused(
        RoleNotAllowed
    )


def test_r4_more_time_given_before_the_deadline_moves_it_for_this_case() -> None:
    given = Given(call_2023(), *drafted(), approved(), extend())
    event = given.events[-1]
    assert isinstance(event, DeadlineExtended)
    assert not event.after_the_fact
    given.when(lapse()).refused(NothingDue)
    given.when(submit().when(DEADLINE)).then(ApplicationSubmitted, ReceiptIssued)


def test_r4_the_extended_deadline_too_ends_with_its_day_in_oslo() -> None:
    given = Given(call_2023(), *drafted(), approved(), extend("2023-09-04"))
    given.when(submit().when(datetime(2023, 9, 4, 22, 0, tzinfo=UTC))).refused(PastDeadline)
    given.when(submit().when(datetime(2023, 9, 4, 21, 59, 59, tzinfo=UTC))).then(
        ApplicationSubmitted, ReceiptIssued
    )


def test_a_lapsed_case_given_more_time_is_a_draft_again_and_says_that_it_came_afterwards() -> None:
    given = Given(call_2023(), *drafted(), lapse())
    outcome = given.when(extend().when(DEADLINE + timedelta(hours=10)))
    assert outcome.then(DeadlineExtended).state == "draft"
    event = outcome.events[0]
    assert isinstance(event, DeadlineExtended)
    assert event.after_the_fact
    given.and_then(approved()).when(submit()).then(ApplicationSubmitted, ReceiptIssued)


def test_more_time_must_be_more_time() -> None:
    Given(call_2023(), *drafted()).when(extend("2023-08-28")).refused(NotAllowed)
    Given(call_2023(), *drafted(), lapse()).when(extend("2023-08-29").when(AFTER_DEADLINE)).refused(
        NotAllowed
    )


def test_more_time_says_why() -> None:
    Given(call_2023(), *drafted()).when(extend().saying(reason="")).refused(BadRequest)


def test_more_time_for_a_deadline_that_the_call_does_not_have_is_refused_with_those_it_has() -> None:
    refusal = Given(call_2023(), *drafted()).when(extend(deadline="appeal")).refused(NotFound)
    assert "application, report" in refusal.detail


def test_more_time_for_what_a_case_does_not_wait_for_is_refused() -> None:
    Given(call_2023(), *drafted()).when(extend("2024-03-01", "report")).refused(NotAllowed)
    Given(call_2023(), *drafted(), lapse()).when(extend("2024-03-01", "report")).refused(NotAllowed)
    Given(call_2023(), *paid()).when(extend("2024-03-01", "application")).refused(NotAllowed)


def test_more_time_to_apply_is_not_for_what_is_submitted() -> None:
    Given(call_2023(), *submitted()).when(extend()).refused(StepNotAllowed)


def test_an_applicant_gives_itself_no_more_time() -> None:
    Given(call_2023(), *drafted()).when(extend().by("p", "applicant")).refused(RoleNotAllowed)


def test_more_time_to_report_is_not_given_by_somebody_with_a_conflict() -> None:
    given = Given(call_2023(), *paid())
    kin = declared(conflict=True).by("p-kin")
    given.and_then(kin).when(extend("2024-03-01", "report").by("p-kin")).refused(Disqualified)


def test_a_command_from_a_clock_that_runs_behind_is_refused_beyond_what_clocks_may_differ() -> None:
    given = Given(call_2023(), *drafted())
    given.when(edited("project", title="Før").when(given.now - TOLERANCE * 2)).refused(ClockBehind)
    given.when(edited("project", title="Omtrent samtidig").when(given.now - TOLERANCE)).then(SectionEdited)
    stamps = [event.stamp.recorded_at for event in given.events]
    assert stamps == sorted(stamps)


def test_a_directorates_role_is_only_for_the_directorate_behind_the_call() -> None:
    Given(call_2023(), *submitted()).when(declared().of(STAVANGER)).refused(NotTheAuthority)


def test_a_step_that_nobody_knows_is_refused_with_those_there_are() -> None:
    refusal = Given(call_2023(), *drafted()).when(Step("teleport")).refused(NotFound)
    assert "withdraw" in refusal.detail


def test_a_step_that_the_calls_process_does_not_have_is_refused() -> None:
    files = call_2023().files
    text = files[PROCESS].replace('id = "withdraw"', 'id = "step-aside"')
    Given(Call.read({**files, PROCESS: text}), *drafted()).when(withdraw()).refused(NotFound)
