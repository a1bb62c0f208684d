"""What may be applied for, and by whom: the declared rules of the 2023 call on an application (R1, R5-R13, R15-R20)."""

from typing import Any

import pytest
from given import IMDI, OSLO_KOMMUNE, STAVANGER, Given
from steps import CONTENT, approved, call_2023, drafted, started, submit

from grantflow.domain.application import Application
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.errors import RulesFailed
from grantflow.domain.register import valid_orgnr
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued

ROGALAND_COUNTY = "971045698"
FIRST, SECOND = CONTENT["budget"]["lines"]


def accepted(**changes: dict[str, Any]) -> Application:
    given = Given(call_2023(), *drafted(**changes), approved())
    return given.when(submit()).then(ApplicationSubmitted, ReceiptIssued)


def refused(*rules: str, **changes: dict[str, Any]) -> None:
    given = Given(call_2023(), *drafted(**changes), approved())
    refusal = given.when(submit()).refused(RulesFailed, *rules)
    for failure in refusal.failures:
        assert failure.source
        assert failure.path
        assert set(failure.message) == {"nb", "nn", "en"}


def groups(introduction: int, integration: int = 0, chapter_6a: int = 0, other: int = 0) -> dict[str, Any]:
    """So many participants, by target group, as the project's fields have it."""
    return {
        "participants": introduction + integration + chapter_6a + other,
        "target_groups": {
            "introduction_act": introduction,
            "integration_act": integration,
            "chapter_6a": chapter_6a,
            "other": other,
        },
    }


def partners(*organisations: str) -> dict[str, Any]:
    return {"organisations": [{"organisation": number, "role": "Pilot"} for number in organisations]}


@pytest.mark.parametrize("area", [1, 5, 7, 60])
def test_r1_an_application_for_any_other_priority_area_is_refused(area: int) -> None:
    refused("priority-area-6", project={"priority_area": area})


def test_r1_an_application_for_priority_area_six_is_accepted() -> None:
    assert accepted(project={"priority_area": 6}).state == "submitted"


@pytest.mark.parametrize("participants", [23, 25])
def test_r5_target_groups_that_do_not_add_up_to_the_participants_are_refused(participants: int) -> None:
    refused("target-group-adds-up", project={"participants": participants})


def test_r5_participants_of_one_target_group_alone_are_accepted() -> None:
    accepted(project=groups(0, 0, 0, 12))


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (IMDI, "a directorate"),
        (ROGALAND_COUNTY, "a county"),
        ("923609016", "a company"),
        ("958935421", "a wrong check digit"),
        ("05037912345", "a person"),
        ("9589354\uff120", "a digit that is not one of ours"),
    ],
)
def test_r6_only_a_municipality_begins_an_application(number: str, what: str) -> None:
    refusal = (
        Given(call_2023()).when(started().of(number)).refused(RulesFailed, "applicant-is-a-municipality")
    )
    assert refusal.failures[0].text("nb") == "Søkeren må være en kommune.", what


def test_r6_the_county_and_the_company_of_the_test_have_real_check_digits() -> None:
    assert all(valid_orgnr(number) for number in (IMDI, ROGALAND_COUNTY, "923609016", OSLO_KOMMUNE))
    assert not valid_orgnr("958935421")


def test_r6_the_applicant_is_the_callers_organisation_as_the_register_knew_it() -> None:
    case = Given(call_2023()).when(started().of(STAVANGER)).then(ApplicationStarted)
    assert (case.applicant.number, case.applicant.name) == (STAVANGER, "Stavanger")
    assert (case.applicant.municipality, case.applicant.county) == ("1103", "Rogaland")


def test_r7_a_municipality_may_apply_alone_and_need_not_declare_responsibility() -> None:
    accepted(partners=partners(), declarations={"takes_responsibility": False})


def test_r7_a_joint_application_names_its_partners_and_takes_responsibility() -> None:
    given = Given(call_2023(), *drafted(partners=partners(STAVANGER)), approved())
    outcome = given.when(submit())
    outcome.then(ApplicationSubmitted, ReceiptIssued)
    event = outcome.events[0]
    assert isinstance(event, ApplicationSubmitted)
    assert event.partners == (STAVANGER,)


def test_r7_a_joint_application_without_responsibility_is_refused() -> None:
    refused(
        "applicant-takes-responsibility",
        partners=partners(STAVANGER),
        declarations={"takes_responsibility": False},
    )


@pytest.mark.parametrize("number", [IMDI, ROGALAND_COUNTY, "923609016", "964965227"])
def test_r7_a_partner_that_is_no_municipality_is_refused(number: str) -> None:
    refused("partners-are-municipalities", partners=partners(STAVANGER, number))


