"""The table of requirements is true: each row of the call is there, with what carries it and tests that exist."""

import re
from functools import cache
from pathlib import Path

from steps import call_2023

REQUIREMENTS = Path(__file__).parent.parent / "docs" / "requirements.md"


@cache
def table() -> dict[str, tuple[str, str]]:
    """Each row of the requirements: what carries it, and what is said of its tests."""
    rows = re.findall(r"^\| (R\d+) \| (.+?) \| (.+?) \|$", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    assert len({row for row, _, _ in rows}) == len(rows), "a row stands twice"
    return {row: (carrier, tests) for row, carrier, tests in rows}


def named(tests: str) -> list[tuple[str, str]]:
    """The tests a row names, as (file, beginning of the name): `test_r_payment::test_r23_…`."""
    return re.findall(r"`(test_\w+)::(test_\w+)…?`", tests)


def written() -> set[tuple[str, str]]:
    return {
        (path.stem, name)
        for path in Path(__file__).parent.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }


def test_each_row_of_the_call_stands_in_the_requirements_with_its_tests() -> None:
    assert list(table()) == [f"R{number}" for number in range(1, 37)]
    assert [row for row, (_, tests) in table().items() if not named(tests)] == []


def test_each_test_that_the_requirements_name_exists() -> None:
    names = written()
    for row, (_, tests) in table().items():
        for file, start in named(tests):
            assert any(f == file and name.startswith(start) for f, name in names), f"{row}: {file}::{start}"


def test_each_test_named_after_a_row_stands_at_that_row() -> None:
    for file, name in written():
        row = re.match(r"test_r(\d+)_", name)
        if row is not None:
            starts = [start for f, start in named(table()[f"R{row[1]}"][1]) if f == file]
            assert any(name.startswith(start) for start in starts), f"{file}::{name}"


def test_each_declared_rule_stands_at_its_row() -> None:
    for rule in call_2023().rules:
        assert f"`{rule.id}`" in table()[rule.rule][0]
