"""What grows with the log: the latency of a step, of a case's audit trail, and of a case at an instant."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from given import IMDI

from benchmarks.bench import say, turned
from benchmarks.results import Figure, Row
from benchmarks.serving import served
from grantflow.identity import BuiltIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.stores import Log

WHAT = {
    "trail": "audit trail of a case, from the read model",
    "instant": "case at an instant, from the log",
    "http-trail": "GET /applications/{id}/history (with its row in the access log)",
    "http-instant": "GET /applications/{id}?at= (with its row in the access log)",
    "step": "one step, one client",
}


def measure(bench: Bench, made: dict[int, Log]) -> Iterator[Row | Figure]:
    """Each size in every round; the largest beside the smallest."""
    found: dict[int, dict[str, list[dict[str, Any]]]] = {size: defaultdict(list) for size in made}
    for round_ in range(bench.rounds):
        for size in turned(tuple(made), round_):
            for name, told in _looked(bench, made[size], str(round_)).items():
                found[size][name].append(told)
    small, large = made[min(made)], made[max(made)]
    for name, what in WHAT.items():
        for part in ("p50_ms", "p99_ms"):
            by_size = {size: [one[part] for one in found[size][name]] for size in made}
            yield Row(
                id=f"growth-{name}-{part}",
                what=f"{what}: {part[:3]} at {large.events} events",
                beside=f"the same at {small.events} events",
                unit="ms",
                ours=by_size[max(made)],
                theirs=by_size[min(made)],
                higher_is_better=False,
            )
            for size, values in by_size.items():
                yield Figure(
                    id=f"{name}-{part}-{size}",
                    what=f"{what}: {part[:3]} at {made[size].events} events",
                    unit="ms",
                    values=values,
                )


def _looked(bench: Bench, log: Log, seed: str) -> dict[str, dict[str, Any]]:
    told = bench.answer(
        "ours.reading", "--address", log.address, "--reads", bench.scale.reads, "--seed", f"s{seed}"
    )
    token = BuiltIn(bench.home).issue("revisor", ("auditor",), IMDI)
    cases, instants = told.pop("cases"), told.pop("instants")
    paths = {
        "http-trail": [f"/api/v1/applications/{case}/history" for case in cases],
        "http-instant": [
            f"/api/v1/applications/{case}?at={quote(at)}" for case, at in zip(cases, instants, strict=False)
        ],
    }
    with served(bench, log.address, 1) as (port, _):
        for name, asked in paths.items():
            told[name] = bench.answer(
                *("ours.over_http", "--port", port, "--call", "-", "--clients", 1, "--what", "paths"),
                *("--seconds", bench.scale.seconds / 2, "--warm", bench.scale.warm / 2),
                told={"token": token, "paths": asked},
            )
    told["step"] = bench.driven("ours.in_process", log.address, 1)
    say(
        f"at {log.events} events: "
        + ", ".join(f"{name} p99 {one['p99_ms']:.2f} ms" for name, one in told.items())
    )
    return told