def test_r7_a_partner_listed_twice_is_refused() -> None:
    refused("partners-are-others", partners=partners(STAVANGER, STAVANGER))


def test_r7_the_applicant_as_its_own_partner_is_refused() -> None:
    refused("partners-are-others", partners=partners(OSLO_KOMMUNE))


def test_r8_no_own_contribution_is_refused() -> None:
    refused("own-contribution", budget={"own_contribution": "0.00", "asked": "1050000.00"})


def test_r8_an_own_contribution_of_one_oere_is_above_zero() -> None:
    accepted(budget={"own_contribution": "0.01", "asked": "1049999.99"})


def test_r9_a_project_with_nine_participants_is_refused() -> None:
    refused("min-participants", project=groups(9))


def test_r9_a_project_with_ten_participants_is_accepted() -> None:
    accepted(project=groups(10))


def test_r10_an_application_without_an_earlier_project_is_refused() -> None:
    refused("earlier-project", project={"references": []})


def test_r10_one_earlier_project_is_enough() -> None:
    assert len(accepted().content["project"]["references"]) == 1


def test_r11_language_training_that_does_not_follow_the_curricula_is_refused() -> None:
    refused(
        "curricula-in-force",
        project={"language_training": True},
        declarations={"follows_curricula": False},
    )


def test_r11_language_training_by_the_curricula_is_accepted() -> None:
    accepted(project={"language_training": True}, declarations={"follows_curricula": True})


def test_r11_language_training_for_chapter_6a_alone_need_not_follow_the_curricula() -> None:
    accepted(
        project={"language_training": True, "language_training_only_chapter_6a": True},
        declarations={"follows_curricula": False},
    )


def test_r11_the_exception_for_chapter_6a_is_not_for_a_project_without_such_participants() -> None:
    refused(
        "curricula-in-force",
        project={"language_training": True, "language_training_only_chapter_6a": True} | groups(20),
        declarations={"follows_curricula": False},
    )


def test_r11_a_project_without_language_training_declares_nothing_about_curricula() -> None:
    accepted(project={"language_training": False}, declarations={"follows_curricula": False})


@pytest.mark.parametrize("kind", ["ordinary-operation", "ordinary-investment"])
def test_r12_a_budget_line_of_ordinary_operation_or_its_investments_is_refused(kind: str) -> None:
    refused("no-ordinary-operation", budget={"lines": [FIRST, {**SECOND, "class": kind}]})


def test_r13_an_established_measure_is_refused() -> None:
    refused("new-or-developed-measure", project={"measure_kind": "established"})


@pytest.mark.parametrize("kind", ["new", "further-development"])
def test_r13_a_new_measure_and_a_further_development_are_accepted(kind: str) -> None:
    accepted(project={"measure_kind": kind})


def test_r15_a_measure_outside_the_acts_without_an_exemption_applied_for_is_refused() -> None:
    refused("exemption-declared", project={"outside_acts": True})


def test_r15_a_measure_outside_the_acts_that_declares_its_exemption_waits_for_it() -> None:
    case = accepted(project={"outside_acts": True}, declarations={"applies_for_exemption": True})
    assert case.exemption_needed
    assert not accepted().exemption_needed


@pytest.mark.parametrize("themes", [[], ["not-a-theme"], ["language-in-work", "language-in-work"]])
def test_r18_themes_that_are_none_unknown_or_twice_are_refused(themes: list[str]) -> None:
    refused("coded-themes", project={"themes": themes})


@pytest.mark.parametrize("theme", [theme.id for theme in call_2023().themes])
def test_r18_each_theme_of_the_call_is_accepted(theme: str) -> None:
    accepted(project={"themes": [theme]})


@pytest.mark.parametrize("year", [2022, 2024])
def test_r19_a_budget_line_of_another_year_is_refused(year: int) -> None:
    refused("grant-year-only", budget={"lines": [{**FIRST, "year": year}, SECOND]})


@pytest.mark.parametrize("asked", ["899999.99", "900000.01"])
def test_r20_a_budget_whose_financing_does_not_meet_its_expenses_is_refused(asked: str) -> None:
    refused("budget-adds-up", budget={"asked": asked})


def test_r20_an_application_that_asks_for_nothing_is_refused() -> None:
    refused("something-asked", budget={"asked": "0.00", "own_contribution": "1050000.00"})


def test_each_broken_rule_is_told_of_at_once() -> None:
    refused(
        "priority-area-6",
        "new-or-developed-measure",
        project={"priority_area": 3, "measure_kind": "established"},
    )
