"""The service as a process of its own, as `grantflow serve` starts it; for tests that meet it over the network."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import psutil  # type: ignore[import-untyped]
from given import IMDI, OSLO_KOMMUNE
from steps import CALL_FOLDER
from variants import delegate

from grantflow.definitions import definition_files
from grantflow.domain.circumstances import Circumstances
from grantflow.identity import BuiltIn
from grantflow.service import Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message

CALL = "imdi-2023-tillegg"
COMMAND = str(Path(sys.executable).parent / "grantflow")
START_SECONDS = 60.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """`grantflow serve` on a database of the tests, with a home of its own; stopped at the end, by its number."""

    def __init__(self, home: Path, database_url: str, *options: str, **environment: str) -> None:
        self.home, self.database_url, self.port = home, database_url, free_port()
        self._log = home / f"served-{self.port}.log"
        home.mkdir(parents=True, exist_ok=True)
        self._environment = surroundings(home, database_url, environment)
        self._command = [COMMAND, "serve", "--port", str(self.port), *options]
        self.issuer = BuiltIn(home)

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stderr=log)
        try:
            self.await_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def await_ready(self) -> None:
        """Wait until it says that requests should come."""
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            assert self.process.poll() is None, self.said()
            try:
                if self.get("/readyz").status == 200:
                    return
            except (OSError, HTTPException):
                pass
            time.sleep(0.05)
        raise AssertionError(self.said())

    def said(self) -> str:
        """What it has written to standard error."""
        return self._log.read_text(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log that tell of one kind of event."""
        pieces = self.said().replace("}{", "}\n{").splitlines()  # two processes may write at once
        lines = [json.loads(piece) for piece in pieces if piece.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def stop(self, seconds: float = 20.0) -> int:
        """Ask it to stop, and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Stop it and its processes, as politely as they let one."""
        children = self.workers()
        if self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for child in children:
            if child.is_running():
                child.kill()

    def workers(self) -> list[psutil.Process]:
        """The processes that answer, in the order they were started."""
        try:
            children = psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []
        return [child for child in children if _answers(child)]

    def listening(self) -> list[psutil.Process]:
        """Those of them that take requests."""
        return [worker for worker in self.workers() if _listens(worker, self.port)]

    def connection(self, seconds: float = 30.0) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def socket(self, seconds: float = 10.0) -> socket.socket:
        """A bare connection, for saying what no library would."""
        return socket.create_connection(("127.0.0.1", self.port), seconds)

    def get(self, path: str, token: str = "", **headers: str) -> Answer:
        return self.ask("GET", path, token, None, **headers)

    def post(self, path: str, token: str, data: object = None, **headers: str) -> Answer:
        """Post JSON; bytes are sent as they are."""
        raw = data if isinstance(data, bytes) else json.dumps(data if data is not None else {}).encode()
        return self.ask("POST", path, token, raw, **({"Content_Type": "application/json"} | headers))

    def ask(
        self, method: str, path: str, token: str = "", body: bytes | None = None, **headers: str
    ) -> Answer:
        with closing(self.connection()) as connection:
            return ask(connection, method, path, token, body, **headers)

    def token(self, person: str, *roles: str, organisation: str = OSLO_KOMMUNE) -> str:
        return self.issuer.issue(person, roles, organisation)

    def applicant(self, organisation: str = OSLO_KOMMUNE) -> str:
        return self.token("kari", "applicant", organisation=organisation)

    def auditor(self) -> str:
        return self.token("revisor", "auditor", organisation=IMDI)

    def begin(self, token: str) -> str:
        """Begin an application, and give its address."""
        answer = self.post(f"/api/v1/calls/{CALL}/applications", token)
        assert answer.status == 201, answer
        return answer.headers["Location"]


def ask(
    connection: HTTPConnection,
    method: str,
    path: str,
    token: str = "",
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    """Ask on a connection that is open already, or is opened now. A name's `_` is a header's `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        named["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body, named)
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def surroundings(home: Path, database_url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that the service is started in."""
    inherited = {name: value for name, value in os.environ.items() if name != "GRANTFLOW_LONG_TESTS"}
    return {
        **inherited,
        "GRANTFLOW_HOME": str(home),
        "GRANTFLOW_DATABASE_URL": database_url,
        "GRANTFLOW_LOG_FORMAT": "json",
        "GRANTFLOW_RATE_LIMIT": "0",
        "GRANTFLOW_ADDRESS_RATE_LIMIT": "0",
        **environment,
    }


@contextmanager
def published(database_url: str) -> Iterator[Service]:
    """The 2023 call, published; the service it was published through."""
    with Store(database_url) as store:
        service = Service(store)
        service.calls.publish(
            definition_files(CALL_FOLDER),
            Circumstances(
                at=datetime(2023, 8, 10, 8, tzinfo=UTC),
                person="imdi-lead",
                organisation=IMDI,
                role="call-manager",
                channel="test",
                command="publish",
            ),
        )
        delegate(service)
        yield service


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: psutil.Process) -> bool:
    """Whether this is a process that answers, and not the one that keeps track of shared memory."""
    try:
        return any("spawn_main" in part for part in process.cmdline())
    except psutil.Error:
        return False


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(
            one.status == psutil.CONN_LISTEN and one.laddr.port == port
            for one in process.net_connections("tcp")
        )
    except psutil.Error:
        return False
