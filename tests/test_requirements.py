"""The tables of requirements are true: each row is there, with what carries it and tests that exist."""

import re
from functools import cache
from pathlib import Path

import pytest
from steps import call_2023

REQUIREMENTS = Path(__file__).parent.parent / "docs" / "requirements.md"
ROWS = {"R": 36, "L": 24}
"""How many rows there are: what the call asks for, and what the law does."""
CELLS = {"R": 3, "L": 4}


@cache
def table(letter: str) -> dict[str, tuple[str, str]]:
    """Each row of a table: what carries it, and what is said of its tests."""
    lines = re.findall(rf"^\| ({letter}\d+ \| .+) \|$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    rows = [line.split(" | ") for line in lines]
    assert {len(row) for row in rows} == {CELLS[letter]}
    assert len({row[0] for row in rows}) == len(rows), "a row stands twice"
    return {row[0]: (row[-2], row[-1]) for row in rows}


def both() -> dict[str, tuple[str, str]]:
    return {row: cells for letter in ROWS for row, cells in table(letter).items()}


def named(tests: str) -> list[tuple[str, str]]:
    """The tests a row names, as (file, beginning of the name): `test_r_payment::test_r23_…`."""
    return re.findall(r"`(test_\w+)::(test_\w+)…?`", tests)


def written() -> set[tuple[str, str]]:
    return {
        (path.stem, name)
        for path in Path(__file__).parent.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("letter", sorted(ROWS))
def test_each_row_stands_in_the_requirements_with_what_carries_it_and_its_tests(letter: str) -> None:
    assert list(table(letter)) == [f"{letter}{number}" for number in range(1, ROWS[letter] + 1)]
    assert [row for row, (carrier, tests) in table(letter).items() if not carrier or not named(tests)] == []


@pytest.mark.parametrize("row", sorted(table("L")))
def test_each_row_of_the_law_has_tests_of_its_own(row: str) -> None:
    assert [name for _, name in written() if name.startswith(f"test_{row.lower()}_")]


def test_each_test_that_the_requirements_name_exists() -> None:
    names = written()
    unknown = [
        f"{row}: {file}::{start}"
        for row, (_, tests) in both().items()
        for file, start in named(tests)
        if not any(f == file and name.startswith(start) for f, name in names)
    ]
    assert unknown == []


def test_each_test_named_after_a_row_stands_at_that_row() -> None:
    told = {row.lower(): named(tests) for row, (_, tests) in both().items()}
    missing = [
        f"{file}::{name}"
        for file, name in sorted(written())
        if (row := re.match(r"test_([rl]\d+)_", name))
        and not any(file == f and name.startswith(start) for f, start in told[row[1]])
    ]
    assert missing == []


def test_each_declared_rule_stands_at_its_row() -> None:
    for rule in call_2023().rules:
        assert f"`{rule.id}`" in table("R")[rule.rule][0]
