"""Durable transitions: in process with 32 clients and with one, beside the bare insert and what others build on."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from benchmarks.bench import ROOT, grantflow, say, turned
from benchmarks.results import Figure, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

MANY = 32
FOLLOWED = 60
"""The most seconds that whoever follows the log is given to come to its end, once the clients have stopped."""


class Entry(NamedTuple):
    """What runs: a module, what it is told, and what runs beside it."""

    id: str
    what: str
    module: str
    further: tuple[str, ...] = ()
    beside: str = ""
    peer: bool = False


BARE = Entry("bare", "bare psycopg, INSERT and COMMIT", "peers.bare")
ONE_TRIP = Entry(
    "one-trip", "bare psycopg, autocommit, one round trip", "peers.bare", ("--how", "autocommit")
)
"""Less than a transaction of one's own: nothing can be read, locked or checked before the row is there."""
OTHERS = (
    Entry("eventsourcing", "eventsourcing, defaults", "peers.eventsourced", peer=True),
    Entry("django", "Django + django-fsm-2 + django-simple-history", "peers.django_stack", peer=True),
    Entry("sqlalchemy", "SQLAlchemy + transitions + audit table", "peers.sqlalchemy_stack", peer=True),
)
OURS = Entry("ours", "ours, tasks of an event loop", "ours.in_process", ("--how", "tasks"), beside="seal")
"""As the service takes steps: on its event loop, without a thread for each."""
ALONE = Entry("ours", "ours, one thread", "ours.in_process", beside="seal")
ALSO_OURS = (
    Entry("ours-threads", "ours, threads", "ours.in_process", beside="seal"),
    Entry(
        "ours-worker",
        "ours, threads; the whole worker beside: seal, read models, deadlines",
        "ours.in_process",
        beside="work",
    ),
    Entry(
        "ours-full",
        "ours, threads: a life of the 2023 call, 24 commands",
        "ours.in_process",
        ("--life", "full"),
        beside="seal",
    ),
)


def measure(bench: Bench) -> Iterator[Row | Figure]:
    """Every entry in every round, in a database of its own each time."""
    others = OTHERS if bench.peers else ()
    many: dict[str, list[dict[str, Any]]] = defaultdict(list)
    single: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for round_ in range(bench.rounds):
        for entry in turned((BARE, OURS, ONE_TRIP, *others, *ALSO_OURS), round_):
            many[entry.id].append(run(bench, entry, MANY))
        for entry in turned((BARE, ALONE, ONE_TRIP, *others), round_):
            single[entry.id].append(run(bench, entry, 1))
    yield from _rows(many, single, (BARE, ONE_TRIP, *others))
    yield from _figures(many, single, (BARE, ONE_TRIP, *others, OURS, *ALSO_OURS))


def run(bench: Bench, entry: Entry, clients: int) -> dict[str, Any]:
    """What one entry does, with so many clients."""
    with bench.database(f"{entry.id.replace('-', '_')}") as address:
        beside = _follower(bench, entry.beside, address) if entry.beside else nullcontext()
        with beside:
            told = bench.driven(entry.module, address, clients, *entry.further, peer=entry.peer)
            if entry.beside:
                told["unsealed"] = _unsealed(address)
    say(f"{entry.what}, {clients} clients: {told['per_second']:,.0f}/s, p50 {told['p50_ms']:.2f} ms")
    return told


def _rows(many: dict[str, Any], single: dict[str, Any], others: tuple[Entry, ...]) -> Iterator[Row]:
    for entry in others:
        yield Row(
            id=f"transitions-32/{entry.id}",
            what="transitions a second, 32 clients in process",
            beside=f"{entry.what}, 32 connections",
            unit="1/s",
            ours=[one["per_second"] for one in many["ours"]],
            theirs=[one["per_second"] for one in many[entry.id]],
        )
    for also in ALSO_OURS:
        yield Row(
            id=f"{also.id}-32/bare",
            what=f"transitions a second, 32 clients in process ({also.what})",
            beside=f"{BARE.what}, 32 connections",
            unit="1/s",
            ours=[one["per_second"] for one in many[also.id]],
            theirs=[one["per_second"] for one in many["bare"]],
        )
    for entry in others:
        yield Row(
            id=f"p50-1/{entry.id}",
            what="one transition with one client, p50",
            beside=f"{entry.what}, p50",
            unit="ms",
            ours=[one["p50_ms"] for one in single["ours"]],
            theirs=[one["p50_ms"] for one in single[entry.id]],
            higher_is_better=False,
        )


def _figures(many: dict[str, Any], single: dict[str, Any], entries: tuple[Entry, ...]) -> Iterator[Figure]:
    for entry in entries:
        for clients, found in ((MANY, many), (1, single)):
            for name, unit in (
                ("per_second", "1/s"),
                ("p50_ms", "ms"),
                ("p99_ms", "ms"),
                ("cpu_share", "cores"),
                ("cpu_ms", "ms"),
            ):
                if found[entry.id]:
                    yield Figure(
                        id=f"{entry.id}-{clients}-{name}",
                        what=f"{entry.what}, {clients} client{'s' if clients > 1 else ''}: {name}",
                        unit=unit,
                        values=[one[name] for one in found[entry.id]],
                    )
    for entry in (OURS, *ALSO_OURS):
        yield Figure(
            id=f"{entry.id}-unsealed",
            what=f"{entry.what}: events not yet sealed once the clients had ended",
            unit="events",
            values=[one["unsealed"] for one in many[entry.id]],
        )


@contextmanager
def _follower(bench: Bench, kind: str, address: str) -> Iterator[None]:
    """What keeps the log company in production: the sealing alone, or `grantflow work`."""
    sealing = [sys.executable, "-m", "benchmarks.ours.sealing", address, str(bench.home / "ledger.keys")]
    command = sealing if kind == "seal" else [grantflow(), "work"]
    with (bench.home / "bench.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if kind == "seal" else log,
            stderr=log,
            cwd=ROOT,
            env=bench.surroundings(address),
        )
        try:
            if process.stdout is not None:
                process.stdout.readline()  # it says that it has begun
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.terminate()
            process.wait(FOLLOWED)


def _unsealed(address: str) -> int:
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT (SELECT coalesce(max(notification_id), 0) FROM stored_events) - "
            "(SELECT coalesce(max(position), 0) FROM ledger_leaves)"
        ).fetchone()
    return int(row[0]) if row else 0
