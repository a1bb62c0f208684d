"""The worked calls of docs/calls.md: shown as they are, without findings, and each played through its life."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from calls_page import CHECKOUT, CONFIRMED, GROUNDS, NAMES, ROGALAND, WORKED, at, blocks, worked
from given import FRAME, OWN, STAVANGER, Given, Step

from grantflow.definitions import definition_files
from grantflow.domain import lifecycle as _with_every_command  # noqa: F401
from grantflow.domain.call import CALL, Call, DefinitionError
from grantflow.domain.errors import NotReady, PastDeadline, RulesFailed, SamePerson
from grantflow.domain.frame import Frame
from grantflow.inspection import inspect

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_shows_every_file_of_the_worked_calls_as_it_is() -> None:
    shown = {block.note: block.text for block in blocks(note="docs/calls/")}
    files = {
        str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8")
        for path in WORKED.rglob("*")
        if path.is_file()
    }
    assert {name.split("/")[2] for name in files} == set(NAMES)
    assert shown == files


@pytest.mark.parametrize("name", NAMES)
def test_a_worked_call_has_no_findings(name: str) -> None:
    assert inspect(WORKED / name) == []
    assert worked(name).id == name


def drafted(*sections: tuple[str, dict[str, Any]], on: datetime, area: str = "") -> tuple[Step, ...]:
    """Begun, each section filled in, approved."""
    return (
        Step("start", {"area": area} if area else {}).when(on),
        *(Step("edit", {"section": name, "content": content}) for name, content in sections),
        Step("approve", {"capacity": "municipal-director"}, role="director"),
    )


def declared(role: str) -> Step:
    return Step("declare-impartiality", {"conflict": False}, role=role)


def scored(*criteria: str) -> tuple[Step, ...]:
    return tuple(
        Step("score", {"criterion": one, "points": 5, "grounds": "Godt begrunnet."}, role="case-officer")
        for one in criteria
    )


def assessed(amount: str, *criteria: str) -> tuple[Step, ...]:
    closing = {"recommendation": "grant", "amount": amount, "grounds": "Blant de beste."}
    return declared("case-officer"), *scored(*criteria), Step("assess", closing, role="case-officer")


def granted(amount: str) -> Step:
    data = {
        "amount": amount,
        "grounds": GROUNDS,
        "confirmations": CONFIRMED,
        "authority": OWN["imdi-decider"],
    }
    return Step("grant", data, role="decider")


def paid(amount: str, on: datetime) -> tuple[Step, ...]:
    """The letter, the account, and the money, each by whom it is for; `on` is after the application deadline."""
    return (
        Step("issue-letter", role="decider").when(on),
        Step("register-account", {"account": "12345678903"}, role="case-officer"),
        declared("attestant"),
        Step("attest-payment", {"amount": amount}, role="attestant"),
        declared("payer"),
        Step("authorise-payment", role="payer"),
        Step("confirm-payment", {"bank_reference": "BANK-1"}, role="integration"),
    )


CAFE = ("project", {"title": "Kafé", "plan": "Hver onsdag.", "asked": "150000.00"})


def test_a_cafe_is_applied_for_granted_paid_reported_and_closed() -> None:
    call = worked("sprakkafe-2027")
    given = Given(
        call,
        *drafted(CAFE, on=at(1)),
        Step("submit"),
        *assessed("150000.00", "need"),
        declared("decider"),
        granted("150000.00"),
        *paid("150000.00", at(8, 3)),
    )
    assert given.case.state == "paid"
    expense = {"text": "Lokaler", "amount": "150000.00"}
    said = {"report": {"results": "40 deltakere."}, "accounts": {"expenses": [expense]}}
    report = given.and_then(Step("submit-report", said, role="project-lead").when(at(10, 12)))
    digest = {"digest": report.case.report.digest if report.case.report else ""}
    signed = report.and_then(
        Step("sign-accounts", digest, role="project-lead"),
        Step("countersign-accounts", digest, role="superior"),
        Step("accept-report", {"assessment": "I orden."}, role="case-officer"),
    )
    assert signed.case.state == "closed"


def test_a_cafe_can_not_cost_more_than_the_call_says() -> None:
    dear = ("project", {**CAFE[1], "asked": "200000.01"})
    draft = Given(worked("sprakkafe-2027"), *drafted(dear, on=at(1)))
    draft.when(Step("submit")).refused(RulesFailed, "at-most-200000")
    Given(worked("sprakkafe-2027")).when(Step("start").of("987879696")).refused(
        RulesFailed, "applicant-is-a-municipality"
    )


def regional(participants: int) -> tuple[tuple[str, dict[str, Any]], ...]:
    project = {"title": "Sammen", "plan": "Vi deler.", "participants": 60, "asked": "900000.00"}
    partner = {"organisation": STAVANGER, "participants": participants}
    return ("project", project), ("partners", {"organisations": [partner]})


def in_rogaland(*steps: Step) -> tuple[Step, ...]:
    """The same steps, those of the county on behalf of Rogaland."""
    municipal = ("applicant", "director")
    return tuple(step.of(ROGALAND) if step.role in municipal else step for step in steps)


def framed(call: Call) -> Frame:
    parts = {area: call.sub_frame(area) or 0 for area in call.areas}
    return Frame(id=FRAME, version=1, limit_ore=call.frame, areas=parts)


def test_a_county_applies_together_with_others_up_to_noon_and_is_granted() -> None:
    call = worked("samarbeid-2027")
    ready = in_rogaland(*drafted(*regional(40), on=at(1), area="regionalt"))
    submit = in_rogaland(Step("submit"))[0]
    noon = datetime(2027, 3, 1, 11, tzinfo=UTC)
    draft = Given(call, *ready, frame=framed(call))
    draft.when(submit.when(noon)).refused(PastDeadline)
    life = draft.and_then(
        submit.when(noon.replace(hour=10, minute=59)),
        *assessed("900000.00", "quality", "cooperation"),
        declared("decider"),
        granted("900000.00"),
        *paid("900000.00", at(8, 3)),
    )
    assert life.case.state == "paid"
    assert life.frame.left_in("regionalt") == 310_000_000
    assert life.frame.left_in("lokalt") == 600_000_000


def test_the_parties_jointly_need_a_hundred_participants_in_one_area_only() -> None:
    call = worked("samarbeid-2027")
    few = Given(call, *in_rogaland(*drafted(*regional(39), on=at(1), area="regionalt")))
    few.when(in_rogaland(Step("submit"))[0]).refused(RulesFailed, "jointly-100")
    local = Given(call, *drafted(*regional(0), on=at(1), area="lokalt"), Step("submit"), frame=framed(call))
    given = local.and_then(
        *assessed("900000.00", "quality", "local-need"), declared("decider"), granted("900000.00")
    )
    assert given.case.state == "granted"


def test_the_promised_answer_is_overdue_when_the_authority_is_late() -> None:
    call = worked("samarbeid-2027")
    submitted = Given(call, *drafted(*regional(0), on=at(1), area="lokalt"), Step("submit"))
    clock = Step("mark-overdue", {"deadline": "answer"}, role="clock", person="clock")
    marked = submitted.and_then(clock.when(datetime(2027, 5, 3, 22, tzinfo=UTC)))
    assert marked.case.state == "submitted"
    assert "answer" in marked.case.overdue


SKETCH = ("project", {"title": "Ny metode", "summary": "Slik gjør vi det.", "asked": "500000.00"})
FULL = ("project", {**SKETCH[1], "own": "100000.00"})


def invited() -> Given:
    """A sketch that was submitted, assessed and invited; the whole application is not filled in yet."""
    return Given(
        worked("skisser-2027"),
        *drafted(SKETCH, on=at(1, 1)),
        Step("submit"),
        *assessed("500000.00", "idea"),
        Step("invite", {"advice": "Vis budsjettet."}, role="case-officer"),
    )


def test_a_sketch_becomes_an_application_that_is_endorsed_and_granted() -> None:
    approve = Step("approve", {"capacity": "municipal-director"}, role="director")
    edit = Step("edit", {"section": FULL[0], "content": FULL[1]})
    closing = {"recommendation": "grant", "amount": "500000.00", "grounds": "Blant de beste."}
    full = invited().and_then(
        edit.when(at(1, 4)),
        approve,
        Step("submit"),
        *scored("quality"),
        Step("assess", closing, role="case-officer"),
        declared("decider"),
    )
    full.when(granted("500000.00")).refused(NotReady)
    endorse = Step("endorse", {"grounds": "Innstillingen er god."}, role="decider")
    full.and_then(endorse).when(granted("500000.00")).refused(SamePerson)
    head = "imdi-head"
    life = full.and_then(
        declared("decider").by(head),
        endorse.by(head),
        granted("500000.00"),
        *paid("500000.00", at(10, 5)),
    )
    assert life.case.state == "paid"


def test_the_rule_of_the_second_stage_is_not_asked_of_a_sketch() -> None:
    small = ("project", {**FULL[1], "own": "99999.99"})
    approve = Step("approve", {"capacity": "municipal-director"}, role="director")
    edit = Step("edit", {"section": small[0], "content": small[1]})
    invited().and_then(edit.when(at(1, 4)), approve).when(Step("submit")).refused(RulesFailed, "own-fifth")


def test_what_can_not_be_read_at_one_stage_refuses_the_submission_there(tmp_path: Path) -> None:
    """As the page warns of [application]: `has` asks about a field, and its section must be there."""
    shutil.copytree(WORKED / "skisser-2027", tmp_path / "call")
    file = tmp_path / "call" / CALL
    text = file.read_text(encoding="utf-8").replace("has(project.own)", "has(budget.own)")
    file.write_text(text, encoding="utf-8")
    call = Call.read(definition_files(file.parent))
    Given(call, *drafted(SKETCH, on=at(1, 1))).when(Step("submit")).refused(DefinitionError)
