"""What people read is what happened: a year of 2 000 applications, each case compared with the fold of its events."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from conftest import ledger_keys
from given import Step
from steps import CALL_FOLDER, GRANTED, GROUNDS, attest, call_2023, declared, granted, letter
from variants import prepared

from grantflow import aside, pen, projector
from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, Year, play
from grantflow.domain.application import Application, fold
from grantflow.domain.followup import MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import kroner, ore
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.submission import ReceiptIssued
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.store import Store

if TYPE_CHECKING:
    from datetime import datetime

APPLICATIONS = 2_000
BY_STREAM = {"assessment_overview", "case_file", "deadlines"}


@pytest.fixture(scope="module")
def year(module_database_url: str) -> Iterator[tuple[App, Year]]:
    """A year of many applications."""
    with Store(module_database_url) as store:
        app = App.on(store, ledger_keys())
        yield app, play(app, definition_files(CALL_FOLDER), Story(APPLICATIONS, seed=11))


def rows(app: App, query: str, **parameters: object) -> list[dict[str, Any]]:
    return app.projector.rows(query, parameters)


@pytest.mark.timeout(180)
def test_every_case_folded_from_its_stream_is_the_case_that_is_read(year: tuple[App, Year]) -> None:
    app, played = year
    kept = {row["case_id"]: row for row in rows(app, "SELECT * FROM case_file")}
    assert len(kept) == APPLICATIONS == sum(played.summary.by_state.values())
    for row in rows(app, "SELECT case_id, state, version, asked_ore, granted_ore, paid_ore FROM case_list"):
        case = fold(row["case_id"], app.store.load(row["case_id"]))
        assert Application.restored(kept[case.id]["file"]) == case
        assert (row["state"], row["version"], row["asked_ore"]) == (case.state, case.version, case.asked_ore)
        assert row["granted_ore"] == (case.decision.amount_ore if case.decision else 0)
        assert row["paid_ore"] == case.paid_ore
        assert msgspec.json.decode(msgspec.json.encode(case)) == kept[case.id]["file"]


@pytest.mark.timeout(180)
def test_rebuilding_any_read_model_gives_what_following_along_gave(year: tuple[App, Year]) -> None:
    app, _ = year
    assert [d for name in app.projector.projections for d in app.projector.check(name)] == []


def test_read_models_are_the_same_however_small_the_stretches_that_they_are_made_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that are made one stream after the other, where a stretch ends in the middle of a case."""
    monkeypatch.setattr(projector, "BATCH", 7)
    monkeypatch.setattr(aside, "BATCH", 7)
    app = App.on(store, ledger_keys())
    play(app, definition_files(CALL_FOLDER), Story(12, seed=3))
    assert {name for name, one in app.projector.projections.items() if one.by_stream} == BY_STREAM
    assert [d for name in app.projector.projections for d in app.projector.check(name)] == []


