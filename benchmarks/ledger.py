"""How fast the ledger is, beside a bare SELECT of the same rows; and its proofs, and a call's pack."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import closing, contextmanager
from statistics import median
from typing import TYPE_CHECKING

import psycopg

from benchmarks.bench import say
from benchmarks.results import Figure, Row
from benchmarks.stores import CALL, EVENTS
from grantflow.app import App
from grantflow.evidence.pack import write_pack
from grantflow.evidence.selecting import Scope
from grantflow.judging import judge
from grantflow.ledger.anchors import own_anchors
from grantflow.ledger.fields import verify_fields
from grantflow.ledger.verifying import Looked, verify_log
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.bench import Bench
    from benchmarks.stores import Log
    from grantflow.ledger.diagnosis import Fault


def measure(bench: Bench, log: Log, rounds: int) -> Iterator[Row | Figure]:
    """Every event decided again, the digests of its fields, and hashes, order and checkpoints; each beside a SELECT."""
    at = f"-{log.size}"
    looks: dict[str, Callable[[Store, str], list[Fault]]] = {
        "every event decided again": lambda store, _: list(judge(store, lambda *_: None).faults()),
        "digests of fields": lambda store, _: list(verify_fields(store, lambda *_: None)),
        "hashes, order, checkpoint": _log_verified,
    }
    ours: dict[str, list[float]] = defaultdict(list)
    bare: dict[str, list[float]] = defaultdict(list)
    with closing(Store(log.address)) as store:
        ledger = App.on(store, bench.home / "ledger.keys").ledger
        ledger.seal()
        events = store.last_position()
        for _ in range(rounds):
            for what, look in looks.items():
                bare[what].append(events / selected(log.address))
                with timed() as took:
                    faults = look(store, log.address)
                assert not faults, faults[:1]
                ours[what].append(events / took[0])
                say(f"{what}: {ours[what][-1]:,.0f} events/s beside {bare[what][-1]:,.0f}")
        proofs = []
        for position in range(1, events, max(1, events // bench.scale.proofs)):
            with timed() as proved:
                ledger.prove(str(position))
            proofs.append(proved[0] * 1_000)
    for what, rates in ours.items():
        yield Row(
            id=f"ledger-{what.partition(' ')[0].strip(',')}/select{at}",
            what=f"ledger: {what} ({events} events)",
            beside="bare SELECT of the same rows",
            unit="events/s",
            ours=rates,
            theirs=bare[what],
        )
    yield Figure(
        id=f"ledger-sealed{at}",
        what=f"ledger: sealed ({events} events)",
        unit="events/s",
        values=[log.events / log.sealed_in],
    )
    yield Figure(
        id=f"ledger-proof{at}",
        what=f"ledger: a proof, median of {len(proofs)} ({events} events)",
        unit="ms",
        values=[median(proofs)],
    )
    yield Figure(
        id=f"ledger-proof-most{at}",
        what=f"ledger: a proof, the slowest of {len(proofs)} ({events} events)",
        unit="ms",
        values=[max(proofs)],
    )


def packed(bench: Bench, log: Log) -> Iterator[Figure]:
    """The evidence pack of all that there is in a log, once."""
    with closing(Store(log.address)) as store:
        note = App.on(store, bench.home / "ledger.keys").ledger.seal()
        with timed() as took:
            pack = write_pack(store, note, Scope(call=CALL), bench.home / "call.zip")
    yield Figure(
        id="ledger-pack",
        what=f"ledger: the evidence pack of a call of {log.events} events",
        unit="s",
        values=[took[0]],
    )
    yield Figure(id="ledger-pack-size", what="ledger: its size", unit="MB", values=[pack.bytes / 1e6])


def _log_verified(store: Store, address: str) -> list[Fault]:
    with store.connection() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        anchors, _ = own_anchors(connection, [])
        return list(verify_log(connection, anchors, Looked(), address=address))


def selected(address: str) -> float:
    """Seconds for reading the same rows with nothing but psycopg, a server-side cursor and its defaults."""
    with psycopg.connect(address) as connection, connection.cursor("bare") as cursor, timed() as took:
        cursor.itersize = 4_096
        cursor.execute(EVENTS)
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
