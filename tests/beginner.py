"""Begins applications from a process of its own, some at a time, until its input ends: beginner.py ADDRESS."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

from given import OSLO_KOMMUNE

from grantflow import logs
from grantflow.domain.circumstances import Circumstances
from grantflow.service import Request, Service
from grantflow.store import Store

CALL = "imdi-2023-tillegg"
THREADS = 4
PAUSE_SECONDS = 0.02


def begin(service: Service) -> None:
    """Begin one application."""
    by = Circumstances(
        at=datetime.now(UTC),
        person="kari",
        organisation=OSLO_KOMMUNE,
        role="applicant",
        channel="test",
        command=uuid4().hex,
    )
    service.handle(Request(step="start", call=CALL, by=by))


if __name__ == "__main__":
    logs.set_up("error", "json")
    over = threading.Event()
    with Store(sys.argv[1]) as store, ThreadPoolExecutor(THREADS) as threads:
        service = Service(store)

        def go_on() -> None:
            """Begin one application after another, in no haste."""
            while not over.wait(PAUSE_SECONDS):
                begin(service)

        going_on = [threads.submit(go_on) for _ in range(THREADS)]
        sys.stdin.buffer.read()
        over.set()
        for one in going_on:
            one.result()
