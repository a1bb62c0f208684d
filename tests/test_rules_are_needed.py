"""Each declared rule does something: with it taken out of the definition, what it refuses is accepted."""

import re
from functools import cache
from pathlib import Path

import pytest
from given import Given, Step
from steps import CONTENT, approved, call_2023, paid, report, started, submit

from grantflow.demo.flaws import FLAWS
from grantflow.domain.call import CALL, Call

COMPANY = "987879696"
HERE = Path(__file__).parent
REQUIREMENTS = HERE.parent / "docs" / "requirements.md"


def spoilt() -> dict[str, tuple[tuple[Step, ...], Step]]:
    """By rule, a history and the step that the rule refuses."""
    line = {"text": "Lønn", "booked_on": "2024-01-02", "amount": "1.00", "class": "project"}
    condition = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2023-12-15"}
    steps: dict[str, tuple[tuple[Step, ...], Step]] = {
        "applicant-is-a-municipality": ((), started().of(COMPANY)),
        "report-answers-goals": (paid(), report(report={"use_of_money": "..."})),
        "conditions-answered": (paid(conditions=[condition]), report()),
        "booked-in-grant-year": (paid(), report(accounts={"expenses": [line]})),
    }
    for flaw in FLAWS:
        edits = (
            Step("edit", {"section": name, "content": part}) for name, part in flaw.in_(_content()).items()
        )
        steps[flaw.rule] = ((started(), *edits, approved()), submit())
    return steps


def _content() -> dict[str, dict[str, object]]:
    lines = [
        *CONTENT["budget"]["lines"],
        {"text": "Reise", "class": "project", "amount": "0.00", "year": 2023},
    ]
    return {**CONTENT, "budget": {**CONTENT["budget"], "lines": lines}}


@cache
def without(rule: str) -> Call:
    """The 2023 call with one rule taken out."""
    files = call_2023().files
    parts = re.split(r"(?=^\[\[rules\]\]$|^\[consultation\]$)", files[CALL], flags=re.MULTILINE)
    kept = [text for text in parts if not (text.startswith("[[rules]]") and f'id = "{rule}"' in text)]
    assert len(kept) == len(parts) - 1
    return Call.read({**files, CALL: "".join(kept)})


@pytest.mark.parametrize("rule", [rule.id for rule in call_2023().rules])
def test_what_a_rule_refuses_is_accepted_once_the_rule_is_taken_out(rule: str) -> None:
    history, step = spoilt()[rule]
    refusal = Given(call_2023(), *history).when(step).refusal
    assert refusal is not None
    assert [failure.rule for failure in refusal.failures] == [rule]
    assert Given(without(rule), *history).when(step).refusal is None


def test_the_table_of_requirements_has_every_row_and_names_tests_and_rules_that_exist() -> None:
    table = REQUIREMENTS.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (R\d+) \|(.*)$", table, flags=re.MULTILINE))
    assert list(rows) == [f"R{n}" for n in range(1, 37)]
    defined = {
        (path.stem, name)
        for path in HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)::(test_\w+)`", table))
    assert named
    assert named - defined == set()
    assert {rule.id for rule in call_2023().rules} - set(re.findall(r"`([a-z0-9-]+)`", table)) == set()
    for rule in call_2023().rules:
        assert f"`{rule.id}`" in rows[rule.rule], rule.id
