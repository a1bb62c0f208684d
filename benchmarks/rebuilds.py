"""Read models rebuilt, beside one transaction an event and INSERT ... SELECT of the same rows from the same log."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.bench import say, turned
from benchmarks.results import Figure, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.stores import Log

WAYS = {
    "audit": ("ours.rebuilding", ("--name", "audit_trail")),
    "all": ("ours.rebuilding", ("--each",)),
    "one": ("peers.rebuilding", ("--how", "one")),
    "select": ("peers.rebuilding", ("--how", "select")),
}
WHAT = {
    "audit": "rebuild of the audit trail",
    "all": "rebuild of all read models together",
    "one": "one transaction an event",
    "select": "INSERT ... SELECT of the audit trail in one statement",
}


def measure(bench: Bench, log: Log) -> Iterator[Row | Figure]:
    """Each way in every round, on one log."""
    found: dict[str, list[float]] = defaultdict(list)
    models: dict[str, list[float]] = defaultdict(list)
    for round_ in range(bench.rounds):
        for way in turned(tuple(WAYS), round_):
            module, further = WAYS[way]
            timed = ("--seconds", bench.scale.seconds) if module.startswith("peers") else ()
            told = bench.answer(module, "--address", log.address, *timed, *further)
            found[way].append(told["per_second"])
            say(f"{WHAT[way]}: {told['per_second']:,.0f} events/s")
            for name, seconds in told.get("took", {}).items() if way == "all" else ():
                models[name].append(told["events"] / seconds)
    for ours, theirs in (("audit", "one"), ("audit", "select"), ("all", "one")):
        yield Row(
            id=f"rebuild-{ours}/{theirs}",
            what=f"{WHAT[ours]} ({log.events} events)",
            beside=WHAT[theirs],
            unit="events/s",
            ours=found[ours],
            theirs=found[theirs],
        )
    for name, values in models.items():
        yield Figure(id=f"rebuild-{name}", what=f"rebuild of {name} alone", unit="events/s", values=values)
