"""Measures everything in one run on one PostgreSQL, and writes RESULTS.md and results.json: `make bench`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reaper import clear

from benchmarks import backup, disk, growth, ledger, memory, rebuilds, report, serving, startup, transitions
from benchmarks.bench import PEERS, SCALES, Bench, say
from benchmarks.results import Figure
from benchmarks.stores import logs
from grantflow import embedded
from grantflow.logs import set_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from benchmarks.results import Row
    from benchmarks.stores import Log

SECTIONS = ("startup", "transitions", "http", "rebuild", "disk", "backup", "ledger", "memory", "growth")
OF_LOGS = {"rebuild", "disk", "backup", "ledger", "memory", "growth"}
"""Those that are measured on long logs."""


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", choices=sorted(SCALES), default="full")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--no-peers", action="store_true", help="without what .venv/bench has")
    parser.add_argument(
        "--address", default="", help="another server than one of its own (databases are made on it)"
    )
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the results go, and not beside the code"
    )
    given = parser.parse_args()
    set_up("error", "json")
    results_in = given.folder or Path(__file__).parent
    results_in.mkdir(parents=True, exist_ok=True)
    peers = PEERS.exists() and not given.no_peers
    with tempfile.TemporaryDirectory(prefix="grantflow-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        server = given.address or embedded.start(home)
        try:
            results = report.begun(server, given.scale, given.rounds, peers=peers)
            bench = Bench(home, server, SCALES[given.scale], given.rounds, peers)
            for found in measured(bench, given.only.split(",")):
                results.add(found)
                report.written(
                    results, results_in
                )  # each time: a run takes most of an hour, and may be broken off
        finally:
            for log in home.glob("*.log") if given.folder else ():
                shutil.copy(log, given.folder)
            if not given.address:
                clear(home)
    say(f"written: {results_in / 'RESULTS.md'}")


def measured(bench: Bench, only: Collection[str]) -> Iterator[Row | Figure]:
    """Every section that is asked for, the quick ones first; those that need a long log share one of each size."""
    for name, section in (("startup", startup), ("transitions", transitions), ("http", serving)):
        if name in only:
            yield from section.measure(bench)
    if OF_LOGS.intersection(only):
        with logs(bench) as made:
            yield from _told(made)
            yield from _of_logs(bench, made, only)


def _told(made: Mapping[int, Log]) -> Iterator[Figure]:
    for size, log in made.items():
        yield Figure(id=f"log-events-{size}", what="events in a log", unit="events", values=[log.events])
        yield Figure(
            id=f"sealed-seconds-{size}",
            what=f"sealing {log.events} events at once",
            unit="s",
            values=[log.sealed_in],
        )


def _of_logs(bench: Bench, made: dict[int, Log], only: Collection[str]) -> Iterator[Row | Figure]:
    middle = made[bench.scale.middle]
    if OF_LOGS.intersection(only) - {"ledger", "rebuild"}:
        yield from memory.measure(bench, made)  # this makes the read models of each
    if "rebuild" in only:
        yield from rebuilds.measure(bench, middle)
    for log in made.values() if "disk" in only else ():
        yield from disk.measure(bench, log)
    if "backup" in only:
        yield from backup.measure(bench, made)
    if "ledger" in only:
        yield from ledger.measure(bench, middle, bench.rounds)
        yield from ledger.packed(bench, middle)
        if max(made) > bench.scale.middle:
            yield from ledger.measure(bench, made[max(made)], 1)
    if "growth" in only:
        yield from growth.measure(bench, made)


if __name__ == "__main__":
    main()
