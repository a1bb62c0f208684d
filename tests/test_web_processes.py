"""The processes that answer are looked after, whatever becomes of them and however often one is told to renew them."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil  # type: ignore[import-untyped]
import pytest
from played_processes import KILL_SECONDS, SILENT_SECONDS
from served import free_port

from grantflow.web.processes import LOOK_SECONDS, Awake

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(__file__).with_name("played_processes.py")


class Played:
    """Processes that are looked after by a program of their own."""

    def __init__(self, tmp_path: Path, count: int, **environment: str) -> None:
        self.port = free_port()
        self._log = tmp_path / "log"
        self._command = [sys.executable, str(PROGRAM), str(self.port), str(count)]
        self._environment = {**os.environ, "PLAYED_PORT": str(self.port), **environment}

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.above = subprocess.Popen(
                self._command, env=self._environment, stderr=log, start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.above.kill()
        self.above.wait()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("PLAYED_PORT") == str(self.port):
                    process.kill()

    def tell(self, number: int) -> None:
        self.above.send_signal(number)

    def told(self, event: str) -> list[dict[str, Any]]:
        """What its log says of a kind of event."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def answers(self) -> int:
        """Connect, and give the number of the process that answers."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            return int(client.recv(100))

    def at_work(self) -> set[int]:
        """Those that answer: both, unless one of them has taken all of many connections."""
        found: set[int] = set()
        for _ in range(500):
            found.add(self.answers())
            if len(found) > 1:
                break
        return found


def until(happened: Callable[[], object], seconds: float = 20.0) -> None:
    give_up = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def stop(pid: int) -> None:
    """Let a process hang. A signal that comes before it has stopped would still be heeded."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)


@pytest.fixture
def two(tmp_path: Path) -> Any:
    with Played(tmp_path, 2) as played:
        until(lambda: played.told("answering"))
        yield played


def test_a_process_that_hangs_is_replaced_and_the_others_answer_meanwhile(two: Played) -> None:
    hanging = two.answers()
    stop(hanging)
    began = time.monotonic()
    assert {two.answers() for _ in range(20)}.isdisjoint({hanging})
    assert time.monotonic() - began < SILENT_SECONDS
    until(lambda: two.told("process-hangs"))
    assert [line["pid"] for line in two.told("process-hangs")] == [hanging]
    until(lambda: len(two.at_work()) == 2)


@pytest.mark.parametrize("at", ["wherever it is", "where it looks after them"])
def test_after_all_were_stopped_together_and_go_on_none_is_taken_for_hanging(two: Played, at: str) -> None:
    """As by a terminal, or with their machine; the one above may be the first to go on."""
    before = two.at_work()
    if at == "wherever it is":
        os.killpg(two.above.pid, signal.SIGSTOP)
    else:
        two.tell(signal.SIGUSR1)
    until(lambda: psutil.Process(two.above.pid).status() == psutil.STATUS_STOPPED)
    time.sleep(2 * SILENT_SECONDS)
    two.tell(signal.SIGCONT)
    time.sleep(0.5)
    os.killpg(two.above.pid, signal.SIGCONT)
    time.sleep(0.5)
    assert two.told("process-hangs") == []
    assert two.at_work() == before


def test_of_the_time_that_one_was_stopped_no_more_counts_than_lies_between_two_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    awake = Awake()
    for after in (0.25, 1_000.0, 0.5):
        clock += after
        awake.look()
    assert awake.seconds == 0.25 + LOOK_SECONDS + 0.5


def test_told_to_renew_while_it_renews_it_begins_anew(two: Played) -> None:
    before = two.at_work()
    two.tell(signal.SIGHUP)
    until(lambda: len(two.told("process-replaced")) == 1)
    two.tell(signal.SIGHUP)
    until(lambda: len(two.told("process-replaced")) >= 3)
    replaced = [line["number"] for line in two.told("process-replaced")[:3]]
    assert replaced.count(replaced[0]) == 2, "the one that was new when it was told again is old by then"
    until(lambda: two.told("process-replaced")[-1]["new"] in two.at_work())
    assert two.at_work().isdisjoint(before)


def test_one_that_dies_while_another_is_renewed_is_started_again(tmp_path: Path) -> None:
    with Played(tmp_path, 2, PLAYED_START="1") as played:
        until(lambda: played.told("answering"))
        time.sleep(0.3)
        before = played.at_work()
        played.tell(signal.SIGHUP)
        time.sleep(0.2)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(played.told("process-died")) == 2)
        until(lambda: len(played.told("process-replaced")) == 2)
        assert len(played.at_work()) == 2
        assert played.above.poll() is None


def test_those_that_hang_hold_up_the_end_no_longer_than_one_would(two: Played) -> None:
    for pid in two.at_work():
        stop(pid)
    began = time.monotonic()
    two.tell(signal.SIGTERM)
    two.tell(signal.SIGTERM)
    assert two.above.wait(10) == 0
    assert time.monotonic() - began < 2 * KILL_SECONDS - 1
    assert len(two.told("process-killed")) == 2


def test_where_no_process_can_be_started_the_others_go_on_and_it_is_tried_again(two: Played) -> None:
    usual = resource.prlimit(two.above.pid, resource.RLIMIT_NOFILE)
    dead = two.answers()
    files = psutil.Process(two.above.pid).num_fds()
    resource.prlimit(two.above.pid, resource.RLIMIT_NOFILE, (files - 2, usual[1]))
    os.kill(dead, signal.SIGKILL)
    until(lambda: two.told("process-not-started"))
    assert two.above.poll() is None
    assert two.answers() != dead
    resource.prlimit(two.above.pid, resource.RLIMIT_NOFILE, usual)
    until(lambda: len(two.at_work()) == 2)


def test_a_terminal_that_is_closed_renews_the_processes_and_ends_none_in_the_midst(two: Played) -> None:
    before = two.at_work()
    os.killpg(two.above.pid, signal.SIGHUP)
    until(lambda: len(two.told("process-replaced")) == 2)
    assert two.told("process-died") == []
    assert two.at_work().isdisjoint(before)


def test_what_waits_to_be_taken_is_answered_by_whoever_comes_next(tmp_path: Path) -> None:
    with Played(tmp_path, 1, PLAYED_START="0.5") as played:
        until(lambda: played.told("answering"))
        old = played.answers()
        os.kill(old, signal.SIGKILL)
        assert played.answers() != old


def test_a_place_is_had_by_one_service(two: Played) -> None:
    other = [sys.executable, str(PROGRAM), str(two.port), "1"]
    refused = subprocess.run(other, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode != 0
    assert "can't be listened at: Address already in use" in refused.stderr
