"""What 100 000 000 events would cost, by the slope between the two longest logs measured; into docs/scale.md."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from benchmarks.bench import ROOT
from benchmarks.results import Results, described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GOAL = 100_000_000
PAGE = ROOT / "docs" / "scale.md"
MARKED = re.compile(r"(<!-- measured -->\n).*?(<!-- /measured -->)", re.DOTALL)


class Measure(NamedTuple):
    """What grows: the beginning of its figures' ids, what it is, and its unit at the goal (a factor and a name)."""

    id: str
    what: str
    unit: str
    large: tuple[float, str]


MEASURES = (
    Measure("disk-kept-", "disk: log, commands, ledger, indexes", "MB", (1e-3, "GB")),
    Measure("disk-read-all-", "disk: read models", "MB", (1e-3, "GB")),
    Measure("sealed-seconds-", "sealing all of it at once", "s", (1 / 3_600, "h")),
    Measure("rebuild-seconds-", "rebuilding all read models", "s", (1 / 3_600, "h")),
    Measure("verify-seconds-", "`grantflow ledger verify`, everything", "s", (1 / 3_600, "h")),
    Measure("backup-seconds-", "`pg_dump`", "s", (1 / 3_600, "h")),
    Measure("backup-bytes-", "its size", "MB", (1e-3, "GB")),
    Measure("rebuild-peak-", "peak memory of the rebuild", "MB", (1e-3, "GB")),
    Measure("verify-peak-", "peak memory of the verification", "MB", (1e-3, "GB")),
)


def main() -> None:
    """Print the table; `--write` puts it into the page."""
    results = msgspec.json.decode((Path(__file__).parent / "results.json").read_bytes(), type=Results)
    table = "\n".join(lines(results)) + "\n"
    sys.stdout.write(table)
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(MARKED.sub(lambda found: found[1] + table + found[2], page), encoding="utf-8")


def lines(results: Results) -> Iterator[str]:
    """The table: a measure a line, a size a column, and what the slope says of the goal."""
    events = {
        int(figure.id.rpartition("-")[2]): int(figure.median)
        for figure in results.figures
        if figure.id.startswith("log-events-")
    }
    sizes = sorted(events)
    columns = " | ".join(f"{events[size]:,} events".replace(",", " ") for size in sizes)
    yield f"Measured {results.made_at} on {results.machine['processor']}, {results.machine['cores']} cores, in one run:"
    yield ""
    yield f"| what | {columns} | each further million | 100 000 000 |"
    yield "|---|" + "---|" * (len(sizes) + 2)
    for measure in MEASURES:
        found = {
            size: figure.median
            for figure in results.figures
            for size in sizes
            if figure.id == f"{measure.id}{size}"
        }
        if found and len(found) == len(sizes):
            yield _line(measure, found, events)


def _line(measure: Measure, found: Mapping[int, float], events: Mapping[int, int]) -> str:
    *_, before, last = sorted(found)
    slope = (found[last] - found[before]) / (events[last] - events[before])
    goal = found[last] + slope * (GOAL - events[last])
    factor, unit = measure.large
    measured = " | ".join(f"{described(found[size])} {measure.unit}" for size in sorted(found))
    return (
        f"| {measure.what} | {measured} | {described(slope * 1e6)} {measure.unit} "
        f"| {described(goal * factor)} {unit} |"
    )


if __name__ == "__main__":
    main()
