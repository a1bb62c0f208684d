"""The program of docs/automation.md, run as it stands there: killed again and again, it pays everything once."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pytest
from conftest import ledger_keys
from given import IMDI
from steps import attest, authorise, call_2023, declared, granted, letter
from story_service import StoryService
from variants import prepared, publish

from grantflow.app import App
from grantflow.domain.payment import PaymentConfirmed
from grantflow.identity import BuiltIn
from grantflow.store import Store

if TYPE_CHECKING:
    from uuid import UUID

PAGE = (Path(__file__).parent.parent / "docs" / "automation.md").read_text(encoding="utf-8")
CASES = 12
MOST_LINES = 60
GIVE_UP_SECONDS = 120
AUTHORISED = (*granted(), letter(), declared("attestant"), attest(), declared("payer"), authorise())


def program() -> str:
    found = re.search(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_program_is_short_enough_to_be_read() -> None:
    assert len(program().splitlines()) < MOST_LINES


def test_a_back_office_that_is_killed_again_and_again_pays_everything_once(
    database_url: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "payroll.py").write_text(program(), encoding="utf-8")
    chance = random.Random(7)  # noqa: S311 - repeatable, and no secret
    with Store(database_url) as store, StoryService(database_url, home) as service:
        app = App.on(store, ledger_keys())
        call = publish(app.service, call_2023().id, "99000000.00")
        cases = prepared(store, call, CASES, *AUTHORISED)
        service.clock.set(datetime(2023, 12, 1, 9, tzinfo=UTC))
        token = BuiltIn(home).issue(
            "payroll", ["integration"], IMDI, ["events", "read", "write"], timedelta(hours=1)
        )
        environment = {**os.environ, "GRANTFLOW": service.address(), "TOKEN": token, "PAUSE": "0.05"}
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while confirmed(store, cases) != [1] * CASES or unanswered(tmp_path):
            app.projector.catch_up()
            assert time.monotonic() < give_up, confirmed(store, cases)
            running = subprocess.Popen([sys.executable, "payroll.py"], cwd=tmp_path, env=environment)
            time.sleep(chance.uniform(0.1, 0.8))
            running.kill()
            running.wait()
    with closing(sqlite3.connect(tmp_path / "payroll.sqlite")) as book:
        outcomes = [outcome for (outcome,) in book.execute("SELECT outcome FROM orders")]
    assert outcomes == ["paid"] * CASES


PROBLEM = "application/problem+json"
NO_ANSWERS = (
    (401, PROBLEM, {"code": "token-expired"}),
    (403, PROBLEM, {"code": "no-right"}),
    (409, PROBLEM, {"code": "contended"}),
    (500, PROBLEM, {"code": "broken"}),
    (404, "text/html", "<h1>Not found</h1>"),
    (404, "application/json", {"message": "no such route"}),
    (200, "text/html", "<h1>Be right back</h1>"),
)
"""What says nothing about a payment: each is tried in its turn."""


class ForAWhile(BaseHTTPRequestHandler):
    """A service that has one payment, and answers a step at first with all that is no answer, then as it should."""

    left: ClassVar[list[tuple[int, str, object]]] = []
    last: ClassVar[tuple[int, str, object]] = (200, "application/json", {"state": "paid"})
    keys: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        new = self.path.endswith("after=0")
        event = {"id": "e-1", "subject": "c-1", "data": {"facts": {"amount": 1}}}
        self.say(200, "application/json", {"items": [event] if new else [], "next": "7" if new else None})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["Idempotency-Key"])
        self.say(*(self.left.pop(0) if self.left else self.last))

    def say(self, status: int, kind: str, content: object) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (ForAWhile.last, "paid"),
        ((404, PROBLEM, {"code": "not-found"}), "not-found"),
        ((409, PROBLEM, {"code": "step-not-allowed"}), "step-not-allowed"),
        ((422, PROBLEM, {"code": "rules-failed"}), "rules-failed"),
    ],
)
def test_what_is_no_answer_settles_no_payment_and_does_not_end_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: tuple[int, str, object], outcome: str
) -> None:
    (tmp_path / "payroll.py").write_text(program(), encoding="utf-8")
    no_answers = list(NO_ANSWERS if outcome == "paid" else NO_ANSWERS[:1])
    monkeypatch.setattr(ForAWhile, "left", list(no_answers))
    monkeypatch.setattr(ForAWhile, "last", last)
    monkeypatch.setattr(ForAWhile, "keys", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), ForAWhile) as service:
        Thread(target=service.serve_forever).start()
        address = f"http://127.0.0.1:{service.server_port}"
        environment = {**os.environ, "GRANTFLOW": address, "TOKEN": "t", "PAUSE": "0.05"}
        running = subprocess.Popen([sys.executable, "payroll.py"], cwd=tmp_path, env=environment)
        try:
            give_up = time.monotonic() + GIVE_UP_SECONDS
            while unanswered(tmp_path, 1):
                assert running.poll() is None, "it goes on"
                assert time.monotonic() < give_up
                time.sleep(0.05)
        finally:
            running.kill()
            running.wait()
            service.shutdown()
    with closing(sqlite3.connect(tmp_path / "payroll.sqlite")) as book:
        assert book.execute("SELECT event, outcome FROM orders").fetchall() == [("e-1", outcome)]
    assert ForAWhile.keys == ["GF-e-1"] * (len(no_answers) + 1), "asked again under the same key"


def confirmed(store: Store, cases: list[UUID]) -> list[int]:
    """How many times each payment has been confirmed."""
    return [sum(isinstance(entry.event, PaymentConfirmed) for entry in store.load(case)) for case in cases]


def unanswered(folder: Path, many: int = CASES) -> bool:
    """Whether the program has orders that it has no answer for, or none at all."""
    if not (folder / "payroll.sqlite").exists():
        return True
    with closing(sqlite3.connect(folder / "payroll.sqlite")) as book:
        try:
            rows = book.execute("SELECT outcome FROM orders").fetchall()
        except sqlite3.OperationalError:
            return True
    return len(rows) < many or any(outcome is None for (outcome,) in rows)
