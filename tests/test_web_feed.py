"""The feed as its clients see it: each event once and in order, however often they are cut off."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import psycopg
import pytest
from given import IMDI, STAVANGER
from served import Served, published
from serving import service_on

from grantflow.cloud_events import cloud_event
from grantflow.identity import Identity
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.store import Store
from grantflow.web.caller import Caller
from grantflow.web.routes import events

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = "/api/v1/events"
CUTS = 200
BEGINNER = Path(__file__).with_name("beginner.py")


@pytest.fixture(scope="module")
def served(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service in two processes, under a call that is published; read models follow, and no deadline is kept."""
    with published(module_database_url):
        pass
    home = tmp_path_factory.mktemp("home")
    with Served(home, module_database_url, "--processes", "2") as served, projected(module_database_url):
        yield served


@contextmanager
def projected(database_url: str) -> Iterator[None]:
    """Let the read models follow the log, as the duty to project does."""
    over = threading.Event()

    def follow(projector: Projector) -> None:
        while not over.wait(0.1):
            projector.catch_up()

    with Store(database_url) as store:
        thread = threading.Thread(target=follow, args=(Projector(store, projections()),))
        thread.start()
        yield
        over.set()
        thread.join()


@pytest.fixture
def store(served: Served) -> Iterator[Store]:
    with Store(served.database_url) as store:
        yield store


