"""The demo: the same seed gives the same year, to the byte, and the figures add up."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from steps import call_2023

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
    summary = play(app, files, Story(applications, seed=7)).summary
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
    answers = {
        "approval-outdated", "disqualified", "frame-exceeded", "impartiality-not-declared", "not-allowed", "not-ready",
        "past-deadline", "rules-failed", "same-person", "step-not-allowed",
    }  # fmt: skip
    assert set(summary.refusals) == answers
    assert set(summary.rules_refused) == {rule.id for rule in call_2023().rules}
    assert summary.granted_total == summary.frame, "the race for the last of the frame has one winner"
    assert set(summary.by_state) == {"closed", "lapsed", "rejected", "withdrawn"}
    assert summary.overdue == 1
    assert summary.repaid_total != "0.00"
    recipients = app.projector.rows("SELECT granted_ore, paid_ore FROM recipients WHERE granted_ore > 0")
    assert [row["paid_ore"] for row in recipients] == [row["granted_ore"] for row in recipients]
    assert len(recipients) == summary.by_state["closed"]
    assert all(app.projector.check(name) == [] for name in app.projector.projections)
    app.store.close()


def test_what_befalls_one_case_is_there_in_its_history(database_url: str) -> None:
    """Each tale of the year has left its event: extended before and after, late, partly spent, returned, four hands."""
    _, _, app = played(database_url)
    told = app.projector.rows(
        "SELECT topic, count(*)::int AS events,"
        " count(*) FILTER (WHERE facts->>'after_the_fact' = 'true')::int AS after,"
        " max((facts->>'days_late')::int) AS late, max((facts->>'unspent_ore')::bigint) AS unspent"
        " FROM audit_trail GROUP BY topic"
    )
    by_topic = {row["topic"]: row for row in told}
    for topic in (
        "question-answered@1", "document-attached@1", "approval-voided@1", "information-supplied@1",
        "statement-recorded@1", "exemption-recorded@1", "application-withdrawn@1", "report-returned@1",
        "overdue-followed-up@1", "repayment-claimed@1", "reminder-sent@1",
    ):  # fmt: skip
        assert by_topic[topic]["events"] >= 1, topic
    assert (by_topic["deadline-extended@1"]["events"], by_topic["deadline-extended@1"]["after"]) == (3, 1)
    assert by_topic["accounts-countersigned@1"]["late"] == 19
    assert by_topic["report-accepted@1"]["unspent"] > 0
    capacities = app.projector.rows(
        "SELECT DISTINCT facts->>'capacity' AS c FROM audit_trail WHERE topic = 'application-approved@1'"
    )
    assert {row["c"] for row in capacities} == {"municipal-director", "district-director", "delegate"}
    lapsed = app.projector.rows(
        "SELECT DISTINCT recorded_at AS at FROM audit_trail WHERE topic = 'application-lapsed@1'"
    )
    assert [row["at"] for row in lapsed] == [call_2023().limit("application")]
    app.store.close()


def test_a_year_told_until_a_day_stops_there_with_the_clock_having_done_its_part(store: Store) -> None:
    app = App(store, Service(store), Projector(store, projections()))
    files = definition_files(room("workflows") / "calls" / "imdi-2023-tillegg")
    until = datetime(2023, 8, 29, 22, tzinfo=UTC)
    summary = play(app, files, Story(40, seed=7, until=until)).summary
    assert summary.by_state["submitted"] > 20
    assert summary.by_state["lapsed"] >= 1
    assert summary.paid_total == "0.00"
    last = app.projector.rows("SELECT max(recorded_at) AS at FROM audit_trail")[0]["at"]
    assert last < until
