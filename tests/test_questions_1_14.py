"""The auditor's questions 1 to 14 of a year in which nothing went wrong, and of the demo's year."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
from asked import asked, breaches, questions
from conftest import fresh_database, ledger_keys
from gathered import clean_year

from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.history import gather
from grantflow.rooms import room
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.history import History

NAMES = (
    "who-approved",
    "case-as-of",
    "late-submissions",
    "equal-treatment",
    "rules-changed",
    "inversions",
    "frame",
    "paid-too-early",
    "four-eyes",
    "authority",
    "paid-wrong",
    "impartiality",
    "grounds",
    "letters",
)


@pytest.fixture(scope="module")
def year(server: str, template: str) -> Iterator[History]:
    """Give the history of the demo's year."""
    with fresh_database(server, template) as address, Store(address) as store:
        app = App.on(store, ledger_keys())
        play(app, definition_files(room("workflows") / "calls" / "imdi-2023-tillegg"), Story(40, seed=7))
        yield gather(store.read(0, 100_000))


def test_the_questions_are_numbered_as_the_auditor_asks_them() -> None:
    assert tuple(questions())[:14] == NAMES
    assert [questions()[name].number for name in NAMES] == list(range(1, 15))


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_year_has_no_breach(name: str) -> None:
    assert breaches(name, clean_year()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_log_with_nothing_in_it_is_no_error(name: str) -> None:
    assert asked(name, gather([])) == []


@pytest.mark.parametrize(
    ("name", "rows"),
    [("who-approved", 3), ("case-as-of", 4), ("equal-treatment", 4), ("frame", 6), ("letters", 3)],
)
def test_a_clean_year_shows_what_was_asked_for(name: str, rows: int) -> None:
    assert len(asked(name, clean_year())) == rows


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_plain_json_and_points_at_events_of_the_log(name: str) -> None:
    known = {entry.id for entry in clean_year().entries}
    for row in asked(name, clean_year()):
        assert row.events
        assert set(row.events) <= known
        assert msgspec.json.decode(msgspec.json.encode(dict(row.found))) == row.found


def test_the_demo_has_no_breach_but_that_some_had_more_assessors_than_others(year: History) -> None:
    assert {name for name in NAMES if breaches(name, year)} == {"equal-treatment"}
    unequal = Counter(row.found["breach"] for row in breaches("equal-treatment", year))
    assert set(unequal) == {"2 assessors, where others had 1"}


def test_the_demo_shows_what_was_out_of_the_ordinary_and_why(year: History) -> None:
    late = asked("late-submissions", year)
    given = Counter((row.found["deadline"], row.found["given"]) for row in late)
    assert given == {
        ("application", "before the fact"): 1,
        ("application", "after the fact"): 1,
        ("report", "before the fact"): 1,
        ("report", ""): 1,
    }
    assert [row.found["what"] for row in asked("rules-changed", year)] == ["revision", "case moved"]
    assert all(row.found["reason"] for row in asked("inversions", year))
    (changed,) = asked("paid-wrong", year)
    assert changed.found["account_check"]
    capacities = {row.found["capacity"] for row in asked("who-approved", year)}
    assert capacities == {"municipal-director", "district-director", "delegate"}
