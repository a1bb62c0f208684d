"""The demo: the same seed gives the same year, to the byte, and the figures add up."""

from typing import TYPE_CHECKING

from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, Summary, play
from grantflow.domain.application import fold
from grantflow.domain.event import body_of
from grantflow.projector import Projector
from grantflow.rooms import projections, room
from grantflow.service import Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence


def played(url: str, applications: int = 40) -> tuple[Summary, "Sequence[tuple[str, bytes]]", App]:
    """A year played in a database: its summary, and every event by identifier and bytes."""
    store = Store(url)
    app = App(store, Service(store), Projector(store, projections()))
    files = definition_files(room("workflows") / "calls" / "imdi-2023-tillegg")
    summary = play(app, files, Story(applications, seed=7))
    events = [(entry.id, body_of(entry.event)) for entry in store.read(0, 100_000)]
    return summary, events, app


def test_the_same_seed_gives_the_same_events_to_the_byte(database_url: str, module_database_url: str) -> None:
    first, events, one = played(database_url)
    second, again, other = played(module_database_url)
    one.store.close()
    other.store.close()
    assert events == again
    assert first == second


def test_the_year_has_its_flaws_and_its_figures_add_up(database_url: str) -> None:
    summary, _, app = played(database_url)
    states = app.projector.rows("SELECT case_id, state, granted_ore FROM case_list")
    for row in states:
        assert fold(row["case_id"], app.store.load(row["case_id"])).state == row["state"]
    assert sum(summary.by_state.values()) == summary.applications == len(states)
    assert sum(row["granted_ore"] for row in states) == app.service.states.frame(summary.call).committed_ore
    assert sum(row["granted_ore"] for row in states) <= app.service.states.frame(summary.call).limit_ore
    assert {"past-deadline", "rules-failed", "frame-exceeded", "disqualified"} <= set(summary.refusals)
    assert summary.by_state["lapsed"] > 0
    assert summary.overdue == 1
    assert summary.repaid_total != "0.00"
    recipients = app.projector.rows("SELECT granted_ore, paid_ore FROM recipients WHERE granted_ore > 0")
    assert [row["paid_ore"] for row in recipients] == [row["granted_ore"] for row in recipients]
    assert len(recipients) == summary.by_state["closed"]
    assert all(app.projector.check(name) == [] for name in app.projector.projections)
    app.store.close()
