"""The demo: the same seed gives the same years, to the byte, and the figures add up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

import pytest
from conftest import fresh_database, ledger_keys
from steps import call_2023

from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import AreasSummary, Story, Summary, play, play_areas
from grantflow.domain.announcement import CallRevised
from grantflow.domain.application import fold
from grantflow.domain.event import body_of
from grantflow.domain.followup import ReminderSent
from grantflow.domain.money import ore
from grantflow.domain.notice import NoticeMade, NoticeSent, NoticeSkipped
from grantflow.rooms import room
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

CALLS = room("workflows") / "calls"
Events: TypeAlias = "Sequence[tuple[str, bytes]]"


def opened(url: str) -> App:
    store = Store(url)
    return App.on(store, ledger_keys())


def played(url: str, applications: int = 40) -> tuple[Summary, Events, App]:
    """A year played in a database: its summary, and every event by identifier and bytes."""
    app = opened(url)
    summary = play(app, definition_files(CALLS / "imdi-2023-tillegg"), Story(applications, seed=7)).summary
    return summary, _events(app), app


def played_areas(url: str) -> tuple[AreasSummary, Events, App]:
    """The call with areas, played in a database."""
    app = opened(url)
    summary = play_areas(app, definition_files(CALLS / "eksempel-2025-omrader"), Story(seed=7)).summary
    return summary, _events(app), app


def _events(app: App) -> Events:
    return [(entry.id, body_of(entry.event)) for entry in app.store.read(0, 100_000)]


@pytest.fixture(scope="module")
def year(server: str, template: str) -> Iterator[tuple[Summary, Events, App]]:
    """Give the year, played once for all who only look at it."""
    with fresh_database(server, template) as address:
        summary, events, app = played(address)
        yield summary, events, app
        app.store.close()


@pytest.fixture(scope="module")
def areas(server: str, template: str) -> Iterator[tuple[AreasSummary, Events, App]]:
    """Give the call with areas, played once for all who only look at it."""
    with fresh_database(server, template) as address:
        summary, events, app = played_areas(address)
        yield summary, events, app
        app.store.close()


def test_the_same_seed_gives_the_same_events_to_the_byte(
    year: tuple[Summary, Events, App], database_url: str
) -> None:
    summary, events, app = played(database_url)
    app.store.close()
    assert (summary, events) == year[:2]


def test_the_call_with_areas_gives_the_same_events_to_the_byte(
    areas: tuple[AreasSummary, Events, App], database_url: str
) -> None:
    summary, events, app = played_areas(database_url)
    app.store.close()
    assert (summary, events) == areas[:2]


def test_the_year_has_its_flaws_and_its_figures_add_up(year: tuple[Summary, Events, App]) -> None:
    summary, _, app = year
    states = app.projector.rows("SELECT case_id, state, granted_ore FROM case_list")
    for row in states:
        assert fold(row["case_id"], app.store.load(row["case_id"])).state == row["state"]
    assert sum(summary.by_state.values()) == summary.applications == len(states)
    frame = app.service.states.frame(summary.call)
    assert sum(row["granted_ore"] for row in states) == frame.committed_ore == ore(summary.granted_total)
    assert frame.committed_ore <= frame.limit_ore
    answers = {
        "approval-outdated", "bad-request", "disqualified", "frame-exceeded", "identity-number",
        "impartiality-not-declared", "no-authority", "not-allowed", "not-ready", "past-deadline", "rules-failed",
        "same-person", "step-not-allowed", "superior-disqualified",
    }  # fmt: skip
    assert set(summary.refusals) == answers
    assert set(summary.rules_refused) == {rule.id for rule in call_2023().rules}
    assert set(summary.by_state) == {"closed", "dismissed", "lapsed", "rejected", "withdrawn"}
    assert summary.overdue == 1
    recipients = app.projector.rows(
        "SELECT granted_ore, paid_ore, municipality FROM recipients WHERE granted_ore > 0"
    )
    assert len(recipients) == summary.by_state["closed"]
    paid, granted = ore(summary.paid_total), ore(summary.granted_total)
    reduced = sum(row["paid_ore"] - row["granted_ore"] for row in recipients)
    assert paid - granted == reduced > 0, "what was reduced was paid, and has come back"
    assert ore(summary.repaid_total) >= reduced
    least = app.projector.rows("SELECT min(left_ore) AS left FROM frame_over_time")[0]["left"]
    assert least == 0, "the race for the last of the frame has one winner"
    assert all(app.projector.check(name) == [] for name in app.projector.projections)


def test_what_befalls_one_case_is_there_in_its_history(year: tuple[Summary, Events, App]) -> None:
    """Each tale of the year has left its event, and the summary counts it."""
    summary, _, app = year
    told = app.projector.rows(
        "SELECT topic, count(*)::int AS events,"
        " count(*) FILTER (WHERE facts->>'after_the_fact' = 'true')::int AS after,"
        " count(*) FILTER (WHERE facts ? 'account_check')::int AS flagged,"
        " max((facts->>'days_late')::int) AS late, max((facts->>'unspent_ore')::bigint) AS unspent"
        " FROM audit_trail GROUP BY topic"
    )
    by_topic = {row["topic"]: row for row in told}
    assert summary.events_by_type == {topic: row["events"] for topic, row in by_topic.items()}
    for topic in (
        "question-answered@1", "document-attached@1", "approval-voided@1", "information-supplied@1",
        "statement-recorded@1", "exemption-recorded@1", "application-withdrawn@1", "report-returned@1",
        "overdue-followed-up@1", "repayment-claimed@1", "reminder-sent@2", "authority-delegated@1",
        "superior-named@1", "call-revised@1", "case-moved-to-revision@1", "application-dismissed@1",
        "state-aid-assessed@1", "complaint-answered@1", "reversal-notified@1", "notice-answered@1",
        "decision-reversed@1", "frame-released@1", "grant-reduced@1", "fact-corrected@1", "condition-met@1",
        "condition-waived@1",
    ):  # fmt: skip
        assert by_topic[topic]["events"] >= 1, topic
    assert (by_topic["deadline-extended@1"]["events"], by_topic["deadline-extended@1"]["after"]) == (3, 1)
    assert by_topic["accounts-countersigned@1"]["late"] == 19
    assert by_topic["report-accepted@1"]["unspent"] > 0
    assert by_topic["payment-attested@2"]["flagged"] == 1
    capacities = app.projector.rows(
        "SELECT DISTINCT facts->>'capacity' AS c FROM audit_trail WHERE topic = 'application-approved@1'"
    )
    assert {row["c"] for row in capacities} == {"municipal-director", "district-director", "delegate"}
    lapsed = app.projector.rows(
        "SELECT DISTINCT recorded_at AS at FROM audit_trail WHERE topic = 'application-lapsed@1'"
    )
    assert [row["at"] for row in lapsed] == [call_2023().limit("application")]
    instalments = app.projector.rows(
        "SELECT instalments, instalments_paid FROM payments WHERE instalments > 1"
    )
    assert [(row["instalments"], row["instalments_paid"]) for row in instalments] == [(2, 2)]


def test_letters_are_in_the_municipalitys_own_form_of_norwegian(year: tuple[Summary, Events, App]) -> None:
    _, _, app = year
    letters = app.projector.rows(
        "SELECT applicant, facts->>'language' AS language, facts->>'text' AS text FROM audit_trail"
        " JOIN case_list ON case_id = stream WHERE topic = 'letter-issued@2'"
    )
    register, at = call_2023().register, datetime(2023, 9, 28, tzinfo=UTC)
    for letter in letters:
        form = register.language_form(letter["applicant"], at)
        assert form in ("neutral", letter["language"])
        assert ("tilskot" in letter["text"].lower()) is (letter["language"] == "nn"), letter["text"]
    assert {letter["language"] for letter in letters} == {"nb", "nn"}


def test_the_year_tells_whom_it_should_of_each_thing_once_in_their_own_form_of_norwegian(
    year: tuple[Summary, Events, App],
) -> None:
    """Counted against the events that the call's rules tell of: to each recipient, in each channel, once."""
    _, _, app = year
    notices = call_2023().notices
    assert notices is not None
    events = [entry.event for entry in app.store.everything()]
    made = [event for event in events if isinstance(event, NoticeMade)]
    about = Counter(event.topic.partition("@")[0] for event in events)
    about |= Counter(
        f"{event.topic.partition('@')[0]} {event.deadline}"
        for event in events
        if isinstance(event, ReminderSent)
    )
    expected = Counter(
        {
            rule.id: about[f"{rule.on} {rule.deadline}" if rule.on == "reminder-sent" else rule.on]
            * len(rule.to)
            * len(rule.channels)
            for rule in notices.rules.values()
            if rule.on
        }
    )
    assert Counter(event.rule for event in made) == +expected
    assert len({event.notice for event in made}) == len(made)
    assert sum(expected.values()) > 400
    assert not [event for event in events if isinstance(event, NoticeSkipped | NoticeSent)]
    register = call_2023().register
    for event in made:
        form = register.language_form(event.organisation, event.stamp.recorded_at)
        assert event.language == ("nn" if form == "nn" else "nb")
        assert ("ikkje" in event.text or "no" in event.text.split()) or event.language == "nb"
    assert {event.language for event in made} == {"nb", "nn"}


