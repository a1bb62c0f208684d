"""What is kept when a connection, a process or the whole server dies in the middle of appends."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from noted import append, noted
from reaper import server_of

from grantflow import embedded, outcomes, writer
from grantflow.recorder import insert_commands, on_record
from grantflow.store import Appended, Conflict, Store, Unavailable

if TYPE_CHECKING:
    from grantflow.connections import Connection
    from grantflow.recorder import Answer, StoredCommand

pytestmark = pytest.mark.usefixtures("noted_is_known")

A = UUID(int=0xA)
APPENDER = str(Path(__file__).with_name("appender.py"))


def kept(address: str) -> dict[UUID, tuple[int, int]]:
    """Check that the log is whole, and give what it has answered: a command on record to first and last position."""
    with psycopg.connect(address) as connection:
        # One look at both tables: what was in flight when the process died may commit in between.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = connection.execute(
            "SELECT c.key, c.first_position, c.last_position, count(e.notification_id) "
            "FROM commands c LEFT JOIN stored_events e "
            "ON e.notification_id BETWEEN c.first_position AND c.last_position GROUP BY 1"
        ).fetchall()
        log = connection.execute(
            "SELECT count(*), coalesce(max(notification_id), 0) FROM stored_events"
        ).fetchone()
        gaps = connection.execute(
            "SELECT originator_id FROM stored_events GROUP BY 1 HAVING count(*) <> max(originator_version)"
        ).fetchall()
    assert log is not None
    assert log[0] == log[1] == sum(last - first + 1 for _, first, last, _ in rows)
    assert all(count == last - first + 1 for _, first, last, count in rows)
    assert gaps == []
    return {key: (first, last) for key, first, last, _ in rows}


def test_a_lost_connection_loses_and_repeats_nothing(store: Store, database_url: str) -> None:
    stop = threading.Event()

    def write(_: int) -> list[tuple[UUID, Appended]]:
        stream, version, done = uuid4(), 0, []
        while not stop.is_set():
            version += 1
            command = append(noted(stream, version), noted(uuid4(), 1))
            done.append((on_record(command.key), store.append(command).result()))
        return done

    with ThreadPoolExecutor(8) as threads:
        writers = [threads.submit(write, n) for n in range(8)]
        with psycopg.connect(database_url, autocommit=True) as other:
            for _ in range(20):
                time.sleep(0.05)
                if (connection := store._writer._connection) is not None:
                    other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        stop.set()
        promised = [answer for writer_ in writers for answer in writer_.result()]
    assert len(promised) > 100
    assert kept(database_url) == {key: (a.positions[0], a.positions[-1]) for key, a in promised}


def test_an_answer_lost_on_its_way_is_asked_for_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    really = insert_commands
    calls = []

    def stored_but_cut_off(connection: Connection, commands: list[StoredCommand]) -> list[Answer]:
        calls.append(commands)
        answers = really(connection, commands)
        if len(calls) == 1:
            connection.close()
            msg = "the line went dead"
            raise psycopg.OperationalError(msg)
        return answers

    monkeypatch.setattr(outcomes, "insert_commands", stored_but_cut_off)
    assert store.append(append(noted(A, 1), noted(A, 2))).result() == Appended((1, 2), repeated=True)
    assert len(calls) == 2
    assert store.last_position() == 2


def test_a_database_that_stays_away_is_said_to_be_unavailable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> list[Answer]:
        msg = "nobody is there"
        raise psycopg.OperationalError(msg)

    store.append(append(noted(A, 1))).result()
    with monkeypatch.context() as away:
        away.setattr(writer, "RETRY_SECONDS", 0.2)
        away.setattr(writer, "connect", gone)
        with psycopg.connect(store.database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="nobody is there"):
            store.append(append(noted(A, 2))).result()
        for _ in range(20):
            with pytest.raises(Unavailable):
                store.append(append(noted(A, 2))).result()
        assert time.monotonic() - begun < 5
    assert store.append(append(noted(A, 2))).result().positions == (2,)
    assert len(store.load(A)) == 2


def test_connections_that_died_while_idle_are_not_used(store: Store) -> None:
    store.append(append(noted(A, 1))).result()
    with psycopg.connect(store.database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert len(store.load(A)) == 1
    with store.exclusive(A):
        assert store.append(append(noted(A, 2))).result().positions == (2,)


def test_a_killed_process_leaves_every_promise_kept_and_nothing_half(database_url: str) -> None:
    promised: dict[UUID, tuple[int, int]] = {}
    for _ in range(3):
        command = [sys.executable, APPENDER, database_url, "2", "1000000", "40"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(400)]
            process.kill()
            lines += process.stdout.readlines()
        for line in lines:
            if line.endswith("\n"):
                key, first, last = line.split()
                promised[on_record(key)] = int(first), int(last)
    assert len(promised) >= 1_200
    assert promised.items() <= kept(database_url).items()


def test_a_killed_server_comes_back_with_every_promise_kept(own_home: Path) -> None:
    address = embedded.database(embedded.start(own_home), "grantflow")
    with Store(address) as store:
        streams, promised = [uuid4() for _ in range(20)], {}
        for version in range(1, 11):
            commands = [append(noted(stream, version)) for stream in streams]
            for command, future in [(command, store.append(command)) for command in commands]:
                promised[on_record(command.key)] = (future.result().positions[0],) * 2
        last = store.append(append(noted(A, 1)))
        server = server_of(own_home)
        assert server is not None
        server.kill()
        embedded.start(own_home)
        assert last.result().positions == (201,)
        assert promised.items() <= kept(address).items()
        with pytest.raises(Conflict):
            store.append(append(noted(A, 1))).result()
        assert store.append(append(noted(A, 2))).result().positions == (202,)
