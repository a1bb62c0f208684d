"""Each declared rule of the 2023 call is needed: once it is taken out, what it refuses is accepted."""

import re
import tomllib
from typing import Any

import pytest
from given import IMDI, STAVANGER, Given, Step
from steps import CONTENT, approved, call_2023, drafted, paid, report, started, submit

from grantflow.domain.call import CALL, Call
from grantflow.domain.errors import RulesFailed

RULES = tuple(rule.id for rule in call_2023().rules)
FIRST, SECOND = CONTENT["budget"]["lines"]
GROUPS = CONTENT["project"]["target_groups"]
CONDITION = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2024-02-01"}


def submitting(**changes: dict[str, Any]) -> tuple[Step, ...]:
    return *drafted(**changes), approved(), submit()


def reporting(step: Step, **decision: Any) -> tuple[Step, ...]:
    return *paid(**decision), step


def partner(*numbers: str) -> dict[str, Any]:
    return {"organisations": [{"organisation": number, "role": "Pilot"} for number in numbers]}


BREAKING: dict[str, tuple[Step, ...]] = {
    "applicant-is-a-municipality": (started().of(IMDI),),
    "priority-area-6": submitting(project={"priority_area": 5}),
    "target-group-adds-up": submitting(project={"participants": 25}),
    "partners-are-municipalities": submitting(partners=partner(IMDI)),
    "partners-are-others": submitting(partners=partner(STAVANGER, STAVANGER)),
    "applicant-takes-responsibility": submitting(
        partners=partner(STAVANGER), declarations={"takes_responsibility": False}
    ),
    "own-contribution": submitting(budget={"own_contribution": "0.00", "asked": "1050000.00"}),
    "min-participants": submitting(
        project={"participants": 9, "target_groups": {**dict.fromkeys(GROUPS, 0), "integration_act": 9}}
    ),
    "earlier-project": submitting(project={"references": []}),
    "curricula-in-force": submitting(
        project={"language_training": True}, declarations={"follows_curricula": False}
    ),
    "no-ordinary-operation": submitting(budget={"lines": [FIRST, {**SECOND, "class": "ordinary-operation"}]}),
    "new-or-developed-measure": submitting(project={"measure_kind": "established"}),
    "exemption-declared": submitting(project={"outside_acts": True}),
    "coded-themes": submitting(project={"themes": ["not-a-theme"]}),
    "grant-year-only": submitting(budget={"lines": [FIRST, {**SECOND, "year": 2024}]}),
    "budget-adds-up": submitting(budget={"asked": "900000.01"}),
    "something-asked": submitting(budget={"asked": "0.00", "own_contribution": "1050000.00"}),
    "report-answers-goals": reporting(report(report={"results_by_goal": " "})),
    "conditions-answered": reporting(report(), conditions=[CONDITION]),
    "booked-in-grant-year": reporting(
        report(
            accounts={
                "expenses": [
                    {"text": "Lønn", "booked_on": "2024-01-02", "amount": "1.00", "class": "project"}
                ]
            }
        )
    ),
}
"""For each rule, a case that breaks it and nothing else; the last step is the one it is about."""


def without(rule: str) -> Call:
    """The 2023 call with one rule taken out of its file."""
    head, *tables = re.split(r"\n(?=\[)", call_2023().files[CALL])
    kept = [table for table in tables if f'id = "{rule}"' not in table or not table.startswith("[[rules]]")]
    assert len(kept) == len(tables) - 1
    return Call.read({**call_2023().files, CALL: "\n".join([head, *kept])})


def test_the_whole_definition_is_told_apart_by_the_rule_alone() -> None:
    declared = tomllib.loads(call_2023().files[CALL])
    shorter = tomllib.loads(without("min-participants").files[CALL])
    assert [rule["id"] for rule in shorter["rules"]] == [name for name in RULES if name != "min-participants"]
    assert {**shorter, "rules": 0} == {**declared, "rules": 0}


def test_there_is_a_case_for_each_rule_and_a_rule_for_each_case() -> None:
    assert tuple(BREAKING) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_refuses_is_accepted_once_the_rule_is_gone(rule: str) -> None:
    *before, last = BREAKING[rule]
    Given(call_2023(), *before).when(last).refused(RulesFailed, rule)
    outcome = Given(without(rule), *before).when(last)
    assert outcome.refusal is None