def test_a_case_is_decided_by_the_rules_it_began_under_or_was_moved_to(
    year: tuple[Summary, Events, App],
) -> None:
    """One began before the revision, one after, one was moved: only the new rules remind three days before."""
    _, _, app = year
    revision = next(e.event for e in app.store.read(0, 100_000) if isinstance(e.event, CallRevised))
    reminded = app.projector.rows(
        "SELECT DISTINCT stream FROM audit_trail WHERE topic = 'reminder-sent@2'"
        " AND recorded_at = '2023-08-25T09:00:00+02:00' AND facts->>'deadline' = 'application'"
    )
    states = app.service.states
    newest = {row["stream"] for row in reminded}
    for row in app.projector.rows("SELECT case_id, started_at, definition FROM case_list"):
        case_id: UUID = row["case_id"]
        began_after = row["started_at"] > revision.stamp.recorded_at
        moved = any(e.event.topic == "case-moved-to-revision@1" for e in app.store.load(case_id))
        by_the_new = states.case(case_id).definition == revision.digest
        assert by_the_new is (began_after or moved)
        assert (case_id in newest) is by_the_new
    assert len(newest) == 2


def test_the_call_with_areas_keeps_each_part_of_the_frame_and_tells_what_is_late(
    areas: tuple[AreasSummary, Events, App],
) -> None:
    summary, _, app = areas
    frame = app.service.states.frame(summary.call)
    for area, told in summary.by_area.items():
        granted = sum(one.amount_ore for one in frame.commitments.values() if one.area == area)
        assert granted == ore(told.granted_total)
        assert told.frame is None or granted <= ore(told.frame)
    assert frame.committed_ore == frame.limit_ore
    assert summary.by_state == {"closed": 6, "lapsed": 1, "not-invited": 1}
    late = app.projector.rows(
        "SELECT facts->>'deadline' AS deadline, count(*)::int AS cases FROM audit_trail"
        " WHERE topic = 'marked-overdue@1' GROUP BY 1 ORDER BY 1"
    )
    assert {row["deadline"]: row["cases"] for row in late} == {"answer-sketch": 1, "application-wanted": 2}
    taken = app.projector.rows(
        "SELECT facts->>'declared' AS step, count(*)::int AS cases FROM audit_trail"
        " WHERE topic = 'declared-step-taken@1' GROUP BY 1"
    )
    assert {row["step"] for row in taken} == {"confirm-cofunding", "invite", "panel-review", "endorse"}
    notices = app.projector.rows("SELECT count(*)::int AS told FROM notices WHERE about = 'marked-overdue@1'")
    assert notices[0]["told"] == 2, "that the authority is late is no notice to the applicant"
    assert all(app.projector.check(name) == [] for name in app.projector.projections)


def test_a_year_told_until_a_day_stops_there_with_the_clock_having_done_its_part(store: Store) -> None:
    app = App.on(store, ledger_keys())
    until = datetime(2023, 8, 29, 22, tzinfo=UTC)
    files = definition_files(CALLS / "imdi-2023-tillegg")
    summary = play(app, files, Story(40, seed=7, until=until)).summary
    assert summary.by_state["submitted"] > 20
    assert summary.by_state["lapsed"] >= 1
    assert summary.paid_total == "0.00"
    last = app.projector.rows("SELECT max(recorded_at) AS at FROM audit_trail")[0]["at"]
    assert last < until


@pytest.mark.parametrize("applications", [1, 7, 19])
def test_a_smaller_year_is_told_as_well(database_url: str, applications: int) -> None:
    summary, _, app = played(database_url, applications)
    assert sum(summary.by_state.values()) == applications
    app.store.close()
