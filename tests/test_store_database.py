"""What the store asks of its database and of the library under it: tables, protection, and `save`."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.persistence import IntegrityError, MapperDeserialisationError
from looking import looked
from noted import STAMP, Noted, append, noted
from psycopg import sql

from grantflow import recorder
from grantflow.accesses import AccessLog
from grantflow.domain.errors import NotFound
from grantflow.mapper import EventMapper
from grantflow.recorder import SchemaTooNew
from grantflow.store import Store, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("noted_is_known")

A, B = UUID(int=0xA), UUID(int=0xB)


@pytest.fixture
def superuser(store: Store) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody at the database itself, and a log with two events, two commands, a document and a row of who looked."""
    store.append(append(noted(A, 1), key="one")).result()
    store.append(append(noted(A, 2, "æ"), key="two")).result()
    store.put_document("d1", "application/pdf", b"%PDF")
    AccessLog(store).note(looked())
    with psycopg.connect(store.database_url) as connection:
        yield connection


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("stored_events", "topic"), ("commands", "body"), ("documents", "media_type"), ("access_log", "person")],
)
def test_what_was_booked_cannot_be_changed(
    superuser: psycopg.Connection[tuple[object, ...]], table: str, column: str, role: str
) -> None:
    superuser.execute(sql.SQL("SET session_replication_role = {}").format(sql.Identifier(role)))
    for change in ("UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}"):
        attempt = sql.SQL(change).format(table=sql.Identifier(table), column=sql.Identifier(column))
        refused = pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only")
        with refused, superuser.transaction():
            superuser.execute(attempt)


def test_an_auditor_reads_the_log_with_psql(superuser: psycopg.Connection[tuple[object, ...]]) -> None:
    rows = superuser.execute(
        "SELECT position, stream, version, topic, recorded_at, body ->> 'text' FROM events ORDER BY position"
    ).fetchall()
    assert rows == [
        (1, A, 1, "test-noted@1", STAMP.recorded_at, "note"),
        (2, A, 2, "test-noted@1", STAMP.recorded_at, "æ"),
    ]


def test_fsync_and_the_commit_are_waited_for(store: Store) -> None:
    with store.connection() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
            assert row == ("on",)


def test_many_can_start_at_once_on_an_empty_database(empty_database_url: str) -> None:
    def start_and_append(_: int) -> None:
        with Store(empty_database_url) as store:
            store.append(append(noted(uuid4(), 1))).result()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(start_and_append, range(8)))
    with Store(empty_database_url) as store:
        assert store.last_position() == 8


def test_a_changed_schema_is_brought_in_and_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(append(noted(A, 1))).result()
    monkeypatch.setattr(recorder, "_SCHEMA_DIGEST", "another text")
    with Store(store.database_url) as newer:
        assert newer.last_position() == 1
        assert newer.append(append(noted(A, 2))).result().positions == (2,)


def test_an_older_program_does_not_touch_a_newer_database(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "SCHEMA_VERSION", 0)
    with pytest.raises(SchemaTooNew, match="newer GrantFlow"):
        Store(store.database_url)


def test_a_database_that_is_not_there_is_said_to_be_unavailable(store: Store) -> None:
    with pytest.raises(Unavailable, match="does not exist"):
        Store(psycopg.conninfo.make_conninfo(store.database_url, dbname="nobody_made_this"))


def test_documents_are_kept_once_under_their_digest(store: Store) -> None:
    store.put_document("d1", "application/pdf", b"%PDF\0\xff")
    store.put_document("d1", "text/plain", b"something else")
    assert store.get_document("d1") == ("application/pdf", b"%PDF\0\xff")
    with pytest.raises(NotFound):
        store.get_document("d2")


@pytest.mark.parametrize("position", [-1, 0, 2])
def test_a_position_outside_the_log_is_not_found(store: Store, position: int) -> None:
    store.append(append(noted(A, 1))).result()
    with pytest.raises(NotFound):
        store.entry(position)


def test_the_library_saves_through_the_same_statement(store: Store) -> None:
    assert isinstance(store, Application)
    recordings = store.save(noted(A, 1), noted(B, 1), noted(A, 2))
    assert [recording.notification.id for recording in recordings] == [1, 2, 3]
    assert store.append(append(noted(A, 3))).result().positions == (4,)
    with pytest.raises(IntegrityError):
        store.save(noted(B, 2), noted(A, 3))
    assert [entry.originator_version for entry in store.events.get(A)] == [1, 2, 3]
    assert [item.id for item in store.notification_log.select(1, limit=10)] == [1, 2, 3, 4]
    assert store.recorder.max_notification_id() == 4


def test_a_subscriber_of_the_librarys_own_is_woken(store: Store) -> None:
    with store.recorder.subscribe(gt=0) as subscription:
        store.append(append(noted(A, 1), noted(B, 1)))
        store.append(append(noted(A, 2)))
        assert [next(subscription).id for _ in range(3)] == [1, 2, 3]


