"""The demo's story told over HTTP alone, by separate people with separate tokens: it comes out the same."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
import pytest
from conftest import fresh_database, ledger_keys
from over_http import OverHttp, Way
from story_service import StoryService

from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Afterword, Story, Year, audited, play, play_areas
from grantflow.domain.event import body_of
from grantflow.rooms import room
from grantflow.store import Store
from grantflow.web.views import ReceiptView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from grantflow.domain.event import Entry, Event

STORY = Story(applications=40, seed=7)
Outcome: TypeAlias = Year | Afterword
TOLD: dict[str, Callable[[App, Mapping[str, str], Story], Outcome]] = {
    "imdi-2023-tillegg": play,
    "eksempel-2025-omrader": play_areas,
}
EVERY = 3
"""Which of the commands are sent once more."""


class Both(NamedTuple):
    """A call's story as it is told at the machine and over HTTP: what came of it, and what it was told on."""

    here: Outcome
    there: Outcome
    app_here: App
    app_there: App
    way: Way


@pytest.fixture(scope="module", params=TOLD)
def both(
    request: pytest.FixtureRequest, server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """Tell a call's story twice."""
    tell = TOLD[request.param]
    files = definition_files(room("workflows") / "calls" / request.param)
    with (
        fresh_database(server, template) as near,
        fresh_database(server, template) as far,
        StoryService(far, tmp_path_factory.mktemp("served")) as service,
        Store(near) as store_here,
        Store(far) as store_there,
    ):
        here, there = (App.on(store, ledger_keys()) for store in (store_here, store_there))
        told_here = tell(here, files, STORY)
        with Way(service) as way:
            told_there = tell(replace(there, service=OverHttp(there, way)), files, STORY)
            yield Both(told_here, told_there, here, there, way)


def test_the_story_comes_out_the_same(both: Both) -> None:
    """States, money and events by kind; and every refusal, by whom, with its code, its words and its rules."""
    assert both.there.summary == both.here.summary
    assert both.there.refusals == both.here.refusals
    assert len({(told.by.person, told.by.role) for told in both.way.told}) > 20


def test_every_event_is_the_same_to_the_byte_but_for_the_channel(both: Both) -> None:
    here, there = _log(both.app_here), _log(both.app_there)
    assert {entry.id: body_of(_over_http(entry)) for entry in here} == {
        entry.id: body_of(entry.event) for entry in there
    }
    assert [entry.event.stamp.recorded_at for entry in there] == [
        entry.event.stamp.recorded_at for entry in here
    ]


def test_each_receipt_is_of_an_event_that_stands_where_it_says(both: Both) -> None:
    stands = {entry.id: entry for entry in _log(both.app_there)}
    for told in both.way.told:
        entry = stands[told.receipt.event]
        assert entry.position == told.receipt.position
        assert sha256(body_of(entry.event)).hexdigest() == told.receipt.digest
        assert entry.event.stamp.state == told.receipt.state


def test_the_auditor_finds_the_same(both: Both) -> None:
    """All but who has looked: at the machine nobody did, and over HTTP they had to."""
    here, there = audited(both.app_here), audited(both.app_there)
    assert there.faults == 0
    differ = {name for name, rows in there.rows.items() if rows != here.rows[name]}
    assert differ == {"access"}
    assert there.breaches == here.breaches


def test_what_is_sent_again_gets_the_first_answer_and_nothing_more_happens(both: Both) -> None:
    """Long after, when hardly any of it would be allowed."""
    told, last = both.way.told[::EVERY], both.app_there.store.last_position()
    answers = both.way.people.map(lambda one: both.way.post(one.path, one.by, one.said), told)
    for one, again in zip(told, answers, strict=True):
        assert again.headers["idempotent-replayed"] == "true"
        assert msgspec.json.decode(again.content, type=ReceiptView) == one.receipt
    assert both.app_there.store.last_position() == last


def _log(app: App) -> list[Entry]:
    return app.store.read(0, 100_000)


def _over_http(entry: Entry) -> Event:
    """The event as it would be had it been told over HTTP; the clock is at the machine in any case."""
    stamp = entry.event.stamp
    channel = "clock" if stamp.role == "clock" else "http"
    return msgspec.structs.replace(entry.event, stamp=msgspec.structs.replace(stamp, channel=channel))
