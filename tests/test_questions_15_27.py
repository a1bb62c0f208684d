"""The auditor's questions 15 to 27 of a year in which nothing went wrong, of the demo's year, and of nothing at all."""

from __future__ import annotations

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
    "conditions",
    "entry-conditions",
    "exemptions",
    "missing-reports",
    "accounts",
    "repayment",
    "times",
    "completeness",
    "access",
    "corrections",
    "machine-acts",
    "registers",
    "recipients",
)


def breaches_of(name: str, history: History) -> int:
    """How many breaches there are; whoever looked at something breached nothing."""
    return 0 if name == "access" else len(breaches(name, history))


@pytest.fixture(scope="module")
def year(server: str, template: str) -> Iterator[History]:
    """Give the history of the demo's year."""
    with fresh_database(server, template) as address, Store(address) as store:
        app = App.on(store, ledger_keys())
        play(app, definition_files(room("workflows") / "calls" / "imdi-2023-tillegg"), Story(40, seed=7))
        yield gather(store.read(0, 100_000))


def test_the_questions_are_numbered_as_the_auditor_asks_them() -> None:
    assert [questions()[name].number for name in NAMES] == list(range(15, 28))


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_year_has_no_breach(name: str) -> None:
    assert breaches_of(name, clean_year()) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_log_with_nothing_in_it_is_no_error(name: str) -> None:
    assert asked(name, gather([])) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_plain_json_and_points_at_events_of_the_log(name: str, year: History) -> None:
    for history in (clean_year(), year):
        known = {entry.id for entry in history.entries}
        for row in asked(name, history):
            assert row.events
            assert len(set(row.events)) == len(row.events)
            assert set(row.events) <= known
            assert msgspec.json.decode(msgspec.json.encode(dict(row.found))) == row.found


def test_the_demo_has_no_breach_but_one_report_that_came_late(year: History) -> None:
    assert {name: count for name in NAMES if (count := breaches_of(name, year))} == {"missing-reports": 1}
    (late,) = breaches("missing-reports", year)
    assert late.found["breach"] == "the report came 19 days late"


def test_the_demo_as_it_was_known_at_any_instant_can_be_asked(year: History) -> None:
    instants = sorted(entry.event.stamp.recorded_at for entry in year.entries)
    for at in instants[:: len(instants) // 8]:
        history = gather(year.entries, at=at)
        assert (
            sum(breaches_of(name, history) for name in NAMES if name not in ("times", "missing-reports")) == 0
        )