def test_one_who_waits_is_woken_by_an_append_in_another_process(store: Store, database_url: str) -> None:
    assert store.wait(0, seconds=0.05) == 0
    with Store(database_url) as other:
        threading.Timer(0.1, lambda: other.append(append(noted(A, 1), noted(A, 2))).result()).start()
        assert store.wait(0, seconds=10) == 2
    assert store.wait(1, seconds=10) == 2


def test_the_environment_of_the_process_does_not_reach_the_library(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POSTGRES_DBNAME", "POSTGRES_SCHEMA", "STORED_POSTGRES_HOST", "ORIGINATOR_ID_TYPE"):
        monkeypatch.setenv(name, "elsewhere")
    for name in ("POSTGRES_ENABLE_DB_FUNCTIONS", "IS_SNAPSHOTTING_ENABLED", "STORED_CIPHER_TOPIC"):
        monkeypatch.setenv(name, "yes")
    with Store(database_url) as store:
        assert store.save(noted(A, 1))[0].notification.id == 1


@pytest.mark.parametrize(
    "library",
    [
        {"COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor"},
        {"CIPHER_TOPIC": "noted:Masking", "CIPHER_KEY": "123"},
        {
            "COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor",
            "CIPHER_TOPIC": "noted:Masking",
            "CIPHER_KEY": "3",
        },
    ],
)
def test_events_can_be_compressed_and_encrypted_as_the_library_does(
    database_url: str, library: dict[str, str]
) -> None:
    entry = noted(A, 1, "hemmelig " * 50)
    with Store(database_url, library=library) as store:
        store.append(append(entry)).result()
        assert store.load(A) == [entry.placed(1)]
        assert list(store.events.get(A)) == [entry]
        with store.connection() as connection:
            row = connection.execute("SELECT state, body FROM stored_events, events").fetchone()
    assert row is not None
    assert b"hemmelig" not in row[0]
    assert row[1] is None


def test_an_entry_is_stored_as_its_own_json_and_comes_back_the_same() -> None:
    mapper, entry = EventMapper(), noted(A, 7, "ære")
    row = mapper.to_stored_event(entry)
    assert (row.originator_id, row.originator_version, row.topic) == (A, 7, "test-noted@1")
    assert row.state.startswith(b'{"stamp":{"recorded_at":"2023-08-14T08:00:00Z"')
    assert mapper.to_domain_event(row) == entry


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("test-forgotten@1", b"{}"),
        ("test-noted@1", b"{}"),
        ("test-noted@1", b'{"text": 1}'),
        ("test-noted@1", b"\xff"),
    ],
)
def test_an_event_that_cannot_be_read_is_named(topic: str, state: bytes) -> None:
    with pytest.raises(MapperDeserialisationError, match=rf"{A}\.3 of topic '{topic}'"):
        EventMapper().entry(A, 3, topic, state)


def test_a_mapper_knows_the_tests_event_as_it_knows_the_domains() -> None:
    assert EventMapper().to_domain_event(EventMapper().to_stored_event(noted(A, 1))).event == Noted(
        stamp=STAMP, text="note"
    )


def test_one_at_a_time_stands_at_a_contended_stream(store: Store, database_url: str) -> None:
    inside: list[int] = []

    def write(store: Store) -> None:
        with store.exclusive(A):
            inside.append(1)
            assert len(inside) == 1
            version = len(store.load(A)) + 1
            store.append(append(noted(A, version))).result()
            inside.pop()

    with Store(database_url) as other, ThreadPoolExecutor(12) as threads:
        list(threads.map(write, [store, other] * 30))
    assert len(store.load(A)) == 60


def test_many_lines_do_not_keep_each_other_from_reading(store: Store) -> None:
    def write(_: int) -> None:
        stream = uuid4()
        with store.exclusive(stream):
            store.append(append(noted(stream, len(store.load(stream)) + 1))).result()

    with ThreadPoolExecutor(24) as threads:
        list(threads.map(write, range(96)))
    assert store.last_position() == 96


def test_a_place_in_line_is_given_back_when_the_work_fails(store: Store, database_url: str) -> None:
    with pytest.raises(ZeroDivisionError), store.exclusive(A):
        _ = 1 // 0
    begun = time.monotonic()
    with Store(database_url) as other, other.exclusive(A), store.exclusive(B):
        pass
    assert time.monotonic() - begun < 5
    assert not store._queues


def test_nobody_waits_for_ever_behind_one_who_hangs(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grantflow.store.LINE_SECONDS", 1)
    with Store(database_url) as other, other.exclusive(A), store.exclusive(A):
        assert store.append(append(noted(A, 1))).result().positions == (1,)
