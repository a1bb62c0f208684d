"""Impartiality, in preparing and in deciding; and those directly under somebody disqualified (L2, fvl §§ 6-10)."""

from datetime import UTC, datetime, timedelta

import pytest
from given import Given, Step, delegated
from reports import report_of
from steps import (
    GROUNDS,
    accept,
    assess,
    assessed,
    attest,
    authorise,
    call_2023,
    countersign,
    declared,
    grant,
    granted,
    letter,
    paid,
    reject,
    report,
    scored,
    scores,
    sign,
    state_aid,
    submitted,
)

from grantflow.domain.assessment import CaseAssessed
from grantflow.domain.authority import Authorities, Line
from grantflow.domain.casework import CaseAssigned, ImpartialityDeclared
from grantflow.domain.command import COMMANDS
from grantflow.domain.decision import ApplicationGranted, ApplicationRejected
from grantflow.domain.errors import (
    BadRequest,
    Disqualified,
    ImpartialityNotDeclared,
    NotAllowed,
    NotReady,
    SuperiorDisqualified,
)
from grantflow.domain.frame import FrameCommitted

LONG_AGO = datetime(2022, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
HEAD, DECIDER, OFFICER = "imdi-head", "imdi-decider", "imdi-case-officer"
ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
CONDITION = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2024-02-01"}
BY_HEAD = declared("decider", conflict=True).by(HEAD)
CHEAPER = {"expenses": [{"text": "Leder", "booked_on": "2023-11-30", "amount": "1.00", "class": "project"}]}


def answering_to(person: str, *lines: tuple[str, datetime]) -> Authorities:
    """The tests' delegations, and whom a person has answered to since when."""
    return delegated(call_2023()).but(
        lines={person: tuple(Line(superior, since) for superior, since in lines)}
    )


def to_decide(*lines: tuple[str, datetime]) -> Given:
    """An assessed case whose decider answers to these, and where the head of the department is disqualified."""
    given = Given(call_2023(), *assessed(), declared("decider"), authorities=answering_to(DECIDER, *lines))
    return given.and_then(BY_HEAD)


def unspent() -> tuple[Step, ...]:
    """A case whose report leaves money to be claimed, of which notice is given and answered."""
    steps = (*paid(), report(accounts=CHEAPER))
    digest = report_of(Given(call_2023(), *steps)).digest
    notice = {"answer_by": "2024-03-01", "reason": "Midlene er ikke brukt."}
    return (
        *steps,
        sign(digest),
        countersign(digest),
        accept(),
        Step("notify-repayment", notice, role="case-officer"),
        Step("answer-notice", {"answer": "Vi betaler."}),
    )


def deciding(name: str, **data: object) -> Step:
    return Step(name, data, role="decider")


REJECTED = (*assessed(), declared("decider"), reject())
DECISIONS: dict[str, tuple[tuple[Step, ...], Step]] = {
    "grant": ((*assessed(), declared("decider")), grant()),
    "reject": ((*assessed(), declared("decider")), reject()),
    "dismiss": ((*assessed(), declared("decider")), deciding("dismiss", cause="too-late", **ON)),
    "reverse": (REJECTED, deciding("reverse", case_of_35="not-told", **ON)),
    "reduce": (granted(), deciding("reduce", amount="1.00", case_of_35="invalid", **ON)),
    "claim-repayment": (
        unspent(),
        deciding("claim-repayment", due="2024-04-01", reason="Ubrukt.", authority="IMDi-2023-014"),
    ),
    "waive-condition": (
        granted(conditions=[CONDITION]),
        deciding("waive-condition", condition="metodehefte", reason="Ikke lenger aktuelt."),
    ),
    "answer-complaint": (
        (*REJECTED, Step("register-complaint", {"text": "Uenig."})),
        deciding("answer-complaint", complaint=1, outcome="not-reversed", answer="Nei."),
    ),
}
"""Every step that decides something in a case, with a history in which it can be taken."""

TOUCHES = [
    ("score", submitted(), scored("purpose")),
    ("score as assessor", submitted(), scored("purpose").by("imdi-assessor", "assessor")),
    ("state aid", submitted(), state_aid()),
    ("grant", assessed(), grant()),
    ("reject", assessed(), reject()),
    ("letter", granted(), letter().by("other-decider")),
    ("attest", (*granted(), letter()), attest()),
    ("authorise", (*granted(), letter(), declared("attestant"), attest()), authorise()),
]


@pytest.mark.parametrize(("history", "step"), [row[1:] for row in TOUCHES], ids=[row[0] for row in TOUCHES])
def test_l2_nobody_prepares_decides_or_pays_before_declaring_and_nobody_after_a_conflict(
    history: tuple[Step, ...], step: Step
) -> None:
    given = Given(call_2023(), *history)
    given.when(step).refused(ImpartialityNotDeclared)
    person = step.person or f"imdi-{step.role}"
    conflict = declared(step.role, conflict=True).by(person)
    given.and_then(conflict).when(step).refused(Disqualified)


def test_l2_a_conflict_says_why_and_is_not_taken_back() -> None:
    given = Given(call_2023(), *submitted())
    given.when(declared(conflict=True).saying(reason=" ")).refused(BadRequest)
    given.when(declared(conflict=True)).then(ImpartialityDeclared)
    given.when(declared()).refused(Disqualified)


def test_l2_a_conflict_in_one_case_bars_nobody_in_another() -> None:
    Given(call_2023(), *submitted(), declared(conflict=True))
    Given(call_2023(), *submitted(), declared(), scored("purpose"))


def test_l2_a_case_is_not_given_to_somebody_disqualified() -> None:
    given = Given(call_2023(), *submitted(), declared(), declared(conflict=True).by("imdi-other"))
    assign = Step("assign", {"case_officer": "imdi-other"}, role="case-officer")
    given.when(assign).refused(NotAllowed)
    given.when(assign.saying(case_officer=OFFICER)).then(CaseAssigned)


def test_l2_the_points_of_somebody_who_turns_out_to_be_disqualified_do_not_count() -> None:
    assessor = "imdi-assessor"
    given = Given(call_2023(), *submitted(), declared(), declared("assessor"))
    given = given.and_then(*(step.by(assessor, "assessor") for step in scores()))
    given = given.and_then(declared("assessor", conflict=True))
    given.when(assess()).refused(NotReady)
    given.and_then(*scores()).when(assess()).then(CaseAssessed)


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_l2_whoever_answers_directly_to_somebody_disqualified_can_not_decide(name: str) -> None:
    history, step = DECISIONS[name]
    given = Given(call_2023(), *history, authorities=answering_to(DECIDER, (HEAD, LONG_AGO)))
    given.and_then(declared("decider").by(HEAD), step)
    given.and_then(BY_HEAD).when(step).refused(SuperiorDisqualified)


def test_l2_each_step_that_looks_up_a_written_authority_at_the_directorate_looks_up_the_line_too() -> None:
    on_authority = {step for step, kind in COMMANDS.items() if "authority" in kind.__struct_fields__}
    assert on_authority == {"grant", "reject", "dismiss", "reverse", "reduce", "claim-repayment"}
    assert {step for step in on_authority if not COMMANDS[step].binding} == set()


def test_l2_those_under_somebody_disqualified_still_prepare() -> None:
    lines = answering_to(OFFICER, (HEAD, LONG_AGO))
    given = Given(call_2023(), *submitted(), declared(), BY_HEAD, authorities=lines)
    given.and_then(*scores()).when(assess()).then(CaseAssessed)


def test_l2_somebody_who_does_not_answer_to_the_disqualified_decides_instead() -> None:
    given = to_decide((HEAD, LONG_AGO))
    other = grant(authority="IMDi-2023-015").by("other-decider")
    given.and_then(declared("decider").by("other-decider")).when(other).then(
        FrameCommitted, ApplicationGranted
    )


def test_l2_a_disqualified_superior_two_levels_up_bars_nobody() -> None:
    lines = delegated(call_2023()).but(
        lines={DECIDER: (Line("imdi-middle", LONG_AGO),), "imdi-middle": (Line(HEAD, LONG_AGO),)}
    )
    given = Given(call_2023(), *assessed(), declared("decider"), BY_HEAD, authorities=lines)
    given.when(reject()).then(ApplicationRejected)


def test_l2_a_superior_who_has_declared_nothing_bars_nobody() -> None:
    lines = answering_to(DECIDER, (HEAD, LONG_AGO))
    given = Given(call_2023(), *assessed(), declared("decider"), authorities=lines)
    given.when(reject()).then(ApplicationRejected)


def test_l2_whom_somebody_answers_to_is_looked_up_at_the_instant_of_the_decision() -> None:
    begins, ends = datetime(2023, 10, 1, tzinfo=UTC), datetime(2023, 11, 1, tzinfo=UTC)
    lines = (("imdi-before", LONG_AGO), (HEAD, begins), ("", ends))
    for at in (begins - MICROSECOND, ends):
        to_decide(*lines).when(reject().when(at)).then(ApplicationRejected)
    for at in (begins, ends - MICROSECOND):
        to_decide(*lines).when(reject().when(at)).refused(SuperiorDisqualified)
