"""A case as it stood at an instant: 10 000 times the fold of the events up to then, done again by a dumb loop."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import msgspec
import pytest
from conftest import ledger_keys
from given import CASE, Given, Step
from spoken import speaking
from steps import CALL_FOLDER, call_2023, declared, submitted

from grantflow.app import App
from grantflow.cli.case_views import as_it_stood
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.domain.application import Application, evolve
from grantflow.domain.casework import StatementRecorded
from grantflow.domain.correction import FactCorrected
from grantflow.domain.errors import NotFound
from grantflow.domain.event import Entry, Event
from grantflow.domain.standing import By, standing
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

APPLICATIONS, PAIRS = 200, 10_000
FIRST = "imdi-2023-tillegg-0001"


@pytest.fixture(scope="module")
def year(module_database_url: str) -> Iterator[App]:
    """A year of many applications."""
    with Store(module_database_url) as store:
        app = App.on(store, ledger_keys())
        play(app, definition_files(CALL_FOLDER), Story(APPLICATIONS, seed=5))
        yield app


def test_a_case_at_any_instant_is_the_fold_of_the_events_up_to_then(year: App) -> None:
    """Instants at an event to the microsecond, just before and after one, and anywhere in the case's life."""
    chance = Random(17)  # noqa: S311 - no secret
    streams = [row["case_id"] for row in year.projector.rows("SELECT case_id FROM case_list ORDER BY number")]
    whole = {stream: year.store.load(stream) for stream in streams}
    assert len(streams) == APPLICATIONS
    seen = Counter[str]()
    for _ in range(PAIRS):
        case = chance.choice(streams)
        by: By = "happened" if chance.random() < 0.25 else "recorded"
        at = some_instant(chance, whole[case])
        expected = recorded_by(case, whole[case], at) if by == "recorded" else true_by(case, whole[case], at)
        seen["nothing" if expected.version == 0 else by] += 1
        assert shown(year, case, at, by) == expected, (case, at, by)
    assert min(seen.values()) > 100, seen


def shown(app: App, case: UUID, at: datetime, by: By) -> Application:
    """What `case show --at` prints; a case without events where it says that there was none."""
    try:
        return as_it_stood(app, case, at, by).case
    except NotFound:
        return Application(id=case)


def some_instant(chance: Random, entries: Sequence[Entry]) -> datetime:
    """An instant in the life of a case, often at the very edge of an event."""
    stamp = chance.choice(entries).event.stamp
    edge = stamp.effective_at if stamp.effective_at and chance.random() < 0.5 else stamp.recorded_at
    moved = chance.choice((0, 0, -1, 1, chance.randrange(-(10**13), 10**13)))
    return edge + timedelta(microseconds=moved)


def recorded_by(case_id: UUID, entries: Sequence[Entry], at: datetime) -> Application:
    """The case after every event that was recorded by an instant."""
    case = Application(id=case_id)
    for entry in entries:
        if entry.event.stamp.recorded_at <= at:
            case = evolve(case, entry)
    return case


def true_by(case_id: UUID, entries: Sequence[Entry], at: datetime) -> Application:
    """The case until the first event that had not happened, and what was corrected in it later."""
    case, ended = Application(id=case_id), False
    for entry in entries:
        event, stamp = entry.event, entry.event.stamp
        ended = ended or (stamp.effective_at or stamp.recorded_at) > at
        if not ended:
            case = evolve(case, entry)
        elif isinstance(event, FactCorrected) and event.corrects <= case.version and stamp.effective_at:
            case = event.apply(case) if stamp.effective_at <= at else case
    return case


HOUR = timedelta(hours=1)
WRONG, RIGHT = "HK-dir tilrår ikke tiltaket.", "HK-dir tilrår tiltaket."


