"""Durable steps over HTTP: `grantflow serve`, two processes, identity, rights and rules on, duties or none."""

from __future__ import annotations

import subprocess
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.request import urlopen

import psutil  # type: ignore[import-untyped]
from served import free_port

from benchmarks.bench import ROOT, grantflow, say, turned
from benchmarks.ours.lives import SHORT, SHORT_LIFE, publish
from benchmarks.results import Figure, Row
from benchmarks.transitions import BARE, MANY, ONE_TRIP, run
from grantflow.identity import BuiltIn
from grantflow.service import Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.transitions import Entry

PROCESSES = 2
READY_SECONDS = 300
"""A service says that it is ready once its read models have caught up."""
NEARLY_ONE = 0.9
"""A client that keeps a core so busy is what was measured."""


def measure(bench: Bench) -> Iterator[Row | Figure]:
    """The bare insert, the service with its duties beside it, and the service with nothing beside it, in turn."""
    bare: dict[Entry, list[dict[str, Any]]] = {BARE: [], ONE_TRIP: []}
    found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for round_ in range(bench.rounds):
        for entry in turned(tuple(bare), round_):
            bare[entry].append(run(bench, entry, MANY))
        for duties in turned((True, False), round_):
            found[duties].append(_served(bench, duties=duties))
    for duties, told in found.items():
        yield from _rows(told, bare, duties=duties)
    yield Figure(
        id="http-health",
        what="GET /healthz by the same client, 32 connections: what client and server can do at most",
        unit="1/s",
        values=[one["health"] for one in found[False]],
    )


def _served(bench: Bench, *, duties: bool) -> dict[str, Any]:
    with bench.database("http") as address:
        with closing(Store(address)) as store:
            publish(Service(store))
        with served(bench, address, duties=duties) as (port, process):
            before = _worked(process)
            told = over_http(bench, port, "steps")
            told["server_cpu_ms"] = (_worked(process) - before) * 1_000 / told["answered"]
            told["health"] = over_http(bench, port, "health")["per_second"]
    return told


def _rows(
    found: list[dict[str, Any]], bare: dict[Entry, list[dict[str, Any]]], *, duties: bool
) -> Iterator[Row | Figure]:
    name = "http-32" if duties else "http-32-alone"
    busy = max(one["cpu_share"] for one in found)
    verdict = "the client was what limited it" if busy > NEARLY_ONE else "it had time to spare"
    beside = "seal, read models, deadlines and all other duties beside" if duties else "no duties beside"
    what = f"durable steps a second over HTTP, 32 connections, {PROCESSES} processes, {beside}"
    for entry, theirs in bare.items():
        yield Row(
            id=f"{name}/{entry.id}",
            what=what,
            beside=f"{entry.what}, 32 connections",
            unit="1/s",
            ours=[one["per_second"] for one in found],
            theirs=[one["per_second"] for one in theirs],
            note=f"the client used {busy:.2f} of a core at most: {verdict}",
        )
    units = {"p50_ms": "ms", "p99_ms": "ms", "cpu_share": "cores", "server_cpu_ms": "ms"}
    for part, unit in units.items():
        about = "CPU of the service and its duties, PostgreSQL apart, a step" if "server" in part else part
        yield Figure(
            id=f"{name}-{part}", what=f"{what}: {about}", unit=unit, values=[one[part] for one in found]
        )


def over_http(bench: Bench, port: int, what: str) -> dict[str, Any]:
    """What 32 connections do to the service on a port."""
    issuer = BuiltIn(bench.home)
    life = [
        {
            "step": taken.step,
            "data": taken.data,
            "token": issuer.issue(
                taken.person,
                (taken.role,),
                taken.organisation,
                scopes=("write",) if taken.role == "integration" else (),
            ),
        }
        for taken in SHORT_LIFE
    ]
    told = ("--port", port, "--call", SHORT, "--seconds", bench.scale.seconds, "--warm", bench.scale.warm)
    answer = bench.answer("ours.over_http", *told, "--clients", MANY, "--what", what, told=life)
    say(f"over HTTP ({what}): {answer['per_second']:,.0f}/s, p50 {answer['p50_ms']:.2f} ms")
    return answer


@contextmanager
def served(
    bench: Bench, address: str, processes: int = PROCESSES, *, duties: bool = True
) -> Iterator[tuple[int, psutil.Process]]:
    """`grantflow serve` on a database; the port it listens at, and the process."""
    port = free_port()
    options = ("--port", str(port), "--processes", str(processes), "--duties" if duties else "--no-duties")
    with (bench.home / "served.log").open("ab+") as log:
        before = log.tell()
        process = subprocess.Popen(
            [grantflow(), "serve", *options],
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=bench.surroundings(address),
        )
        try:
            _await(process, port, log, before, ready=duties)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _worked(process: psutil.Process) -> float:
    """Seconds of CPU that a process and its children have used so far."""
    times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))


def _await(process: subprocess.Popen[bytes], port: int, log: BinaryIO, before: int, *, ready: bool) -> None:
    """Wait until the service answers, with all of its processes: who comes before is answered by the first of them."""
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            break
        log.seek(before)
        try:
            with urlopen(f"http://127.0.0.1:{port}/{'readyz' if ready else 'healthz'}") as answer:
                if answer.status == 200 and b'"answering"' in log.read():
                    return
        except OSError:
            pass
        time.sleep(0.1)
    msg = "the service did not start; see served.log"
    raise RuntimeError(msg)
