"""The service restarts under load: what it promised is in the log, what it refused is not, and nothing else is said."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing
from functools import partial
from hashlib import sha256
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from served import CALL, COMMAND, Served, ask, free_port, published, surroundings
from steps import CONTENT

from grantflow.recorder import on_record
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG = bool(os.environ.get("GRANTFLOW_LONG_TESTS"))
CONNECTIONS = 64
PROCESSES = 2
REQUESTS = 10_000 if LONG else 1_500
RESTARTS = 6 if LONG else 1
WAYS = ("kill", "terminate", "reload") if LONG else ("kill", "reload")
"""How processes are restarted in each round; a reload tells the old ones to stop as `terminate` does."""
ALLOWED = {200, 201, 409, 412, 429, 503}
PERSON = "kari"


class Told(NamedTuple):
    """What a client knows of one request in the end."""

    key: str
    status: int
    receipt: dict[str, Any]
    broken: int


class Senders:
    """Clients on 64 connections, each with a case of its own and one that all share."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.token = served.applicant()
        self.told: list[Told] = []
        self.shared = served.begin(self.token)
        self.restarted = threading.Event()
        self._failed: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CONNECTIONS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        if self._failed:
            raise self._failed[0]

    @property
    def over(self) -> bool:
        """Whether enough has been sent, and all restarts are done."""
        return bool(self._failed) or (len(self.told) >= REQUESTS and self.restarted.is_set())

    def _run(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - repeatable, and no secret
        try:
            self._send(chance)
        except BaseException as error:  # noqa: BLE001 - the test's own thread has to hear of it
            self._failed.append(error)

    def _send(self, chance: random.Random) -> None:
        with closing(self.served.connection()) as connection:
            told = self._persist(connection, f"/api/v1/calls/{CALL}/applications", {}, {})
            assert told.status == 201, told
            own = f"/api/v1/applications/{told.receipt['event'].partition('.')[0]}"
            count = 0
            while not self.over:
                count += 1
                title = f"Rett i jobb {chance.random()}"
                data = {"section": "project", "content": {**CONTENT["project"], "title": title}}
                case = self.shared if chance.random() < 0.1 else own
                stale = {"If-Match": f'"{chance.randint(1, 3)}"'} if chance.random() < 0.1 else {}
                self._persist(connection, f"{case}/steps/edit", data, stale)
                if len(self.told) >= REQUESTS:
                    time.sleep(0.2)

    def _persist(self, connection: Any, path: str, data: object, headers: dict[str, str]) -> Told:
        """Send until there is an answer. After a connection that broke, only one that says for certain will do."""
        key, broken = uuid4().hex, 0
        give_up = time.monotonic() + 60
        body = json.dumps(data).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, **headers}
        while True:
            try:
                answer = ask(connection, "POST", path, self.token, body, **headers)
            except (OSError, HTTPException) as error:
                connection.close()
                broken += not isinstance(error, ConnectionRefusedError)
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
                continue
            assert answer.status in ALLOWED, (answer, broken)
            if not (broken and answer.status in {429, 503}):
                told = Told(key, answer.status, answer.json, broken)
                self.told.append(told)
                return told
            time.sleep(0.05)


def restart(served: Served, rounds: int) -> list[str]:
    """Restart the processes one at a time, in each of the ways that there are."""
    done = []
    for _ in range(rounds):
        for how in WAYS:
            workers = served.workers()
            going = workers if how == "reload" else workers[:1]
            if how == "reload":
                served.process.send_signal(signal.SIGHUP)
            else:
                going[0].send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
            gone = {worker.pid for worker in going}
            until(partial(replaced, served, gone), 60)
            done.append(how)
    return done


def replaced(served: Served, gone: set[int]) -> bool:
    """Whether others take requests instead of these, and the service runs."""
    assert served.process.poll() is None, served.said()[-2_000:]
    workers, listening = ({worker.pid for worker in some()} for some in (served.workers, served.listening))
    return workers == listening and len(workers) == PROCESSES and not workers & gone


def test_what_is_promised_while_processes_restart_is_kept_and_what_is_refused_is_not(
    database_url: str, tmp_path: Path
) -> None:
    with published(database_url):
        pass
    with Served(tmp_path / "home", database_url, "--processes", str(PROCESSES)) as served:
        senders = Senders(served)
        began = time.monotonic()
        senders.start()
        try:
            done = restart(served, RESTARTS)
        finally:
            senders.restarted.set()
            senders.join()
        took = time.monotonic() - began
        assert served.logged("fault") == []
        assert served.stop() == 0
    told = senders.told
    statuses = Counter(one.status for one in told)
    print(dict(statuses), "broken:", sum(one.broken for one in told), done, f"{took:.1f} s")  # noqa: T201 - figures
    check(database_url, told)
    assert len(told) >= REQUESTS
    assert statuses[200] > REQUESTS / 2
    assert statuses[412] > 0


def check(database_url: str, told: list[Told]) -> None:
    """Every receipt says what is in the log, and nothing that was refused is."""
    with psycopg.connect(database_url) as connection:
        kept: dict[UUID, int] = dict(connection.execute("SELECT key, last_position FROM commands"))
        states: dict[int, bytes] = dict(
            connection.execute("SELECT notification_id, state FROM stored_events")
        )
    with Store(database_url) as store:
        entries = {entry.position: entry for entry in store.everything()}
        for one in told:
            position = kept.get(on_record(f"{PERSON}:{one.key}"), 0)
            if one.status not in {200, 201}:
                assert position == 0, one
                continue
            assert position == one.receipt["position"], one
            entry = entries[position]
            assert (entry.id, entry.event.stamp.command) == (one.receipt["event"], one.key)
            assert sha256(store.body(states[position])).hexdigest() == one.receipt["digest"]


