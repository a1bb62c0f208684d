"""What `make bench` is made of still runs: its quick parts, on the tests' own PostgreSQL. No speed is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from benchmarks import disk, rebuilds, report
from benchmarks.bench import Bench, Scale, turned
from benchmarks.results import Figure, Results, Row
from benchmarks.stores import Log
from benchmarks.transitions import BARE, run

from grantflow.inspection import inspect

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
SCALE = Scale(seconds=0.2, warm=0.1, sizes=(100,), middle=100, applications=1, reads=1, proofs=1)


@pytest.fixture
def bench(server: str, tmp_path: Path) -> Bench:
    """A run without what others have built: that is in an environment of its own."""
    return Bench(tmp_path, server, SCALE, rounds=1, peers=False)


def test_transitions_are_taken_by_the_bare_insert_and_in_both_of_our_ways(
    bench: Bench, database_url: str
) -> None:
    assert_sound(run(bench, BARE, 2))
    assert_sound(bench.driven("ours.in_process", database_url, 2))
    assert_sound(bench.driven("ours.in_process", database_url, 2, "--how", "tasks"))
    events = bench.driven("ours.in_process", database_url, 2, "--life", "full")["position"]
    results = report.begun(bench.server, "tiny", 1, peers=False)
    log = Log(database_url, events, 100, 1.0)
    results.add(*disk.measure(bench, log), *rebuilds.measure(bench, log))
    report.written(results, bench.home)
    again = msgspec.json.decode((bench.home / "results.json").read_bytes(), type=Results)
    page = (bench.home / "RESULTS.md").read_text()
    assert page == report.page(again)
    assert all(row.what in page and row.ratio > 0 for row in again.rows)


def assert_sound(told: Mapping[str, float]) -> None:
    assert told["transitions"] > 0
    assert 0 < told["p50_ms"] <= told["p99_ms"]


def test_the_life_that_is_measured_is_lived_under_a_call_without_findings() -> None:
    assert inspect(ROOT / "benchmarks" / "call") == []


def test_a_ratio_is_the_median_of_the_rounds_and_not_of_what_was_measured_apart() -> None:
    row = Row(id="r", what="", beside="", unit="", ours=[1, 10, 100], theirs=[1, 5, 200]).settled()
    assert (row.ratio, row.ratio_from, row.ratio_to) == (1.0, 0.5, 2.0)
    assert Figure(id="f", what="", unit="", values=[3, 1, 2]).median == 2


def test_nobody_is_always_measured_first() -> None:
    assert [turned(("a", "b", "c"), round_)[0] for round_ in range(3)] == ["a", "b", "c"]
