"""Logs of so many events: a year that was played, with most of its cases again and again under other streams; sealed.

A copied command stands right after the original, so that the log's instants never run back, and has a command of its
own on record: what comes out holds before `ledger verify`. A case that took from the frame is not copied, since its
money would be granted twice.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import psycopg

from benchmarks.bench import say
from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.rooms import room
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.bench import Bench

CALL = "imdi-2023-tillegg"
EVENTS = (
    "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
    "ORDER BY notification_id"
)
_ONCE = "SELECT DISTINCT originator_id FROM stored_events WHERE topic = ANY(%s)"
_COPIED = "SELECT DISTINCT originator_id FROM stored_events WHERE topic LIKE 'application-started@%'"
_MONEY = ("application-granted", "grant-reduced", "case-moved-to-revision")


class Log(NamedTuple):
    """A log to measure on."""

    address: str
    events: int
    size: int
    """What was asked for; it has some more events."""
    sealed_in: float
    """Seconds for sealing all of it at once."""


class _Command(NamedTuple):
    key: UUID
    body: UUID
    events: Sequence[tuple[UUID, int, str, bytes, int]]


@contextmanager
def logs(bench: Bench) -> Iterator[dict[int, Log]]:
    """A log of each size."""
    with ExitStack() as stack:
        year = stack.enter_context(bench.database("year"))
        with closing(Store(year)) as store:
            app = App.on(store, bench.home / "ledger.keys")
            play(app, definition_files(room("workflows") / "calls" / CALL), Story(bench.scale.applications))
            say(
                f"a year of {bench.scale.applications} applications was played: {store.last_position()} events"
            )
        made = {}
        for size in bench.scale.sizes:
            address = stack.enter_context(bench.database(f"log_{size}"))
            made[size] = _log(bench, year, address, size)
        yield made


def _log(bench: Bench, source: str, address: str, size: int) -> Log:
    with closing(Store(address)) as store:
        with psycopg.connect(source) as reading:
            _beside(reading, address)
            once, copied = _streams(reading)
            commands = _commands(reading)
        events = fill(address, commands, copied - once, size)
        app = App.on(store, bench.home / "ledger.keys")
        begun = time.perf_counter()
        app.ledger.seal()
        took = time.perf_counter() - begun
    say(f"a log of {events} events, sealed in {took:.1f} s")
    return Log(address, events, size, took)


def fill(address: str, commands: Sequence[_Command], copied: set[UUID], size: int) -> int:
    """Store the year's commands, each as often as its cases are copied; how many events there are then."""
    once = sum(len(command.events) for command in commands)
    again = sum(len(command.events) for command in commands if command.events[0][0] in copied)
    copies, rest = divmod(max(0, size - once), again)
    one_more = _so_many(commands, copied, rest)
    position = 0
    answered: list[tuple[UUID, UUID, int, int]] = []
    with psycopg.connect(address) as writing:
        with (
            writing.cursor() as cursor,
            cursor.copy("COPY stored_events FROM STDIN WITH (FORMAT binary)") as copy,
        ):
            copy.set_types(["uuid", "int8", "text", "bytea", "int8"])
            for key, body, events in commands:
                stream = events[0][0]
                for number in range(1 + (copies if stream in copied else 0) + (stream in one_more)):
                    for at, (own, version, topic, state, _) in enumerate(events, start=1):
                        copy.write_row((_another(own, number), version, topic, state, position + at))
                    answered.append((_another(key, number), body, position + 1, position + len(events)))
                    position += len(events)
        with writing.cursor() as cursor, cursor.copy("COPY commands FROM STDIN WITH (FORMAT binary)") as copy:
            copy.set_types(["uuid", "uuid", "int8", "int8"])
            for row in answered:
                copy.write_row(row)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return position


def _another(name: UUID, number: int) -> UUID:
    """What a stream or a command is called when it is copied."""
    return uuid5(NAMESPACE_OID, f"{name}~{number}") if number else name


def _so_many(commands: Sequence[_Command], copied: set[UUID], events: int) -> set[UUID]:
    """As many of the cases as have about so many events together."""
    lengths = Counter(event[0] for command in commands for event in command.events if event[0] in copied)
    chosen: set[UUID] = set()
    for stream, length in lengths.items():
        if length > events:
            break
        chosen.add(stream)
        events -= length
    return chosen


def _commands(reading: psycopg.Connection[Any]) -> list[_Command]:
    events = reading.execute(EVENTS, binary=True).fetchall()
    rows = reading.execute(
        "SELECT key, body, first_position, last_position FROM commands ORDER BY first_position"
    ).fetchall()
    return [_Command(key, body, events[first - 1 : last]) for key, body, first, last in rows]


def _streams(reading: psycopg.Connection[Any]) -> tuple[set[UUID], set[UUID]]:
    """The cases that are stored once, and all cases."""
    topics = [
        topic
        for (topic,) in reading.execute("SELECT DISTINCT topic FROM stored_events").fetchall()
        if topic.partition("@")[0] in _MONEY
    ]
    once = {stream for (stream,) in reading.execute(_ONCE, (topics,)).fetchall()}
    return once, {stream for (stream,) in reading.execute(_COPIED).fetchall()}


def _beside(reading: psycopg.Connection[Any], address: str) -> None:
    """The documents, and the keys of those who are named."""
    with psycopg.connect(address) as writing:
        for table in ("documents", "person_keys"):
            rows = reading.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - two names of ours
            for row in rows:
                places = ", ".join(["%s"] * len(row))
                writing.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608 - as above
