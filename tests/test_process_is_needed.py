"""What the process declares of persons is needed: taken out, the person it refused is let through."""

from __future__ import annotations

import re
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from given import CASE, FRAME, IMDI, Given, Step
from reports import report_of
from steps import (
    ACCOUNT,
    ACCOUNTS,
    AFTER_DEADLINE,
    REDUCED,
    accept,
    assess,
    attest,
    authorise,
    call_2023,
    confirm,
    countersign,
    declared,
    grant,
    letter,
    paid,
    reduce,
    scores,
    sign,
    state_aid,
    submitted,
)

from grantflow.domain.admission import admit
from grantflow.domain.application import Application
from grantflow.domain.call import PROCESS, Call
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.command import Situation
from grantflow.domain.errors import ImpartialityNotDeclared, Refused, SamePerson, StepNotAllowed
from grantflow.domain.frame import Frame
from grantflow.domain.roles import DIRECTORATE, MACHINES

if TYPE_CHECKING:
    from grantflow.domain import process

PERSON, REDUCER = "one-person", "imdi-reducer"
REGISTER = Step("register-account", {"account": ACCOUNT}, role="case-officer")
RETURN = Step("return-report", {"reason": "Bilag 3 mangler."}, role="case-officer")
AGAIN = Step("submit-report", ACCOUNTS, role="project-lead")
GROUPS = [group.steps for group in call_2023().process.apart]
PAIRS = list(dict.fromkeys(pair for group in GROUPS for pair in permutations(group, 2)))


def without_apart(first: str, then: str) -> Call:
    """The call whose process lets one person take both steps: without each group that keeps them apart."""
    files = dict(call_2023().files)
    for group in GROUPS:
        if first in group and then in group:
            listed = ", ".join(f'"{step}"' for step in group)
            files[PROCESS] = cut(files[PROCESS], rf"\[\[apart\]\]\nsteps = \[{listed}\]\n.*\n")
    return Call.read(files)


def without_impartiality(step: str) -> Call:
    """The call whose process opens a step to those who have declared nothing."""
    files = call_2023().files
    pattern = rf'(?<=id = "{step}"\n)((?:[^\[\n].*\n)*)impartial = true\n'
    return Call.read({**files, PROCESS: cut(files[PROCESS], pattern, r"\1")})


def cut(process: str, pattern: str, kept: str = "") -> str:
    """A process with this taken out, where it stands once."""
    text, times = re.subn(pattern, kept, process)
    assert times == 1, f"{pattern} is there {times} times"
    return text


def life() -> tuple[Step, ...]:
    """A whole life in which every step that is kept apart from another is taken, each by a person of its own."""
    digest = report_of(Given(call_2023(), *paid(), AGAIN)).digest
    handled = (
        declared().when(AFTER_DEADLINE),
        declared().by(PERSON),
        REGISTER,
        *scores(),
        state_aid(),
        assess(),
    )
    deciding = (declared("decider"), grant(), declared("decider").by(REDUCER), reduce())
    paying = (letter(), declared("attestant"), attest(REDUCED), declared("payer"), authorise(), confirm())
    signing = (AGAIN, sign(digest), countersign(digest))
    return (
        *submitted(),
        *handled,
        *deciding,
        *paying,
        *signing,
        RETURN,
        *signing,
        accept(),
    )


LIFE = life()
STEPS = {step.name: step for step in LIFE}


def attempts(call: Call, first: str, then: str) -> list[Refused | None]:
    """What came of it each time PERSON, having taken `first`, tried `then` where the process has an arrow for it.

    Tried at each instant of the life, and in each state that the case could still come to by some other way.
    """
    given, answers, visited = Given(call), [], set()
    for step in LIFE:
        given = given.and_then(step.decided_by(PERSON) if step.name == first else step)
        if PERSON in given.case.acts.get(first, ()):
            visited.add(given.case.state)
            answers.append(attempt(given, then))
    for state in sorted(still_to_come(call, first) - visited):
        elsewhere = given.and_then()
        elsewhere.case = elsewhere.case.but(state=state)
        answers.append(attempt(elsewhere, then))
    return [answer for answer in answers if not isinstance(answer, StepNotAllowed)]


def attempt(given: Given, then: str) -> Refused | None:
    """What comes of it when PERSON tries this step now."""
    return given.and_then().when(STEPS[then].decided_by(PERSON)).refusal


def still_to_come(call: Call, first: str) -> set[str]:
    """The states that the process can bring a case to once `first` is taken."""
    arrows = call.process.arrows
    reached = {target for _, step, target in arrows if step == first}
    while more := {target for source, _, target in arrows if source in reached} - reached:
        reached |= more
    return reached


def can_follow(call: Call, first: str, then: str) -> bool:
    """Whether the process has any path on which `then` is taken after `first`."""
    reached = still_to_come(call, first)
    return any(step == then and source in reached for source, step, _ in call.process.arrows)


@pytest.mark.parametrize(("first", "then"), PAIRS)
def test_no_one_person_takes_two_steps_that_are_kept_apart(first: str, then: str) -> None:
    answers = attempts(call_2023(), first, then)
    assert bool(answers) == can_follow(call_2023(), first, then)
    for answer in answers:
        assert isinstance(answer, SamePerson), answer
    if answers:
        opened = attempts(without_apart(first, then), first, then)
        assert not any(isinstance(answer, SamePerson) for answer in opened), (
            "the declaration makes no difference"
        )


IMPARTIAL = [step for step in call_2023().process.steps.values() if step.impartial]


def stranger(call: Call, step: process.Step) -> Situation:
    """Somebody of the directorate, who has declared nothing, is about to take this step where the process lets them."""
    role = next(role for role in step.roles if role in DIRECTORATE - MACHINES)
    by = Circumstances(
        at=AFTER_DEADLINE, person="stranger", organisation=IMDI, role=role, channel="test", command="c"
    )
    case = Application(id=CASE, version=1, state=next(iter(step.moves)), call=call.id)
    return Situation(call, case, Frame(id=FRAME), by, step.id)


@pytest.mark.parametrize("step", IMPARTIAL, ids=[step.id for step in IMPARTIAL])
def test_impartiality_is_asked_for_because_the_step_says_so(step: process.Step) -> None:
    with pytest.raises(ImpartialityNotDeclared):
        admit(stranger(call_2023(), step))
    admit(stranger(without_impartiality(step.id), step))


def test_every_step_of_the_directorates_people_asks_for_impartiality_unless_nothing_is_prepared_in_it() -> (
    None
):
    """The declaration itself; more time and another definition, which drafts get too; that a complaint has come.

    A draft is no case to be partial in yet, and a complaint may be written down by the municipality as well. A known
    conflict bars from them all.
    """
    theirs = {
        step.id
        for step in call_2023().process.steps.values()
        if set(step.roles) & (DIRECTORATE - MACHINES) and not step.impartial
    }
    assert theirs == {"declare-impartiality", "extend-deadline", "move-to-revision", "register-complaint"}
