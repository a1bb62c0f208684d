"""What the process declares of persons is needed: taken out, the person it refused is let through."""

from __future__ import annotations

import re
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from given import CASE, FRAME, IMDI, Given, Step
from steps import (
    ACCOUNT,
    ACCOUNTS,
    AFTER_DEADLINE,
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
    scores,
    sign,
    submitted,
)

from grantflow.domain.application import Application
from grantflow.domain.call import PROCESS, Call
from grantflow.domain.deciding import DIRECTORATE, MACHINES, Circumstances, Situation, admit
from grantflow.domain.errors import ImpartialityNotDeclared, Refused, SamePerson
from grantflow.domain.frame import Frame

if TYPE_CHECKING:
    from grantflow.domain import process

PERSON = "one-person"
REGISTER = Step("register-account", {"account": ACCOUNT}, role="case-officer")
RETURN = Step("return-report", {"reason": "Bilag 3 mangler."}, role="case-officer")
AGAIN = Step("submit-report", ACCOUNTS, role="project-lead")
GROUPS = [group.steps for group in call_2023().process.apart]
PAIRS = [(first, then, group) for group in GROUPS for first, then in permutations(group, 2)]


def without_apart(steps: tuple[str, ...]) -> Call:
    """The call whose process lets one person take these steps."""
    listed = ", ".join(f'"{step}"' for step in steps)
    return cut(rf"\[\[apart\]\]\nsteps = \[{listed}\]\n.*\n")


def without_impartiality(step: str) -> Call:
    """The call whose process opens a step to those who have declared nothing."""
    return cut(rf'(?<=id = "{step}"\n)((?:[^\[\n].*\n)*)impartial = true\n', r"\1")


def cut(pattern: str, kept: str = "") -> Call:
    """The call with this taken out of its process, where it stands once."""
    text, times = re.subn(pattern, kept, call_2023().files[PROCESS])
    assert times == 1, f"{pattern} is there {times} times"
    return Call.read({**call_2023().files, PROCESS: text})


def life() -> tuple[Step, ...]:
    """A whole life in which every step that is kept apart from another is taken, each by a person of its own."""
    report_of = Given(call_2023(), *paid(), AGAIN).case.report
    digest = report_of.digest if report_of else ""
    handled = (declared().when(AFTER_DEADLINE), declared().by(PERSON), REGISTER, *scores(), assess())
    paying = (letter(), declared("attestant"), attest(), declared("payer"), authorise(), confirm())
    signing = (AGAIN, sign(digest), countersign(digest))
    return (
        *submitted(),
        *handled,
        declared("decider"),
        grant(),
        *paying,
        *signing,
        RETURN,
        *signing,
        accept(),
    )


LIFE = life()
STEPS = {step.name: step for step in LIFE}


def attempts(call: Call, first: str, then: str) -> list[Refused | None]:
    """What came of it each time PERSON, having taken `first`, tried `then` where the process has an arrow for it."""
    given, answers = Given(call), []
    for step in LIFE:
        given = given.and_then(step.by(PERSON) if step.name == first else step)
        taken = PERSON in given.case.acts.get(first, ())
        if taken and call.process.target(then, given.case.state):
            answers.append(given.and_then().when(STEPS[then].by(PERSON)).refusal)
    return answers


def can_follow(call: Call, first: str, then: str) -> bool:
    """Whether the process has any path on which `then` is taken after `first`."""
    arrows = call.process.arrows
    reached = {target for _, step, target in arrows if step == first}
    while more := {target for source, _, target in arrows if source in reached} - reached:
        reached |= more
    return any(step == then and source in reached for source, step, _ in arrows)


@pytest.mark.parametrize(("first", "then", "group"), PAIRS)
def test_no_one_person_takes_two_steps_that_are_kept_apart(
    first: str, then: str, group: tuple[str, ...]
) -> None:
    answers = attempts(call_2023(), first, then)
    assert bool(answers) == can_follow(call_2023(), first, then)
    for answer in answers:
        assert isinstance(answer, SamePerson), answer
    if answers:
        opened = attempts(without_apart(group), first, then)
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


def test_every_step_of_the_directorates_people_asks_for_impartiality_but_the_declaration_and_more_time() -> (
    None
):
    """More time is given to drafts too, before there is a case to be partial in; a known conflict bars from it."""
    theirs = {
        step.id
        for step in call_2023().process.steps.values()
        if set(step.roles) & (DIRECTORATE - MACHINES) and not step.impartial
    }
    assert theirs == {"declare-impartiality", "extend-deadline"}
