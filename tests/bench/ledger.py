"""How fast the ledger is, beside a bare SELECT of the same rows in the same run: `make bench`; EVENTS=1000000 for more.

A year of the demo is played once, and its events are stored again and again under other streams until there are enough.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from reaper import clear

from grantflow import embedded, logs
from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.evidence.pack import write_pack
from grantflow.evidence.selecting import Scope
from grantflow.judging import judge
from grantflow.ledger.anchors import own_anchors
from grantflow.ledger.fields import verify_fields
from grantflow.ledger.verifying import Looked, verify_log
from grantflow.rooms import room
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = int(os.environ.get("EVENTS", "200000"))
APPLICATIONS = int(os.environ.get("APPLICATIONS", "8000"))
CALL = "imdi-2023-tillegg"
ROUNDS = 3
SELECT = (
    "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
    "ORDER BY notification_id"
)


def main() -> None:
    """Measure, and print a table."""
    logs.set_up("error", "json")
    with tempfile.TemporaryDirectory(prefix="grantflow-bench-") as folder:
        home = Path(folder)
        server = embedded.start(home)
        try:
            year(home, embedded.database(server, "year"))
            many(home, embedded.database(server, "year"), embedded.database(server, "many"))
        finally:
            clear(home)


def year(home: Path, address: str) -> None:
    """A real call: every event decided again, the digests of its fields, and its pack."""
    with Store(address) as store:
        app = App.on(store, home / "ledger.keys")
        play(app, definition_files(room("workflows") / "calls" / CALL), Story(APPLICATIONS))
        note = app.ledger.seal()
        events = store.last_position()
        say(f"a call of {APPLICATIONS} applications, {events} events")
        for _ in range(ROUNDS):
            bare = selected(address)
            with timed() as judged:
                faults = list(judge(store, lambda *_: None).faults())
            assert not faults, faults[:1]
            rate("every event decided again", events, judged[0], bare)
        for _ in range(ROUNDS):
            bare = selected(address)
            with timed() as looked:
                faults = list(verify_fields(store, lambda *_: None))
            assert not faults, faults[:1]
            rate("digests of fields", events, looked[0], bare)
        with timed() as packed:
            made = write_pack(store, note, Scope(call=CALL), home / "call.zip")
        say(f"  its evidence pack: {packed[0]:.1f} s, {made.bytes / 1e6:.1f} MB")


def many(home: Path, source: str, address: str) -> None:
    """A long log: hashes, order and checkpoints; and proofs."""
    with Store(address) as store:
        fill(source, address)
        ledger = App.on(store, home / "ledger.keys").ledger
        with timed() as sealing:
            ledger.seal()
        say(f"a log of {EVENTS} events; sealed at {EVENTS / sealing[0]:,.0f} events a second")
        for _ in range(ROUNDS):
            bare = selected(address)
            with store.connection() as connection, connection.transaction(), timed() as verified:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                anchors, _ = own_anchors(connection, [])
                faults = list(verify_log(connection, anchors, Looked(), address=address))
            assert {fault.kind for fault in faults} <= {"backdated"}  # each copy of the year begins anew
            rate("hashes, order, checkpoint", EVENTS, verified[0], bare)
        proofs = []
        for position in range(1, EVENTS, EVENTS // 50):
            with timed() as proved:
                ledger.prove(str(position))
            proofs.append(proved[0] * 1_000)
        say(f"  a proof: {median(proofs):.1f} ms (median of {len(proofs)}), {max(proofs):.1f} ms at most")


def fill(source: str, address: str) -> None:
    """Store the year's events again and again under other streams."""
    with psycopg.connect(source) as reading:
        rows = reading.execute(SELECT, binary=True).fetchall()
    with psycopg.connect(address) as writing, writing.cursor() as cursor:
        with cursor.copy("COPY stored_events FROM STDIN") as copy:
            for position in range(1, EVENTS + 1):
                round_, place = divmod(position - 1, len(rows))
                stream, version, topic, state, _ = rows[place]
                other = UUID(bytes=md5(stream.bytes + round_.to_bytes(4), usedforsecurity=False).digest())
                copy.write_row((other, version, topic, state, position))
        cursor.execute("ANALYZE stored_events")


def selected(address: str) -> float:
    """Seconds for reading the same rows with nothing but psycopg, a server-side cursor and its defaults."""
    with psycopg.connect(address) as connection, connection.cursor("bare") as cursor, timed() as took:
        cursor.itersize = 4_096
        cursor.execute(SELECT)
        for _ in cursor:
            pass
    return took[0]


@contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds, in a list that holds them afterwards."""
    took = [0.0]
    begun = time.perf_counter()
    yield took
    took[0] = time.perf_counter() - begun


def rate(what: str, events: int, seconds: float, bare: float) -> None:
    """A line of the table."""
    beside = f"{bare / seconds:.2f} x a bare SELECT ({events / bare:,.0f})"
    say(f"  {what}: {events / seconds:,.0f} events a second, {beside}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