def told_late() -> tuple[list[Entry], datetime]:
    """A statement came half an hour before a request, was recorded an hour after it, and corrected later still."""
    question, asked = "Er opplegget forsvarlig?", {"what": "Hvor mange deltakere?", "due": "2023-10-02"}
    given = Given(
        call_2023(),
        *submitted(),
        declared(),
        Step("consult", {"body": "HK-dir", "question": question}, role="case-officer"),
        Step("request-information", asked, role="case-officer"),
        Step("record-statement", {"body": "HK-dir", "statement": WRONG}, role="case-officer"),
    )
    came_at = given.events[-2].stamp.recorded_at - HOUR / 2
    given.events[-1] = happened(given.events[-1], came_at)
    said = {"entry": len(given.events), "field": "statement", "value": RIGHT, "reason": "Lest feil."}
    given.when(Step("correct", said, role="case-officer")).then(FactCorrected)
    given.events[-1] = happened(given.events[-1], came_at)
    return [Entry(CASE, n, event) for n, event in enumerate(given.events, start=1)], came_at


def happened(event: Event, at: datetime) -> Event:
    """The same event, told late: it happened at another instant than it was recorded."""
    return msgspec.structs.replace(event, stamp=msgspec.structs.replace(event.stamp, effective_at=at))


def test_what_had_happened_but_was_recorded_after_something_that_had_not_is_told_apart() -> None:
    entries, came_at = told_late()
    stood = standing(CASE, entries, came_at, "happened")
    assert isinstance(stood.apart[0].event, StatementRecorded)
    assert [entry.event.topic for entry in stood.apart] == ["statement-recorded@1", "fact-corrected@1"]
    assert stood.case == standing(CASE, entries, came_at).case
    assert stood.case.statements == {}


def test_by_what_happened_a_fact_reads_as_it_was_corrected_later() -> None:
    entries, came_at = told_late()
    statement, correction = entries[-2:]
    by_then = statement.event.stamp.recorded_at - HOUR / 2
    assert by_then > came_at
    known, true = standing(CASE, entries, by_then), standing(CASE, entries, by_then, "happened")
    assert (known.case.statements, known.case.requests[0].answer) == ({}, None)
    assert true.case.statements == {"HK-dir": RIGHT}
    assert (true.entries[-1], true.corrections, true.apart) == (correction, [], [])
    between = standing(CASE, entries, statement.event.stamp.recorded_at)
    assert between.case.statements == {"HK-dir": WRONG}


def test_a_correction_that_was_recorded_after_something_else_is_read_into_the_case_as_it_really_was() -> None:
    entries, _ = told_late()
    statement, correction = entries[-2:]
    at = statement.event.stamp.recorded_at
    other = msgspec.structs.replace(entries[-3].event.stamp, recorded_at=at + HOUR)
    reminded = msgspec.structs.replace(entries[-3].event, stamp=other)
    moved = [
        *entries[:-1],
        Entry(CASE, len(entries), reminded),
        Entry(CASE, len(entries) + 1, correction.event),
    ]
    stood = standing(CASE, moved, at, "happened")
    assert [entry.originator_version for entry in stood.corrections] == [len(entries) + 1]
    assert (stood.case.version, stood.case.statements) == (len(entries) - 1, {"HK-dir": RIGHT})


def test_the_commands_show_a_case_and_its_history_at_an_instant(
    year: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say = speaking(year.store.database_url, monkeypatch, capsys)
    all_of_it = say("case", "history", FIRST, "--json").json["items"]
    paid = next(row for row in all_of_it if row["topic"] == "payment-confirmed@2")
    shown = [
        say("case", "show", FIRST, "--at", paid["effective_at"], *by, "--json").json
        for by in ((), ("--by", "recorded"), ("--by", "happened"))
    ]
    assert [one.get("paid_ore", 0) for one in shown] == [0, 0, paid["facts"]["amount_ore"]]
    assert (shown[2]["corrections_read_in"], shown[2]["happened_apart"]) == ([], [])
    until = say("case", "history", FIRST, "--at", paid["recorded_at"], "--json").json["items"]
    assert until == all_of_it[: paid["version"]]
    page = say("case", "history", FIRST, "--at", paid["recorded_at"]).out
    assert "The bank paid" in page
    assert "Delivered report" not in page
    assert "no such case at that instant" in say("case", "history", FIRST, "--at", "2023-01-01").err
    assert "needs --at" in say("case", "show", FIRST, "--by", "happened").err
    assert say("case", "show", FIRST, "--at", "2023-10-01", "--by", "heard").code == 2
