"""Each declared rule of the 2023 call refuses the application that breaks it, by its name."""

from typing import Any

import pytest
from given import DEADLINE, STAVANGER, Given
from steps import (
    CONTENT,
    JUST_IN_TIME,
    approved,
    call_2023,
    drafted,
    edited,
    paid,
    report,
    started,
    submit,
    submitted,
)

from grantflow.domain.errors import ApprovalOutdated, PastDeadline, RulesFailed, StepNotAllowed
from grantflow.domain.reporting import ReportSubmitted
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued

LINE = CONTENT["budget"]["lines"][0]
BAD: list[tuple[str, dict[str, dict[str, Any]]]] = [
    ("priority-area-6", {"project": {"priority_area": 5}}),
    ("target-group-adds-up", {"project": {"participants": 25}}),
    (
        "partners-are-municipalities",
        {"partners": {"organisations": [{"organisation": "987879696", "role": "x"}]}},
    ),
    ("partners-are-others", {"partners": {"organisations": [{"organisation": STAVANGER, "role": "x"}] * 2}}),
    ("partners-are-others", {"partners": {"organisations": [{"organisation": "958935420", "role": "x"}]}}),
    (
        "applicant-takes-responsibility",
        {
            "partners": {"organisations": [{"organisation": STAVANGER, "role": "x"}]},
            "declarations": {"takes_responsibility": False},
        },
    ),
    ("own-contribution", {"budget": {"own_contribution": "0.00", "asked": "1050000.00"}}),
    (
        "min-participants",
        {
            "project": {
                "participants": 9,
                "target_groups": {"introduction_act": 9, "integration_act": 0, "chapter_6a": 0, "other": 0},
            }
        },
    ),
    ("earlier-project", {"project": {"references": []}}),
    (
        "curricula-in-force",
        {"project": {"language_training": True}, "declarations": {"follows_curricula": False}},
    ),
    (
        "no-ordinary-operation",
        {"budget": {"lines": [LINE, {**CONTENT["budget"]["lines"][1], "class": "ordinary-operation"}]}},
    ),
    ("new-or-developed-measure", {"project": {"measure_kind": "established"}}),
    ("exemption-declared", {"project": {"outside_acts": True}}),
    ("coded-themes", {"project": {"themes": ["not-a-theme"]}}),
    ("coded-themes", {"project": {"themes": []}}),
    ("grant-year-only", {"budget": {"lines": [{**LINE, "year": 2024}, CONTENT["budget"]["lines"][1]]}}),
    ("budget-adds-up", {"budget": {"asked": "900001.00"}}),
]


@pytest.mark.parametrize(("rule", "changes"), BAD)
def test_an_application_that_breaks_one_rule_is_refused_by_that_rule_alone(
    rule: str, changes: dict[str, dict[str, Any]]
) -> None:
    Given(call_2023(), *drafted(**changes), approved()).when(submit()).refused(RulesFailed, rule)


def test_r6_a_company_cannot_begin_an_application() -> None:
    Given(call_2023()).when(started().of("987879696")).refused(RulesFailed, "applicant-is-a-municipality")


def test_r4_the_last_microsecond_of_the_day_is_in_time() -> None:
    given = Given(call_2023(), *drafted(), approved())
    given.when(submit().when(JUST_IN_TIME)).then(ApplicationSubmitted, ReceiptIssued)


def test_r4_the_first_instant_of_the_next_day_is_too_late() -> None:
    Given(call_2023(), *drafted(), approved()).when(submit().when(DEADLINE)).refused(PastDeadline)


def test_r22_a_change_after_approval_voids_it() -> None:
    given = Given(call_2023(), *drafted(), approved(), edited("project", title="Et annet navn"))
    assert given.case.approval is None
    given.when(submit()).refused(StepNotAllowed)


def test_r22_an_approval_of_another_content_than_the_one_seen_is_refused() -> None:
    seen = approved().saying(content="0" * 64)
    Given(call_2023(), *drafted()).when(seen).refused(ApprovalOutdated)


def test_r33_nothing_is_edited_after_submission() -> None:
    Given(call_2023(), *submitted()).when(edited("project", title="For sent")).refused(StepNotAllowed)


def test_r26_a_line_booked_outside_the_year_is_refused() -> None:
    line = {"text": "Januarlønn", "booked_on": "2024-01-02", "amount": "1.00", "class": "project"}
    given = Given(call_2023(), *paid())
    given.when(report(accounts={"expenses": [line]})).refused(RulesFailed, "booked-in-grant-year")


def test_r14_a_special_condition_must_be_answered_in_the_report() -> None:
    condition = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2024-02-01"}
    given = Given(call_2023(), *paid(conditions=[condition]))
    given.when(report()).refused(RulesFailed, "conditions-answered")
    answered = report(report={"conditions": [{"id": "metodehefte", "answer": "Levert."}]})
    given.when(answered).then(ReportSubmitted)
