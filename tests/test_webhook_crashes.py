"""Deliverers that are killed, or are two at once by mistake: nothing is lost, and each case keeps its order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hooked import Desk, desk_on, now, published
from receiver import Receiver, yes
from steps import drafted

from grantflow.webhooks import deliveries, pace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from receiver import Got, Line

    from grantflow.store import Store

PROGRAM = Path(__file__).with_name("delivering.py")
KILLS = 60 if "GRANTFLOW_LONG_TESTS" in os.environ else 8


@pytest.fixture(scope="module")
def store(module_database_url: str) -> Iterator[Store]:
    with published(module_database_url) as store:
        yield store


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    with desk_on(store) as desk:
        yield desk


def slowly(_: Got, line: Line) -> None:
    """Behave, and take some time over it: before the yes, and after what was sent has been read."""
    line.wait(random.uniform(0, 0.02))  # noqa: S311
    line.status(200)


def test_killed_at_any_moment_nothing_is_lost_and_each_case_keeps_its_order(desk: Desk) -> None:
    cases = desk.cases(6 * KILLS, *drafted())
    expected = len(cases) * len(drafted())
    with Receiver(slowly) as receiver:
        made = desk.subscribe(receiver.url)
        command = [sys.executable, str(PROGRAM), desk.store.database_url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
            assert maker.stdin is not None
            assert maker.stdout is not None
            for _ in range(KILLS):
                maker.stdin.write("another\n")
                maker.stdin.flush()
                child, before, give_up = (
                    int(maker.stdout.readline()),
                    len(receiver.got),
                    time.monotonic() + 20,
                )
                while len(receiver.got) == before and time.monotonic() < give_up:
                    time.sleep(0.001)
                time.sleep(random.uniform(0, 0.12))  # noqa: S311
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                assert int(maker.stdout.readline()) == -signal.SIGKILL
            maker.stdin.close()
        killed_at = len(receiver.got)
        assert killed_at < expected, "it was killed in the middle"
        desk.until(lambda: desk.show(made.id).delivered == expected, seconds=20)
        assert desk.deliverer.settle()
    assert len({one.id for one in receiver.got}) == expected
    again = Counter(one.position for one in receiver.got)
    assert max(again.values()) <= KILLS + 1
    assert len({(one.id, one.position) for one in receiver.got}) == expected, "repeated under the same id"
    insist_on_order(receiver, cases)


def insist_on_order(receiver: Receiver, cases: list[UUID]) -> None:
    """In each case one after the other: a repeated one repeats the last, and nothing else comes between."""
    for case in cases:
        versions = [one.event["data"]["version"] for one in receiver.of(case)]
        assert versions[0] == 1
        assert versions[-1] == len(drafted())
        assert all(after - before in {0, 1} for before, after in pairwise(versions)), versions


def test_what_was_said_yes_to_and_not_noted_comes_again_under_the_same_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never_noted(*_: object) -> str:
        raise psycopg.OperationalError

    (case,) = desk.cases(1, *drafted())
    with Receiver() as receiver:
        made = desk.subscribe(receiver.url)
        with monkeypatch.context() as patch:
            patch.setattr(deliveries, "note", never_noted)
            for _ in range(3):
                desk.turn(now())
        assert [one.event["data"]["version"] for one in receiver.got] == [1, 1, 1]
        assert len({one.id for one in receiver.got}) == 1
        desk.until(lambda: desk.show(made.id).waiting == 0)
    insist_on_order(receiver, [case])


def test_two_deliverers_at_once_send_each_event_once_and_in_order(desk: Desk) -> None:
    cases = desk.cases(30, *drafted())
    expected = len(cases) * len(drafted())
    over = threading.Event()

    def taking_turns() -> None:
        another = desk.another()
        while not over.is_set():
            another.turn(now())
            time.sleep(0.005)
        another.close()

    with Receiver(slowly) as receiver:
        made = desk.subscribe(receiver.url)
        threads = [threading.Thread(target=taking_turns) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            desk.until(lambda: desk.show(made.id).delivered == expected, seconds=20)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert desk.deliverer.settle()
    assert Counter(one.id for one in receiver.got).most_common(1)[0][1] == 1
    insist_on_order(receiver, cases)


def test_no_case_is_sent_from_twice_at_a_time(desk: Desk) -> None:
    """Even where both deliverers see the same one due: whoever comes second passes it by."""
    desk.cases(1, *drafted())
    under_way, most = 0, 0
    gate = threading.Lock()

    def counting(_: Got, line: Line) -> None:
        nonlocal under_way, most
        with gate:
            under_way += 1
            most = max(most, under_way)
        line.wait(0.03)
        with gate:
            under_way -= 1
        line.status(200)

    with Receiver(counting) as receiver:
        made = desk.subscribe(receiver.url)
        other = desk.another()
        while desk.show(made.id).delivered < len(drafted()):
            for one in (desk.deliverer, other):
                one.turn(now())
        desk.deliverer.settle()
        other.close()
    assert most == 1


def test_one_that_is_stopped_while_it_sends_loses_the_case_to_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LOCK_SECONDS", 0.3)
    slow = threading.Event()

    def once_slow(_: Got, line: Line) -> None:
        if not slow.is_set():
            slow.set()
            line.wait(2)
        line.status(200)

    (case,) = desk.cases(1, *drafted())
    with Receiver(once_slow) as receiver:
        made = desk.subscribe(receiver.url)
        desk.deliverer.turn(now())
        assert slow.wait(5)
        with closing(desk.another()) as other:
            began = time.monotonic()
            while desk.show(made.id).waiting and time.monotonic() - began < 2:
                other.turn(now())
                time.sleep(0.02)
            assert desk.show(made.id).delivered == len(drafted()), (
                "without waiting for the one that is stopped"
            )
        assert desk.deliverer.settle()
    insist_on_order(receiver, [case])


def test_the_cursor_and_the_rows_are_written_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from grantflow.webhooks import fanning  # noqa: PLC0415

    desk.cases(1, *drafted())
    with Receiver(yes) as receiver:
        made = desk.subscribe(receiver.url)
        with monkeypatch.context() as patch:
            patch.setattr(fanning, "_PUT", "SELECT 1 / 0, %s, %s, %s, %s")
            with pytest.raises(psycopg.errors.DivisionByZero):
                desk.deliverer.turn(now())
        assert desk.show(made.id).position == desk.start
        desk.until(lambda: desk.show(made.id).delivered == len(drafted()))
    assert len(receiver.got) == len(drafted())