class Following:
    """A client of the stream, on a bare connection, so that it can be cut off anywhere."""

    def __init__(self, served: Served, token: str, query: str = "", last: str = "") -> None:
        self.socket = served.socket(30)
        resumed = f"Last-Event-ID: {last}\r\n" if last else ""
        self.socket.sendall(
            f"GET {EVENTS}{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Accept: text/event-stream\r\n{resumed}\r\n".encode()
        )
        self._raw = b""
        self._body = b""
        self._chunked = False
        self.ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def read(self, most: int = 65_536) -> None:
        """Read so many bytes at most."""
        piece = self.socket.recv(most)
        self.ended = self.ended or not piece
        self._raw += piece
        if not self._chunked and b"\r\n\r\n" in self._raw:
            head, _, self._raw = self._raw.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            assert b"transfer-encoding: chunked" in head.lower()
            assert b"content-type: text/event-stream" in head.lower()
            self._chunked = True
        while self._chunked and b"\r\n" in self._raw:
            size, _, rest = self._raw.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            self._body += rest[:length]
            self._raw = rest[length + 2 :]
            self.ended = self.ended or not length

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that have come whole, as a browser would tell them."""
        found = []
        for block in self._body.decode(errors="replace").split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if "data" in fields:
                event = json.loads(fields["data"])
                assert fields["id"] == str(event["position"])
                assert fields["event"] == event["type"]
                found.append(event)
        return found

    def until(self, count: int, seconds: float = 30.0) -> list[dict[str, Any]]:
        """Read until so many events have come."""
        give_up = time.monotonic() + seconds
        while len(self.events) < count and not self.ended:
            assert time.monotonic() < give_up, f"{len(self.events)} of {count}"
            self.read()
        return self.events


def log_as_told(store: Store) -> list[dict[str, Any]]:
    """The whole log as CloudEvents."""
    return [json.loads(msgspec.json.encode(cloud_event(entry))) for entry in store.everything()]


def test_a_client_that_is_cut_off_two_hundred_times_sees_each_event_once_and_in_order(
    served: Served, store: Store
) -> None:
    chance = random.Random(200)  # noqa: S311 - repeatable, and no secret
    token = served.auditor()
    writer = [sys.executable, str(BEGINNER), served.database_url]
    with subprocess.Popen(writer, stdin=subprocess.PIPE) as appending:
        seen: list[dict[str, Any]] = []
        for _ in range(CUTS):
            last = str(seen[-1]["position"]) if seen else ""
            by_query = chance.random() < 0.5
            query = f"?after={last}" if last and by_query else ""
            with Following(served, token, query, "" if by_query else last) as following:
                enough = chance.choice((0, 0, 1, 2, 3))
                following.read(chance.randint(1, 3_000))
                while len(following.events) < enough:
                    following.read(chance.randint(1, 3_000))
                    assert not following.ended
                seen += following.events
        appending.communicate()
        assert appending.returncode == 0
    with Following(served, token, last=str(seen[-1]["position"])) as following:
        seen += following.until(store.last_position() - len(seen))
    assert seen == log_as_told(store)
    assert [event["position"] for event in seen] == list(range(1, len(seen) + 1))
    assert len(seen) > CUTS


def test_pages_and_batches_give_what_the_stream_gives(served: Served, store: Store) -> None:
    token = served.auditor()
    paged: list[dict[str, Any]] = []
    page = served.get(f"{EVENTS}?limit=37", token).json
    while page["next"]:
        paged += page["items"]
        page = served.get(f"{EVENTS}?limit=37&after={page['next']}", token).json
    assert page == {"items": [], "next": None}
    batched: list[dict[str, Any]] = []
    path = f"{EVENTS}?limit=100"
    while True:
        batch = served.get(path, token, Accept="application/cloudevents-batch+json")
        assert batch.headers["Content-Type"] == "application/cloudevents-batch+json"
        if not batch.json:
            break
        batched += batch.json
        path = batch.headers["Link"].partition("<")[2].partition(">")[0]
    with Following(served, token) as following:
        streamed = following.until(store.last_position())
    assert paged == batched == streamed == log_as_told(store)


def test_only_the_kinds_that_are_asked_for_come(served: Served, store: Store) -> None:
    token = served.auditor()
    wanted = [event for event in log_as_told(store) if event["type"].startswith("grantflow.call-published.")]
    assert wanted
    assert served.get(f"{EVENTS}?types=call-published", token).json["items"] == wanted
    with Following(served, token, "?types=call-published,call-revised") as following:
        assert following.until(len(wanted)) == wanted
    unknown = served.get(f"{EVENTS}?types=call-burnt", token)
    assert (unknown.status, unknown.json["code"]) == (400, "bad-request")
    for odd in ("x", "-1", "1.5", "9" * 30):
        assert served.get(EVENTS, token, Last_Event_ID=odd).status == 400
        assert served.get(f"{EVENTS}?after={odd}", token).status == 400


def test_every_event_is_a_cloud_event(served: Served) -> None:
    page = served.get(f"{EVENTS}?limit=1000", served.auditor()).json["items"]
    assert len({(event["source"], event["id"]) for event in page}) == len(page)
    for event in page:
        insist_on_cloud_event(event)
    assert [event["sequence"] for event in page] == sorted(event["sequence"] for event in page)


def insist_on_cloud_event(event: dict[str, Any]) -> None:
    """What CloudEvents 1.0.2 and its JSON format ask of an event."""
    for required in ("id", "source", "specversion", "type"):
        assert isinstance(event[required], str)
        assert event[required]
    assert event["specversion"] == "1.0"
    for name, value in event.items():
        assert re.fullmatch(r"[a-z0-9]{1,20}", name), name
        if name != "data":
            assert isinstance(value, str | bool | int), name
        if isinstance(value, int) and not isinstance(value, bool):
            assert -(2**31) <= value < 2**31
        if isinstance(value, str):
            assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value)
    assert re.fullmatch(r"[A-Za-z0-9/._~:?#@!$&'()*+,;=%-]+", event["source"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", event["time"])
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert event["datacontenttype"] == "application/json"
    assert isinstance(event["data"], dict)
    assert "data_base64" not in event


def test_a_municipality_follows_its_own_cases_and_no_other(served: Served, store: Store) -> None:
    stavanger = served.applicant(STAVANGER)
    first = served.begin(stavanger).rpartition("/")[2]
    served.begin(served.applicant())
    usual = asked_in_a_second(store)
    with Following(served, stavanger) as following:
        following.until(1)
        assert asked_in_a_second(store) < usual + 40
        served.begin(served.applicant())
        second = served.begin(stavanger).rpartition("/")[2]
        told = following.until(2)
    assert [event["subject"] for event in told] == [first, second]
    assert served.get(EVENTS, stavanger).json["items"] == told
    assert served.get(EVENTS, served.applicant("942110464")).json["items"] == []


def asked_in_a_second(store: Store) -> int:
    """How often the database is asked, by whomever, within a second."""
    before = asked_so_far(store)
    time.sleep(1)
    return asked_so_far(store) - before


def asked_so_far(store: Store) -> int:
    with store.connection() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_fifty_streams_at_once_hold_up_nobody_and_take_no_connections(served: Served, store: Store) -> None:
    token, applicant = served.auditor(), served.applicant()
    start = store.last_position()
    with ExitStack() as streams:
        following = [
            streams.enter_context(Following(served, token if n % 2 else applicant, f"?after={start}"))
            for n in range(50)
        ]
        took = []
        for _ in range(10):
            began = time.monotonic()
            served.begin(applicant)
            took.append(time.monotonic() - began)
        assert sorted(took)[5] < 1
        expected = store.last_position() - start
        for one in following:
            assert len(one.until(expected)) == expected == 10
        with psycopg.connect(served.database_url) as connection:
            count = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchone()
        assert count is not None
        assert count[0] < 50


def test_a_silent_stream_says_that_it_is_alive_and_ends_after_a_while(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(events, "STREAM_SECONDS", 1.0)
    identity = Identity(
        person="x", organisation=IMDI, roles=("auditor",), scopes=frozenset(), issuer="x", client="x"
    )
    caller = Caller(identity=identity, acting="", request_id="x")

    async def all_of_it(house: Any) -> list[bytes]:
        return [piece async for piece in events._told(house, caller, 0, frozenset())]

    with Store(database_url) as store, service_on(store, tmp_path) as serving:
        told = asyncio.run(all_of_it(serving.asgi.state.house))
    assert told[0] == b"retry: 1000\n\n"
    assert set(told[1:]) == {b": alive\n\n"}
    assert 2 < len(told) < 12


def test_a_stream_ends_with_the_service(database_url: str, tmp_path: Path) -> None:
    with published(database_url):
        pass
    with Served(tmp_path, database_url) as served, Following(served, served.auditor()) as following:
        following.until(1)
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < 10
        while not following.ended:
            following.read()
        assert following._body.endswith(b"\n\n")
        assert following._raw == b""