def test_read_models_are_the_same_where_rows_have_to_be_forgotten_while_they_are_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with more cases than are remembered; what was forgotten is fetched for many at once, and not row by row."""
    monkeypatch.setattr(aside, "BATCH", 25)
    monkeypatch.setattr(aside, "_MOST_WAITING", 4)
    monkeypatch.setattr(pen, "_FETCHED_AT_ONCE", 4)
    app = App.on(store, ledger_keys())
    play(app, definition_files(CALL_FOLDER), Story(12, seed=3))
    for name in app.projector.projections:
        assert app.projector.check(name) == []
    selected: list[str] = []
    really = pen.TablePen._select

    def select(self: pen.TablePen, table: str, key: tuple[object, ...]) -> Any:
        selected.append(table)
        return really(self, table, key)

    monkeypatch.setattr(pen.TablePen, "_select", select)
    app.projector.rebuild("case_list")
    assert "case_list" not in selected


def test_the_money_agrees_in_every_place_it_is_told(year: tuple[App, Year]) -> None:
    app, played = year
    frame = app.service.states.frame(played.call.id)
    payments = rows(app, "SELECT * FROM payments WHERE granted_ore > 0")
    over_time = rows(app, "SELECT * FROM frame_over_time ORDER BY position")
    assert (
        sum(row["granted_ore"] for row in payments) == frame.committed_ore == over_time[-1]["committed_ore"]
    )
    assert over_time[-1]["left_ore"] == frame.left_ore >= 0
    assert [row["paid_ore"] for row in payments] == [row["attested_ore"] for row in payments]
    assert played.summary.paid_total == kroner(sum(row["paid_ore"] for row in payments))
    assert [row["repaid_ore"] for row in payments] == [row["unspent_ore"] for row in payments]
    for row in payments:
        hands = [row[who] for who in ("granted_by", "account_by", "attested_by", "authorised_by")]
        assert len(set(hands)) == len(hands)


def test_the_assessment_overview_has_the_points_behind_each_score(year: tuple[App, Year]) -> None:
    app, _ = year
    judged = rows(app, "SELECT case_id, score, outcome FROM assessment_overview WHERE score IS NOT NULL")
    assert {row["outcome"] for row in judged} == {"granted", "rejected"}
    for row in judged[:50]:
        case = fold(row["case_id"], app.store.load(row["case_id"]))
        assert case.assessment is not None
        assert case.assessment.score == row["score"]
        points = rows(app, "SELECT * FROM scores WHERE case_id = %(case)s", case=row["case_id"])
        assert len(points) == len(case.scores)


def test_the_municipality_is_told_in_both_forms_of_norwegian_what_is_due_by_when(
    year: tuple[App, Year],
) -> None:
    app, played = year
    late = rows(app, "SELECT DISTINCT stream FROM audit_trail WHERE topic = 'marked-overdue@1'")[0]["stream"]
    inbox = rows(app, "SELECT * FROM notices WHERE case_id = %(case)s ORDER BY position", case=late)
    case = fold(late, app.store.load(late))
    assert {row["organisation"] for row in inbox} == {case.applicant.number}
    assert all(row["nb"] and row["nn"] for row in inbox)
    due: dict[str, datetime] = {row["about"]: row["due_at"] for row in inbox}
    assert due[MarkedOverdue.topic] == due[ReminderSent.topic] == played.call.limit("report")
    told = [row["about"] for row in inbox]
    assert told[0] == ReminderSent.topic
    for kind in (ReceiptIssued, LetterIssued, PaymentConfirmed, OverdueFollowedUp):
        assert kind.topic in told


def test_the_list_of_recipients_has_each_municipality_project_and_amount(year: tuple[App, Year]) -> None:
    app, played = year
    published = rows(
        app, "SELECT municipality, organisation, project, paid_ore FROM recipients WHERE year = 2023"
    )
    assert sum(row["paid_ore"] for row in published) == sum(
        row["paid_ore"] for row in rows(app, "SELECT paid_ore FROM payments")
    )
    assert len(published) == played.summary.by_state["closed"]
    assert all(row["municipality"] and row["project"] and row["paid_ore"] for row in published)


def test_a_payment_under_way_falls_with_the_decision_it_was_for(store: Store) -> None:
    call = call_2023()
    notice = {"reason": "Feil i vedtaket.", "answer_by": "2023-10-20"}
    reverse = {"case_of_35": "invalid", "grounds": GROUNDS, "authority": "IMDi-2023-014"}
    steps = (
        *granted(),
        letter(),
        declared("attestant"),
        attest(),
        Step("notify-reversal", notice, role="case-officer"),
        Step("answer-notice", {"answer": "Enig."}),
    )
    reversed_ = (*steps, Step("reverse", reverse, role="decider"))
    (before,), (after,) = prepared(store, call, 1, *steps), prepared(store, call, 1, *reversed_)
    projector = Projector(store, projections())
    projector.catch_up()
    rows = {row["case_id"]: row for row in projector.rows("SELECT * FROM payments")}
    assert (rows[before]["attested_ore"], rows[before]["attested_by"]) == (ore(GRANTED), "imdi-attestant")
    assert (rows[after]["attested_ore"], rows[after]["attested_by"], rows[after]["attested_at"]) == (
        0,
        None,
        None,
    )
    assert (rows[after]["granted_ore"], rows[after]["letter_at"]) == (0, None)
