"""docs/webhooks.md: the receiver that it shows is run as it stands, and what it says of thresholds is what holds."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hooked import desk_on, now, published
from served import free_port
from steps import drafted

from grantflow.webhooks import pace
from grantflow.webhooks.signing import headers, new_secret
from grantflow.webhooks.target import PORTS

if TYPE_CHECKING:
    from grantflow.webhooks.subscriber import SubscriberView

PAGE = (Path(__file__).parent.parent / "docs" / "webhooks.md").read_text(encoding="utf-8")
LINES = 40


def test_the_receiver_of_the_page_keeps_each_event_once_and_refuses_what_is_not_genuine(
    database_url: str, tmp_path: Path
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert program.count("\n") < LINES
    (tmp_path / "receiver.py").write_text(program, encoding="utf-8")
    port = free_port()
    with published(database_url) as store, desk_on(store) as desk:
        made = desk.subscribe(f"http://127.0.0.1:{port}/grantflow")
        desk.cases(2, *drafted())
        told = desk.hooks.rotate(made.id, desk.owner(), now())
        environment = {**os.environ, "WEBHOOK_SECRETS": f"{new_secret()} {told.secret}", "PORT": str(port)}
        command = [sys.executable, "receiver.py"]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                _await(port)
                desk.until(lambda: desk.show(made.id).waiting == 0 and desk.show(made.id).delivered > 0)
                assert _refuses_what_is_not_genuine(port, told)
            finally:
                process.send_signal(signal.SIGTERM)
    with sqlite3.connect(tmp_path / "events.sqlite") as kept:
        bodies = [json.loads(body) for (body,) in kept.execute("SELECT body FROM events")]
    kept.close()
    positions = sorted(body["position"] for body in bodies)
    assert positions == list(range(desk.start + 1, desk.start + 1 + 2 * len(drafted())))


def _refuses_what_is_not_genuine(port: int, told: SubscriberView) -> bool:
    at, body = now(), b'{"made": "up"}'
    good = headers([told.secret], "msg_1", at, body)
    forged = [
        headers([new_secret()], "msg_1", at, body),
        headers([told.secret], "msg_1", at - timedelta(minutes=6), body),
        {**good, "webhook-id": "msg_2"},
        {name: value for name, value in good.items() if name != "webhook-signature"},
        {name: value for name, value in good.items() if name != "webhook-timestamp"},
    ]
    return [_posted(port, body, one) for one in forged] == [401] * len(forged) and _posted(
        port, body + b" ", good
    ) == 401


def _posted(port: int, body: bytes, told: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/grantflow", body, told)
    status = connection.getresponse().status
    connection.close()
    return status


def _await(port: int) -> None:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return


def test_the_page_tells_the_thresholds_that_hold() -> None:
    told = {
        "after 5 s, then 3 times as long": (timedelta(seconds=5), 3) == (pace.FIRST_DELAY, pace.FACTOR),
        "up to an hour, a fifth more or less": (timedelta(hours=1), 0.2) == (pace.LONGEST_DELAY, pace.JITTER),
        "three times in a row, nothing is sent for up to a minute": (
            (3, timedelta(minutes=1)) == (pace.RESTED_FAILURES, pace.LONGEST_PAUSE)
        ),
        "nothing is sent before that, up to an hour": timedelta(hours=1) == pace.LONGEST_REST,
        "for 2 days (and 10 attempts failed)": (pace.PAUSED_AFTER.days, pace.PAUSED_FAILURES) == (2, 10),
        "refused for 3 days": timedelta(days=3) == pace.TRIED_FOR,
        "2xx within ten seconds": pace.ANSWER_SECONDS == 10,
        "For 24 hours both sign": timedelta(hours=24) == pace.OLD_SECRET_FOR,
        "at most 32 at a time, 4 to one subscriber": (pace.AT_ONCE, pace.AT_ONCE_TO_ONE) == (32, 4),
        "forgotten after 30 days": timedelta(days=30) == pace.KEPT_FOR,
        "at port 443 or 8443": set(PORTS) == {443, 8443},
    }
    words = " ".join(PAGE.split())
    assert {sentence for sentence, holds in told.items() if not holds or sentence not in words} == set()
