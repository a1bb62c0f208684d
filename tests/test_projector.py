"""A read model that fails stops alone and says where; a database that goes away for a moment stops none."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from noted import Noted, append, noted

from grantflow.projection import Pen, Projection, Table
from grantflow.projector import Projector
from grantflow.recorder import CHANNEL
from grantflow.store import Store, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.domain.event import Entry

pytestmark = pytest.mark.usefixtures("noted_is_known")

TABLE = Table(columns={"position": "bigint", "text": "text"}, key=("position",))


def notes(before: Callable[[Entry], Any] = lambda _: None, name: str = "notes") -> Projection:
    """A read model of notes that does something before each."""

    def write(pen: Pen, entry: Entry) -> None:
        before(entry)
        assert isinstance(entry.event, Noted)
        pen.add(name, position=entry.position, text=entry.event.text)

    return Projection(name=name, question="Which notes?", tables={name: TABLE}, on={Noted: write})


def write(store: Store, many: int) -> None:
    for _ in range(many):
        store.append(append(noted(uuid4(), 1))).result()


def cut(address: str) -> None:
    """Cut every connection but one's own."""
    with psycopg.connect(address, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def waiting_for_a_row(store: Store) -> None:
    """Wait until somebody waits for what this transaction holds."""
    with psycopg.connect(store.database_url, autocommit=True) as other:
        query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while other.execute(query).fetchone() is None:
            time.sleep(0.01)


def test_a_read_model_that_fails_stops_alone_at_that_event_and_says_so(store: Store) -> None:
    def fails(entry: Entry) -> None:
        if entry.position == 3:
            msg = "no"
            raise ValueError(msg)

    write(store, 5)
    projector = Projector(store, [notes(fails), notes(name="others")])
    projector.catch_up()
    standings = {s.name: s for s in projector.standings()}
    assert (standings["notes"].position, standings["others"].position) == (2, 5)
    assert "position 3 (test-noted@1): ValueError: no" in str(standings["notes"].error)


def test_a_connection_lost_in_the_middle_is_no_fault_of_the_read_model(store: Store) -> None:
    cuts: list[Entry] = []

    def cut_off(entry: Entry) -> None:
        if entry.position == 3 and len(cuts) < 2:
            cuts.append(entry)
            cut(store.database_url)

    write(store, 5)
    projector = Projector(store, [notes(cut_off)])
    for _ in range(2):
        with pytest.raises(Unavailable):
            projector.catch_up()
    projector.catch_up()
    assert [(s.position, s.error) for s in projector.standings()] == [(5, None)]
    assert projector.check("notes") == []


def test_what_fails_in_an_older_program_does_not_stop_a_newer_one_that_went_past_it(store: Store) -> None:
    newer, calls = Thread(target=Projector(store, [notes()]).catch_up), count(1)

    def overtaken(entry: Entry) -> None:
        if entry.position == 3:
            if next(calls) == 2:  # by itself, after it failed among others
                newer.start()
                waiting_for_a_row(store)
            msg = "the older program does not know what to do"
            raise ValueError(msg)

    write(store, 5)
    older = Projector(store, [notes(overtaken)])
    older.catch_up()
    newer.join()
    assert [(s.position, s.error) for s in older.standings()] == [(5, None)]


def test_a_lag_is_never_negative(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    projector = Projector(store, [notes()])
    write(store, 2)
    really = store.last_position

    def overtaken() -> int:
        last = really()
        write(store, 1)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(store, "last_position", really)
            Projector(store, [notes()]).catch_up()
        return last

    with monkeypatch.context() as racing:
        racing.setattr(store, "last_position", overtaken)
        assert [s.lag >= 0 for s in projector.standings()] == [True]


def test_while_a_read_model_is_checked_all_go_on(store: Store) -> None:
    building, go_on, seen = Event(), Event(), count()

    def slow(entry: Entry) -> None:
        if entry.position == 3 and next(seen) == 1:  # the second to see it is the check
            building.set()
            assert go_on.wait(20)

    write(store, 5)
    projector = Projector(store, [notes(slow), notes(name="others")])
    projector.catch_up()
    with ThreadPoolExecutor(2) as pool:
        checking = pool.submit(projector.check, "notes")
        try:
            assert building.wait(10)
            write(store, 3)
            assert pool.submit(projector.catch_up).result(5) == 8
            assert {s.position for s in projector.standings()} == {8}
        finally:
            go_on.set()
        assert checking.result(10) == []
    assert projector.rebuild("notes") == 8, "the lock was let go of"
    with store.connection() as connection:
        connection.execute("INSERT INTO read.notes VALUES (99, 'of no event')")
    assert [difference.row["position"] for difference in projector.check("notes")] == [99]


def test_while_a_read_model_is_checked_no_rebuild_puts_other_tables_in_its_place(store: Store) -> None:
    building, go_on, seen = Event(), Event(), count()

    def slow(entry: Entry) -> None:
        if entry.position == 3 and next(seen) == 1:
            building.set()
            assert go_on.wait(20)

    write(store, 5)
    projector = Projector(store, [notes(slow)])
    projector.catch_up()
    with ThreadPoolExecutor(2) as pool:
        checking = pool.submit(projector.check, "notes")
        try:
            assert building.wait(10)
            write(store, 1)
            rebuilding = pool.submit(projector.rebuild, "notes")
            waiting_for_a_row(store)
            assert not rebuilding.done()
        finally:
            go_on.set()
        assert checking.result(10) == []
        assert rebuilding.result(10) == 6


def test_a_second_start_writes_nothing_and_so_needs_no_right_to(store: Store) -> None:
    write(store, 2)
    Projector(store, [notes()]).catch_up()
    reading = psycopg.conninfo.make_conninfo(
        store.database_url, options="-c default_transaction_read_only=on"
    )
    with Store(reading) as readable:
        projector = Projector(readable, [notes()])
        assert [(s.position, s.error) for s in projector.standings()] == [(2, None)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            Projector(readable, [notes(), notes(name="others")])
    Projector(store, [notes(), notes(name="others")])
    changed = replace(notes(), tables={"notes": replace(TABLE, indexes=(("text",),))})
    assert "declared differently" in str(Projector(store, [changed]).standings()[0].error)


def test_two_projectors_at_once_write_each_row_once(store: Store) -> None:
    stop, projectors = Event(), [Projector(store, [notes()]) for _ in range(3)]

    def follow(projector: Projector) -> None:
        while not stop.is_set():
            projector.catch_up()

    threads = [Thread(target=follow, args=(projector,)) for projector in projectors]
    for thread in threads:
        thread.start()
    write(store, 200)
    stop.set()
    for thread in threads:
        thread.join()
    projectors[0].catch_up()
    assert projectors[0].check("notes") == []
    assert len(projectors[0].rows("SELECT * FROM notes")) == 200


def test_rows_that_are_to_stand_together_do_once_the_read_model_is_made_anew(store: Store) -> None:
    """In the order of the log, what is asked for together lies scattered over the whole table."""
    streams = sorted((uuid4() for _ in range(3)), key=str)
    for version in range(1, 4):
        for stream in streams:
            store.append(append(noted(stream, version))).result()

    def write_by_stream(pen: Pen, entry: Entry) -> None:
        pen.add("by_stream", position=entry.position, stream=entry.originator_id)

    table = Table(
        columns={"position": "bigint", "stream": "uuid"},
        key=("position",),
        indexes=(("stream", "position"),),
        together=("stream", "position"),
    )
    projection = Projection("by_stream", "Which?", {"by_stream": table}, on={Noted: write_by_stream})
    projector = Projector(store, [projection])
    projector.catch_up()
    laid_out = "SELECT array_agg(stream ORDER BY ctid) AS streams FROM by_stream"
    assert projector.rows(laid_out)[0]["streams"] == streams * 3
    projector.rebuild("by_stream")
    assert projector.rows(laid_out)[0]["streams"] == [stream for stream in streams for _ in range(3)]
    projector.rebuild("by_stream")  # its index's name is free again


def test_where_the_rows_stand_is_no_other_read_model(store: Store) -> None:
    """A database whose tables were made before they were laid out need not be made anew."""
    Projector(store, [notes()])
    laid_out = replace(TABLE, together=("text",))
    projector = Projector(store, [replace(notes(), tables={"notes": laid_out})])
    assert [standing.error for standing in projector.standings()] == [None]


def test_read_models_made_together_are_put_in_place_together_or_not_at_all(store: Store) -> None:
    def fails(entry: Entry) -> None:
        if entry.position == 3 and broken:
            msg = "no"
            raise ValueError(msg)

    broken: list[bool] = []
    write(store, 5)
    projector = Projector(store, [notes(fails), *(notes(name=name) for name in "abcd")])
    projector.catch_up()
    with store.connection() as connection:
        connection.execute("DELETE FROM read.a")
    broken.append(True)
    with pytest.raises(ValueError, match="no"):
        projector.rebuild("a", "b", "c", "d", "notes")
    assert projector.rows("SELECT * FROM a") == []
    broken.clear()
    assert projector.rebuild("a", "b", "c", "d", "notes") == 5
    assert len(projector.rows("SELECT * FROM a")) == 5


def test_a_rebuild_lets_those_go_first_who_read_its_tables_in_another_order(store: Store) -> None:
    write(store, 3)
    projector = Projector(store, [notes(name=name) for name in ("a", "b")])
    projector.catch_up()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(store.database_url) as reader:
        reader.execute("SELECT * FROM read.b")
        rebuilding = pool.submit(projector.rebuild, "a", "b")
        waiting_for_a_row(store)
        reader.execute("SELECT * FROM read.a")
        reader.commit()
        assert rebuilding.result(10) == 3


def test_a_rebuild_rings_for_what_was_stored_while_its_read_model_had_stopped(store: Store) -> None:
    projector = Projector(store, [notes()])
    write(store, 1)
    with psycopg.connect(store.database_url, autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        projector.rebuild("notes")
        assert [heard.channel for heard in listening.notifies(timeout=5, stop_after=1)] == [CHANNEL]
