"""One run of the benchmark: the server it happens on, databases to measure in, programs in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import psutil  # type: ignore[import-untyped]
import psycopg

from grantflow import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".venv" / "bench" / "bin" / "python"
"""The Python of the environment that the peers live in (`make bench` makes it)."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured. `sizes` are of logs, in events; a year of `applications` is what they are made from."""

    seconds: float
    warm: float
    sizes: tuple[int, ...]
    middle: int
    applications: int
    reads: int
    proofs: int


SCALES = {
    "small": Scale(
        seconds=0.5, warm=0.2, sizes=(1_200, 2_400), middle=1_200, applications=20, reads=30, proofs=5
    ),
    "medium": Scale(
        seconds=2, warm=1, sizes=(10_000, 100_000), middle=10_000, applications=200, reads=300, proofs=20
    ),
    "full": Scale(
        seconds=5,
        warm=2,
        sizes=(10_000, 100_000, 1_000_000),
        middle=100_000,
        applications=400,
        reads=1_000,
        proofs=50,
    ),
}


class Watched(NamedTuple):
    """How a program ended: seconds, the most memory it and its children had at once (bytes), and what it said."""

    seconds: float
    peak: int
    code: int
    said: str


class Bench(NamedTuple):
    """What every section is given."""

    home: Path
    server: str
    scale: Scale
    rounds: int
    peers: bool

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Lend a database of one's own, on a server that has just written down what it had to."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        named = f"bench_{os.getpid()}_{name}"
        address = embedded.database(self.server, named)
        try:
            yield address
        finally:
            embedded.drop(self.server, named)

    def answer(
        self, module: str, *arguments: object, told: object = None, peer: bool = False
    ) -> dict[str, Any]:
        """What a program of ours or a peer's answers; its log goes where a service's would, to a file."""
        command = [str(PEERS) if peer else sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
        with (self.home / "bench.log").open("ab") as log:
            done = subprocess.run(
                command,
                input=json.dumps(told).encode() if told is not None else None,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=self.surroundings(),
                check=False,
            )
        if done.returncode:
            said = (self.home / "bench.log").read_text(errors="replace")[-3_000:]
            msg = f"{module} failed: {said}"
            raise RuntimeError(msg)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def driven(
        self, module: str, address: str, clients: int, *further: object, peer: bool = False
    ) -> dict[str, Any]:
        """What a driven program answers, for as long as the scale says."""
        told = ("--address", address, "--clients", clients, "--seconds", self.scale.seconds)
        return self.answer(module, *told, "--warm", self.scale.warm, *further, peer=peer)

    def watched(self, address: str, *command: str) -> Watched:
        """Run a command of `grantflow` on a database, looking at its memory twenty times a second."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            [grantflow(), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=self.surroundings(address),
        )
        peak = 0
        said = (self.home / "said.log").open("wb+")
        with said:
            assert process.stdout is not None
            os.set_blocking(process.stdout.fileno(), False)
            while process.poll() is None:
                peak = max(peak, _memory(process.pid))
                said.write(process.stdout.read() or b"")
                time.sleep(0.05)
            seconds = time.perf_counter() - begun
            said.write(process.stdout.read() or b"")
            said.seek(0)
            text = said.read().decode(errors="replace")
        return Watched(seconds, peak, process.returncode, text)

    def surroundings(self, address: str = "") -> dict[str, str]:
        """The environment in which our programs run."""
        own = {
            "PYTHONPATH": f"{ROOT / 'tests'}",
            "GRANTFLOW_HOME": str(self.home),
            "GRANTFLOW_LOG_FORMAT": "json",
            "GRANTFLOW_RATE_LIMIT": "0",
            "GRANTFLOW_ADDRESS_RATE_LIMIT": "0",
        }
        return {**os.environ, **own, **({"GRANTFLOW_DATABASE_URL": address} if address else {})}


def grantflow() -> str:
    """The command."""
    return str(Path(sys.executable).parent / "grantflow")


def say(line: str) -> None:
    """Tell whoever waits where it has come."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def turned(entries: Sequence[Any], round_: int) -> list[Any]:
    """The entries in another order each round, so that none always comes after the same one."""
    by = round_ % len(entries)
    return [*entries[by:], *entries[:by]]


def _memory(pid: int) -> int:
    """The resident memory of a process and its children: what they share is counted for each."""
    try:
        process = psutil.Process(pid)
        return sum(_resident(one) for one in [process, *process.children(recursive=True)])
    except psutil.Error:
        return 0


def _resident(process: Any) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
