"""The program of docs/automation.md, run as it stands there: killed again and again, it pays everything once."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

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


def confirmed(store: Store, cases: list[UUID]) -> list[int]:
    """How many times each payment has been confirmed."""
    return [sum(isinstance(entry.event, PaymentConfirmed) for entry in store.load(case)) for case in cases]


def unanswered(folder: Path) -> bool:
    """Whether the program has orders that it has no answer for, or none at all."""
    if not (folder / "payroll.sqlite").exists():
        return True
    with closing(sqlite3.connect(folder / "payroll.sqlite")) as book:
        try:
            rows = book.execute("SELECT outcome FROM orders").fetchall()
        except sqlite3.OperationalError:
            return True
    return len(rows) < CASES or any(outcome is None for (outcome,) in rows)
