"""How long it takes until the command line answers, beside a Python that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.bench import grantflow, say
from benchmarks.results import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

COMMANDS = {"--version": 0.3, "--help": 0.5}
"""What is asked, and the seconds it may take."""


def measure(bench: Bench) -> Iterator[Row]:
    """Each command and the empty Python in turn."""
    nothing: list[float] = []
    took: dict[str, list[float]] = {command: [] for command in COMMANDS}
    for _ in range(max(3, bench.rounds)):
        nothing.append(_milliseconds(sys.executable, "-c", "pass"))
        for command, found in took.items():
            found.append(_milliseconds(grantflow(), command))
    for command, found in took.items():
        say(f"grantflow {command}: {min(found):.0f} ms at best")
        yield Row(
            id=f"startup{command}",
            what=f"`grantflow {command}`",
            beside="`python -c pass`",
            unit="ms",
            ours=found,
            theirs=nothing,
            higher_is_better=False,
            note=f"promised: under {COMMANDS[command] * 1_000:.0f} ms",
        )


def _milliseconds(*command: str) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begun) * 1_000
