"""The worked calls of docs/calls.md: shown as they are, without findings, and each played through its life."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from calls_page import (
    CHECKOUT,
    CONFIRMED,
    GROUNDS,
    NAMES,
    ROGALAND,
    WORKED,
    at,
    blocks,
    made_on_the_page,
    without,
    worked,
)
from given import FRAME, OWN, STAVANGER, Given, Step

from grantflow.definitions import definition_files
from grantflow.domain import lifecycle as _with_every_command  # noqa: F401
from grantflow.domain.call import CALL, PROCESS, Call, DefinitionError
from grantflow.domain.errors import NotAllowed, NotFound, NotReady, PastDeadline, RulesFailed, SamePerson
from grantflow.domain.frame import Frame
from grantflow.domain.letters import LetterIssued
from grantflow.domain.payment import PaymentAttested
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


def in_the_smallest(tmp_path: Path) -> Call:
    return Call.read(definition_files(made_on_the_page(tmp_path, "minst")))


def test_the_smallest_process_leads_to_money_and_lacks_nothing_that_check_asks_for(tmp_path: Path) -> None:
    call = in_the_smallest(tmp_path)
    draft = Given(call, *drafted(*regional(0), on=at(1), area="lokalt"), frame=framed(call))
    assert draft.case.state == "draft"
    life = draft.and_then(
        Step("submit"),
        *assessed("900000.00", "quality", "local-need"),
        declared("decider"),
        granted("900000.00"),
        *paid("900000.00", at(8, 3)),
    )
    assert life.case.state == "paid"
    file = tmp_path / "minst" / PROCESS
    whole = file.read_text(encoding="utf-8")
    for step in call.process.steps:
        file.write_text(without(whole, step), encoding="utf-8")
        assert (inspect(file.parent) == []) is (step == "edit"), step


def test_a_trial_needs_no_waiting_in_a_process_that_is_given_more_time_for_it(tmp_path: Path) -> None:
    """As question 10.4 says: submitting goes by the case's own limit, paying by the call's."""
    folder = made_on_the_page(tmp_path, "minst")
    file = folder / PROCESS
    name = '{ nb = "Utsett", nn = "Utset" }'
    step = f'{{ id = "extend-deadline", name = {name}, moves = {{ draft = "draft" }}, roles = ["case-officer"] }}'
    file.write_text(file.read_text("utf-8").replace("steps = [\n", f"steps = [\n  {step},\n", 1), "utf-8")
    assert inspect(folder) == []
    call, late = Call.read(definition_files(folder)), at(10, 8)
    draft = Given(call, *drafted(*regional(0), on=late, area="lokalt"), frame=framed(call))
    draft.when(Step("submit")).refused(PastDeadline)
    more = {"deadline": "application", "until": "2099-12-31", "reason": "Prøve."}
    life = draft.and_then(
        Step("extend-deadline", more, role="case-officer"),
        Step("submit"),
        *assessed("900000.00", "quality", "local-need"),
        declared("decider"),
        granted("900000.00"),
        *paid("900000.00", at(11, 8)),
    )
    assert life.case.state == "paid"


def both_ways(call: Call) -> tuple[Given, Given]:
    """One application in each of the areas, assessed in the first round."""
    local = Given(call, *drafted(*regional(0), on=at(1), area="lokalt"), Step("submit"), frame=framed(call))
    county = in_rogaland(*drafted(*regional(40), on=at(1), area="regionalt"), Step("submit"))
    return (
        local.and_then(*assessed("900000.00", "quality", "local-need"), declared("decider")),
        Given(call, *county, frame=framed(call)).and_then(
            *assessed("900000.00", "quality", "cooperation"), declared("decider")
        ),
    )


def test_one_area_alone_has_a_second_stage_and_only_its_full_applications_are_granted(tmp_path: Path) -> None:
    folder = made_on_the_page(tmp_path, "to-trinn")
    local, county = both_ways(Call.read(definition_files(folder)))
    assert local.and_then(granted("900000.00")).case.state == "granted"
    local.when(Step("invite", {"advice": "Nei."}, role="case-officer")).refused(NotFound)
    county.when(granted("900000.00")).refused(RulesFailed, "only-full-applications")
    project, _ = regional(40)
    full = {**project[1], "plan": "Vi deler mer."}
    closing = {"recommendation": "grant", "amount": "900000.00", "grounds": "Blant de beste."}
    life = county.and_then(
        Step("invite", {"advice": "Si mer."}, role="case-officer"),
        *in_rogaland(
            Step("edit", {"section": "project", "content": full}).when(at(1, 5)),
            Step("approve", {"capacity": "municipal-director"}, role="director"),
            Step("submit"),
        ),
        *scored("quality", "cooperation"),
        Step("assess", closing, role="case-officer"),
        granted("900000.00"),
        *paid("900000.00", at(8, 6)),
    )
    assert life.case.state == "paid"


def test_without_its_rule_a_sketch_could_be_granted_and_check_can_not_see_it(tmp_path: Path) -> None:
    folder = made_on_the_page(tmp_path, "to-trinn")
    text = (folder / CALL).read_text(encoding="utf-8")
    (folder / CALL).write_text(text.partition('\n[[rules]]\nid = "only-full')[0], encoding="utf-8")
    assert inspect(folder) == []
    _, county = both_ways(Call.read(definition_files(folder)))
    assert county.and_then(granted("900000.00")).case.state == "granted"


def test_where_nothing_is_scored_the_assessment_is_at_zero(tmp_path: Path) -> None:
    shutil.copytree(WORKED / "skisser-2027", tmp_path / "call")
    file = tmp_path / "call" / CALL
    text = file.read_text(encoding="utf-8")
    idea = text[text.index('[[criteria]]\nid = "idea"') : text.index('[[criteria]]\nid = "quality"')]
    file.write_text(text.replace(idea, ""), encoding="utf-8")
    assert inspect(file.parent) == []
    call = Call.read(definition_files(file.parent))
    case = Given(call, *drafted(SKETCH, on=at(1, 1)), Step("submit"), *assessed("500000.00")).case
    assert case.assessment is not None
    assert str(case.assessment.score) == "0.00"


def test_what_somebody_writes_in_a_letter_is_taken_as_it_stands() -> None:
    given = Given(
        worked("sprakkafe-2027"),
        *drafted(CAFE, on=at(1)),
        Step("submit"),
        *assessed("150000.00", "need"),
        declared("decider"),
        granted("150000.00"),
    )
    own: dict[str, str | None] = {"amount": "Det blir $amount.", "purpose": None}
    part = given.when(Step("issue-letter", {"blocks": own}, role="decider")).refused(NotAllowed)
    assert "null for the standard text" in part.detail
    assert "missing: payment, conditions, consequences" in part.detail
    own |= {"payment": None, "conditions": None, "consequences": None}
    told = given.and_then(Step("issue-letter", {"blocks": own}, role="decider")).events[-1]
    assert isinstance(told, LetterIssued)
    assert "Det blir $amount." in told.text
    assert "Tilskuddet går til «Kafé»" in told.text


def test_what_is_attested_twice_is_told_twice_and_paid_once() -> None:
    life = Given(
        worked("sprakkafe-2027"),
        *drafted(CAFE, on=at(1)),
        Step("submit"),
        *assessed("150000.00", "need"),
        declared("decider"),
        granted("150000.00"),
        *(paying := paid("150000.00", at(8, 3)))[:4],
        *paying[3:],
    )
    assert sum(isinstance(event, PaymentAttested) for event in life.events) == 2
    assert life.case.paid_ore == 15_000_000


def test_dates_of_deadlines_are_in_any_order_but_for_the_reports(tmp_path: Path) -> None:
    folder = tmp_path / "call"
    shutil.copytree(WORKED / "samarbeid-2027", folder)
    text = (folder / CALL).read_text(encoding="utf-8")
    (folder / CALL).write_text(text.replace("2027-05-03", "2027-02-01"), encoding="utf-8")
    assert inspect(folder) == []
    shutil.rmtree(folder)
    shutil.copytree(WORKED / "sprakkafe-2027", folder)
    text = (folder / CALL).read_text(encoding="utf-8")
    (folder / CALL).write_text(text.replace("2028-02-01", "2027-02-01"), encoding="utf-8")
    assert len(inspect(folder)) == 1


def test_what_can_not_be_read_at_one_stage_refuses_the_submission_there(tmp_path: Path) -> None:
    """As the page warns of [application]: `has` asks about a field, and its section must be there."""
    shutil.copytree(WORKED / "skisser-2027", tmp_path / "call")
    file = tmp_path / "call" / CALL
    text = file.read_text(encoding="utf-8").replace("has(project.own)", "has(budget.own)")
    file.write_text(text, encoding="utf-8")
    call = Call.read(definition_files(file.parent))
    Given(call, *drafted(SKETCH, on=at(1, 1))).when(Step("submit")).refused(DefinitionError)
