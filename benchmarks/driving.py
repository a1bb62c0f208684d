"""Drives clients that take one durable transition after another: how many there were, and how long each took.

Standard library only: ours and every peer are driven by this same file, each in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

TRANSITIONS = (
    ("draft", "new", "draft"),
    ("approve", "draft", "approved-by-director"),
    ("submit", "approved-by-director", "submitted"),
    ("assess", "submitted", "assessed"),
    ("grant", "assessed", "granted"),
    ("pay", "granted", "paid"),
    ("report", "paid", "reported"),
)
"""One lifecycle: the name of each transition, and from which state to which."""

CONTENT = {
    "reference": "24/01234-17",
    "amount": "180000.00",
    "grounds": "Kommunen har plass til 24 deltakere, egenandelen er dekket i budsjettet, og prosjektet følger de "
    "vilkårene som er satt i utlysningen. Overføringsverdien er høy, og gjennomføringsevnen er god, og målene "
    "kan etterprøves. Det er ikke gitt støtte til det samme fra andre, og beløpet er det som er søkt om og regnet ut.",
}
"""What is said in each transition: about 400 bytes."""


class Run:
    """What one client did: the instants at which its transitions were answered, and the seconds each took."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.took: list[float] = []

    def answered(self, begun: float) -> float:
        """Note an answer, and give the instant."""
        now = time.perf_counter()
        self.ends.append(now)
        self.took.append(now - begun)
        return now


def by_threads(
    clients: Sequence[Callable[[], Iterator[None]]], seconds: float, warm: float
) -> dict[str, Any]:
    """Run each client in a thread. Each `next` of its iterator is one durable transition."""
    runs = [Run() for _ in clients]
    ready = threading.Barrier(len(clients) + 1)
    faults: list[BaseException] = []

    def one(client: Callable[[], Iterator[None]], run: Run) -> None:
        try:
            transitions = client()
            ready.wait()
            stop = time.perf_counter() + warm + seconds
            begun = time.perf_counter()
            while begun < stop:
                next(transitions)
                begun = run.answered(begun)
        except BaseException as fault:  # noqa: BLE001 - told by the main thread
            faults.append(fault)
            ready.abort()

    threads = [
        threading.Thread(target=one, args=pair, daemon=True) for pair in zip(clients, runs, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        raise faults[0] from None
    measured = _Measured(warm)
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return measured.of(runs, seconds)


def by_tasks(
    clients: Sequence[Callable[[], AsyncIterator[None]]], seconds: float, warm: float
) -> dict[str, Any]:
    """Run each client as a task of one event loop."""

    async def one(transitions: AsyncIterator[None], run: Run, stop: float) -> None:
        begun = time.perf_counter()
        while begun < stop:
            await anext(transitions)
            begun = run.answered(begun)

    async def all_of_them() -> dict[str, Any]:
        runs = [Run() for _ in clients]
        stop = time.perf_counter() + warm + seconds
        loop = asyncio.get_running_loop()
        measuring = loop.run_in_executor(None, _Measured, warm)
        async with asyncio.TaskGroup() as group:
            for client, run in zip(clients, runs, strict=True):
                group.create_task(one(client(), run, stop))
        return (await measuring).of(runs, seconds)

    return asyncio.run(all_of_them())


class _Measured:
    """The stretch that counts begins once the clients are warm."""

    def __init__(self, warm: float) -> None:
        self.first = time.perf_counter() + warm
        time.sleep(warm)
        self.worked = time.process_time()

    def of(self, runs: Sequence[Run], seconds: float) -> dict[str, Any]:
        """What the clients did in it."""
        last = self.first + seconds
        worked = time.process_time() - self.worked
        took = sorted(
            took
            for run in runs
            for end, took in zip(run.ends, run.took, strict=True)
            if self.first <= end < last
        )
        return {
            "clients": len(runs),
            "transitions": len(took),
            "answered": sum(len(run.ends) for run in runs),
            "per_second": len(took) / seconds,
            "p50_ms": quantile(took, 0.50) * 1_000,
            "p99_ms": quantile(took, 0.99) * 1_000,
            "cpu_share": worked / seconds,
            "cpu_ms": worked * 1_000 / max(1, len(took)),
        }


def quantile(ordered: Sequence[float], part: float) -> float:
    """The value below which so large a part lies; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def asked(description: str | None) -> argparse.ArgumentParser:
    """What every driven program is told on its command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--address", required=True, help="the database, as a libpq connection string")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--warm", type=float, default=1.0)
    return parser


def tell(answer: dict[str, Any]) -> None:
    """Answer with one JSON document on standard output."""
    sys.stdout.write(json.dumps(answer) + "\n")
