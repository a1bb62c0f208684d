"""A run as a page for people and as JSON for programs."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil  # type: ignore[import-untyped]
import psycopg

from benchmarks.bench import PEERS, ROOT
from benchmarks.results import Results, described

if TYPE_CHECKING:
    from benchmarks.results import Row

SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
)
OWN = ("psycopg", "eventsourcing", "transitions", "msgspec", "litestar", "uvicorn")
OTHERS = (
    "Django",
    "django-fsm-2",
    "django-simple-history",
    "SQLAlchemy",
    "eventsourcing",
    "transitions",
    "psycopg",
)


_MADE = (
    "Made by `make bench` on {0.made_at}, scale `{0.scale}`, {0.rounds} rounds, everything in one "
    "run on one PostgreSQL, one after another in turn. Each value is the median of the rounds; a ratio is the median "
    "of the rounds' own ratios, with the lowest and the highest behind it. [README](README.md) says what each row does."
)


def begun(server: str, scale: str, rounds: int, *, peers: bool) -> Results:
    """An empty run on this machine and that server."""
    with psycopg.connect(server) as connection:
        told = {name: str((connection.execute(f"SHOW {name}").fetchone() or [""])[0]) for name in SETTINGS}
    if told["fsync"] != "on" or told["synchronous_commit"] != "on":
        msg = "This server does not wait for the disk: nothing measured on it would say anything."
        raise RuntimeError(msg)
    return Results(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        scale=scale,
        rounds=rounds,
        machine={
            "processor": _processor(),
            "cores": str(os.cpu_count()),
            "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
            "system": platform.platform(),
            "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        },
        versions={
            "grantflow": _commit(),
            "Python": platform.python_version(),
            **{f"PostgreSQL: {name}": value for name, value in told.items()},
            **{f"ours: {name}": version(name) for name in OWN},
            **(_of_peers() if peers else {}),
        },
    )


def written(results: Results, folder: Path) -> None:
    """Write both files."""
    results.machine["load after"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
    raw = msgspec.json.format(msgspec.json.encode(results), indent=1)
    (folder / "results.json").write_bytes(raw + b"\n")
    (folder / "RESULTS.md").write_text(page(results), encoding="utf-8")


def page(results: Results) -> str:
    """The run as a page."""
    machine = "; ".join(f"{name}: {value}" for name, value in results.machine.items())
    versions = "; ".join(f"{name} {value}" for name, value in results.versions.items())
    lines = [
        "# What was measured",
        "",
        _MADE.format(results),
        "",
        f"- Machine: {machine}",
        f"- Versions: {versions}",
        "",
        "## Beside others",
        "",
        "A ratio above 1 means that ours is faster where more is better, and slower (or larger) where less is.",
        "",
        "| what | ours | beside | theirs | ratio | from – to | more or less is better |",
        "|---|---|---|---|---|---|---|",
        *(_row(row) for row in results.rows),
        "",
        "## Figures",
        "",
        "| what | median | lowest – highest |",
        "|---|---|---|",
        *(
            f"| {figure.what}{_noted(figure.note)} | {described(figure.median)} {figure.unit} "
            f"| {described(min(figure.values))} – {described(max(figure.values))} |"
            for figure in results.figures
        ),
    ]
    return "\n".join(lines) + "\n"


def _row(row: Row) -> str:
    ours, theirs = (described(sorted(values)[len(values) // 2]) for values in (row.ours, row.theirs))
    span = f"{described(row.ratio_from)} – {described(row.ratio_to)}"
    better = "more" if row.higher_is_better else "less"
    return (
        f"| {row.what}{_noted(row.note)} | {ours} {row.unit} | {row.beside} | {theirs} {row.unit} "
        f"| **{described(row.ratio)}** | {span} | {better} |"
    )


def _noted(note: str) -> str:
    return f" ({note})" if note else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or version("grantflow")


def _of_peers() -> dict[str, str]:
    asked = (
        "import sys; from importlib.metadata import version; print('\\n'.join(map(version, sys.argv[1:])))"
    )
    said = subprocess.run([str(PEERS), "-c", asked, *OTHERS], capture_output=True, text=True, check=True)
    return {f"peers: {name}": found for name, found in zip(OTHERS, said.stdout.split(), strict=True)}


if __name__ == "__main__":  # the page anew from the JSON
    folder = Path(__file__).parent
    sys.stdout.write(page(msgspec.json.decode((folder / "results.json").read_bytes(), type=Results)))
