"""What rebuilding and verifying take at each size: seconds, and the most memory at once, children included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import say
from benchmarks.results import Figure, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.stores import Log

COMMANDS = {"rebuild": ("projections", "rebuild"), "verify": ("ledger", "verify")}


def measure(bench: Bench, made: dict[int, Log]) -> Iterator[Row | Figure]:
    """Once at each size: at a million events one run says enough."""
    for name, command in COMMANDS.items():
        peaks: dict[int, float] = {}
        for size, log in made.items():
            ended = bench.watched(log.address, *command)
            if ended.code:
                msg = f"{' '.join(command)} ended with {ended.code}: {ended.said[-2_000:]}"
                raise RuntimeError(msg)
            peaks[size] = ended.peak / 1e6
            what = f"`grantflow {' '.join(command)}` at {log.events} events"
            say(f"{what}: {ended.seconds:.1f} s, {peaks[size]:.0f} MB")
            yield Figure(id=f"{name}-seconds-{size}", what=f"{what}: time", unit="s", values=[ended.seconds])
            yield Figure(
                id=f"{name}-peak-{size}",
                what=f"{what}: peak memory, children included",
                unit="MB",
                values=[peaks[size]],
            )
        yield Row(
            id=f"{name}-peak-growth",
            what=f"peak memory of `grantflow {' '.join(command)}` at {made[max(made)].events} events",
            beside=f"the same at {made[min(made)].events} events",
            unit="MB",
            ours=[peaks[max(made)]],
            theirs=[peaks[min(made)]],
            higher_is_better=False,
        )
