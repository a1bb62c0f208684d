"""The rules for what is applied for (R1, R5-R13, R15, R18-R21): what breaks one is refused by that one alone."""

from typing import Any

import pytest
from given import OSLO_KOMMUNE, STAVANGER, Given
from steps import CONTENT, approved, call_2023, drafted, edited, started, submit, submitted

from grantflow.domain.errors import RulesFailed
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued

LINE, OTHER_LINE = CONTENT["budget"]["lines"]
COMPANY, COUNTY = "987879696", "971045698"
EIGERSUND = "944496394"


def accepts(**changes: dict[str, Any]) -> None:
    """An application with these fields changed goes in."""
    Given(call_2023(), *drafted(**changes), approved()).when(submit()).then(
        ApplicationSubmitted, ReceiptIssued
    )


def refuses(rule: str, **changes: dict[str, Any]) -> None:
    """An application with these fields changed is refused by this rule, and by no other."""
    Given(call_2023(), *drafted(**changes), approved()).when(submit()).refused(RulesFailed, rule)


def partners(*numbers: str) -> dict[str, Any]:
    return {"organisations": [{"organisation": number, "role": "Samarbeidspart"} for number in numbers]}


def people(introduction: int, integration: int = 0, chapter_6a: int = 0, other: int = 0) -> dict[str, Any]:
    groups = {
        "introduction_act": introduction,
        "integration_act": integration,
        "chapter_6a": chapter_6a,
        "other": other,
    }
    return {"participants": sum(groups.values()), "target_groups": groups}


def test_a_good_application_is_accepted() -> None:
    accepts()


@pytest.mark.parametrize("area", [1, 5, 7])
def test_r1_another_priority_area_than_6_is_refused(area: int) -> None:
    refuses("priority-area-6", project={"priority_area": area})


@pytest.mark.parametrize("participants", [23, 25])
def test_r5_target_groups_that_do_not_add_up_to_the_participants_are_refused(participants: int) -> None:
    refuses("target-group-adds-up", project={"participants": participants})


@pytest.mark.parametrize("applicant", [COMPANY, COUNTY, "958935421", "12345678901"])
def test_r6_nobody_but_a_municipality_begins_an_application(applicant: str) -> None:
    Given(call_2023()).when(started().of(applicant)).refused(RulesFailed, "applicant-is-a-municipality")


def test_r6_a_municipality_begins_one_and_is_named_by_the_register() -> None:
    given = Given(call_2023(), started().of(STAVANGER))
    assert (given.case.applicant.name, given.case.applicant.county) == ("Stavanger", "Rogaland")


def test_r7_municipalities_may_apply_together() -> None:
    accepts(partners=partners(STAVANGER, EIGERSUND))


@pytest.mark.parametrize("partner", [COMPANY, COUNTY])
def test_r7_a_partner_that_is_no_municipality_is_refused(partner: str) -> None:
    refuses("partners-are-municipalities", partners=partners(STAVANGER, partner))


def test_r7_a_partner_listed_twice_is_refused() -> None:
    refuses("partners-are-others", partners=partners(STAVANGER, STAVANGER))


def test_r7_the_applicant_as_its_own_partner_is_refused() -> None:
    refuses("partners-are-others", partners=partners(OSLO_KOMMUNE))


def test_r7_a_joint_application_whose_applicant_takes_no_responsibility_is_refused() -> None:
    nobody = {"takes_responsibility": False}
    refuses("applicant-takes-responsibility", partners=partners(STAVANGER), declarations=nobody)
    accepts(declarations=nobody)


def test_r8_no_own_contribution_is_refused_and_one_ore_is_enough() -> None:
    refuses("own-contribution", budget={"own_contribution": "0.00", "asked": "1050000.00"})
    accepts(budget={"own_contribution": "0.01", "asked": "1049999.99"})


def test_r9_nine_participants_are_refused_and_ten_are_enough() -> None:
    refuses("min-participants", project=people(9))
    accepts(project=people(10))


def test_r10_no_earlier_project_is_refused() -> None:
    refuses("earlier-project", project={"references": []})


def test_r11_language_training_off_the_curricula_is_refused() -> None:
    off = {"follows_curricula": False}
    refuses("curricula-in-force", project={"language_training": True}, declarations=off)


def test_r11_language_training_for_chapter_6a_alone_need_not_follow_them() -> None:
    only = {"language_training": True, "language_training_only_chapter_6a": True}
    accepts(project=only, declarations={"follows_curricula": False})


@pytest.mark.parametrize("kind", ["ordinary-operation", "ordinary-investment"])
def test_r12_a_budget_line_of_ordinary_operation_is_refused(kind: str) -> None:
    refuses("no-ordinary-operation", budget={"lines": [LINE, {**OTHER_LINE, "class": kind}]})


def test_r13_an_established_measure_is_refused_and_a_developed_one_is_not() -> None:
    refuses("new-or-developed-measure", project={"measure_kind": "established"})
    accepts(project={"measure_kind": "further-development"})


def test_r15_a_measure_outside_the_acts_must_say_that_it_applies_for_an_exemption() -> None:
    refuses("exemption-declared", project={"outside_acts": True})
    accepts(project={"outside_acts": True}, declarations={"applies_for_exemption": True})


@pytest.mark.parametrize("themes", [[], ["digital-tools"], ["other", "other"]])
def test_r18_the_themes_are_the_calls_own_at_least_one_and_none_twice(themes: list[str]) -> None:
    refuses("coded-themes", project={"themes": themes})


@pytest.mark.parametrize("year", [2022, 2024])
def test_r19_a_budget_line_outside_the_grant_year_is_refused(year: int) -> None:
    refuses("grant-year-only", budget={"lines": [{**LINE, "year": year}, OTHER_LINE]})


@pytest.mark.parametrize("asked", ["899999.99", "900000.01"])
def test_r20_a_budget_that_does_not_add_up_is_refused(asked: str) -> None:
    refuses("budget-adds-up", budget={"asked": asked})


def test_r20_nothing_asked_is_refused() -> None:
    refuses("something-asked", budget={"asked": "0.00", "own_contribution": "1050000.00"})


def test_r20_what_is_eligible_is_the_projects_expenses_less_what_others_pay() -> None:
    case = Given(call_2023(), *submitted()).case
    assert case.eligible_ore == 110_000_000 - 15_000_000 - 5_000_000


@pytest.mark.parametrize(
    ("section", "fields", "path"),
    [
        ("project", {"participants": "24"}, "project.participants"),
        ("project", {"participants": -1}, "project.participants"),
        ("project", {"shoe_size": 43}, "project"),
        ("budget", {"asked": "900 000"}, "budget.asked"),
        ("budget", {"asked": 900000.0}, "budget"),
    ],
)
def test_r21_what_does_not_fit_the_form_is_refused_field_by_field(
    section: str, fields: dict[str, Any], path: str
) -> None:
    refusal = Given(call_2023(), *drafted()).when(edited(section, **fields)).refused(RulesFailed, "form")
    assert [failure.path for failure in refusal.failures] == [path]
    assert all(failure.message["nb"] and failure.message["nn"] for failure in refusal.failures)


def test_r21_an_unfinished_form_is_saved_but_not_approved() -> None:
    given = Given(call_2023(), started(), edited("project"))
    given.when(approved()).refused(RulesFailed, "form")