@pytest.fixture(scope="module")
def called_database_url(module_database_url: str) -> str:
    """A database where the call is published."""
    with published(module_database_url):
        pass
    return module_database_url


def run(home: Path, database_url: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start the service where it can't be started."""
    return subprocess.run(
        [COMMAND, "serve", *options],
        env=surroundings(home, database_url, environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_service_that_cannot_be_started_says_why_in_a_sentence(
    module_database_url: str, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as another service would
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run(tmp_path, module_database_url, "--port", str(port))
    assert refused.returncode == 1
    assert f"127.0.0.1:{port} can't be listened at: Address already in use" in refused.stderr.splitlines()[-1]
    nowhere = run(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing", "--port", str(free_port()))
    assert nowhere.returncode == 1
    assert "Refused (database-unavailable)" in nowhere.stderr.splitlines()[-1]
    issuers = {"GRANTFLOW_ISSUERS": str(tmp_path / "missing.toml")}
    untrusting = run(tmp_path, module_database_url, "--port", str(free_port()), **issuers)
    assert untrusting.returncode == 1
    assert "Refused (bad-settings)" in untrusting.stderr.splitlines()[-1]
    named = run(tmp_path, module_database_url, "--host", "there.is.no.such.name.invalid")
    assert (named.returncode, "can't be listened at" in named.stderr) == (1, True)
    for refusal in (refused, nowhere, untrusting, named):
        assert "Traceback" not in refusal.stderr


def test_a_process_that_dies_is_started_again_and_one_that_cannot_take_over_does_not(
    called_database_url: str, tmp_path: Path
) -> None:
    with Served(tmp_path / "home", called_database_url) as served:
        token, dead = served.applicant(), set()
        until(lambda: served.logged("answering"))
        for _ in range(2):
            (worker,) = served.listening()
            dead.add(worker.pid)
            worker.kill()
            worker.wait(10)
            served.await_ready()
        assert served.begin(token)
        assert {line["pid"] for line in served.logged("process-died")} == dead
        key = served.home / "pseudonym.key"
        kept = key.read_text()
        key.write_text("spoilt\n")
        served.process.send_signal(signal.SIGHUP)
        until(lambda: served.logged("process-not-replaced"))
        assert "pseudonym.key" in served.logged("process-not-started")[0]["reason"]
        assert served.begin(token)
        key.write_text(kept)
        served.process.send_signal(signal.SIGHUP)
        until(lambda: served.logged("process-replaced"))
        assert served.begin(token)
        workers = served.workers()
        served.process.kill()
        served.process.wait()
        _, outliving = psutil.wait_procs(workers, timeout=15)
        assert outliving == []


def test_processes_share_those_who_connect(called_database_url: str, tmp_path: Path) -> None:
    with (
        Served(tmp_path / "home", called_database_url, "--processes", str(PROCESSES)) as served,
        ExitStack() as connected,
    ):
        until(lambda: served.logged("answering"))
        for _ in range(40):
            connected.enter_context(served.socket())
        until(lambda: sum(taken := [connections(worker) for worker in served.workers()]) == len(taken) * 20)
        assert min(connections(worker) for worker in served.workers()) >= 10


def connections(worker: psutil.Process) -> int:
    """How many clients a process has; its connections to the database are to another socket."""
    port = next(one.laddr.port for one in worker.net_connections("tcp") if one.status == psutil.CONN_LISTEN)
    there = [one for one in worker.net_connections("tcp") if one.laddr.port == port]
    return sum(one.status == psutil.CONN_ESTABLISHED for one in there)


def test_whoever_comes_while_processes_are_replaced_is_answered(
    called_database_url: str, tmp_path: Path
) -> None:
    with Served(tmp_path / "home", called_database_url, "--processes", str(PROCESSES)) as served:
        until(lambda: served.logged("answering"))
        served.process.send_signal(signal.SIGHUP)
        came = 0
        while len(served.logged("process-replaced")) < PROCESSES:
            for _ in range(20):
                came += 1
                assert served.get("/healthz").status == 200, came
        assert came > 100
        taken = run(tmp_path / "other", called_database_url, "--port", str(served.port))
        assert taken.returncode == 1
        assert "Address already in use" in taken.stderr.splitlines()[-1]


def test_what_has_begun_is_answered_when_the_service_is_told_to_stop(
    called_database_url: str, tmp_path: Path
) -> None:
    with (
        Served(tmp_path / "home", called_database_url) as served,
        served.socket() as late,
        closing(served.connection()) as waiting,
        psycopg.connect(called_database_url) as locking,
    ):
        token = served.applicant()
        body = b'{"area": ""}'
        head = (
            f"POST /api/v1/calls/{CALL}/applications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        late.sendall(head.encode() + body[:5])
        locking.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        waiting.request(
            "POST", f"/api/v1/calls/{CALL}/applications", b"", {"Authorization": f"Bearer {token}"}
        )
        time.sleep(0.5)
        served.process.send_signal(signal.SIGINT)
        for worker in served.listening():  # as a terminal tells all of them
            worker.send_signal(signal.SIGINT)
        time.sleep(0.5)
        late.sendall(body[5:])
        time.sleep(0.3)
        locking.rollback()
        assert waiting.getresponse().status == 201
        assert late.recv(20).startswith(b"HTTP/1.1 201")
        assert served.process.wait(20) == 0


def until(happened: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something has happened."""
    give_up = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.05)
