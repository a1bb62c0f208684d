"""A duty has one holder, who gives signs of life; who gives none is ended, and does nothing more when it wakes."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg
import pytest
from crew import TAKEOVER_SECONDS, soon
from structlog.testing import capture_logs

from grantflow import duties, worker
from grantflow.connections import connect
from grantflow.duties import Duty, myself, working_as
from grantflow.rota import DutyStanding, rota
from grantflow.store import Unavailable
from grantflow.turns import TurnEnded, going_on, heard_by
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grantflow.store import Store

AT = datetime(2023, 8, 21, 7, tzinfo=UTC)


class Doing:
    """A chore that does what a test says."""

    def __init__(self, name: str, turn: Callable[[], datetime | None]) -> None:
        self.name, self._turn, self.turns = name, turn, 0

    def turn(self, now: datetime) -> datetime | None:
        assert now.tzinfo
        self.turns += 1
        return self._turn()


def nothing() -> None:
    """What most have to do."""


@contextmanager
def working(store: Store, *chores: Doing) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=Worker(store, chores).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def standing(store: Store, name: str) -> DutyStanding:
    return rota(store, [name], {})[0]


def backend(store: Store, name: str) -> int | None:
    with store.connection() as connection:
        row = connection.execute("SELECT backend FROM duties WHERE name = %s", (name,)).fetchone()
    return row[0] if row else None


def test_a_duty_has_one_holder_until_it_is_let_go(store: Store) -> None:
    with Duty(store.database_url, "one") as one, Duty(store.database_url, "one") as other:
        assert standing(store, "one").holder is None
        assert one.taken()
        assert not other.taken()
        assert standing(store, "one").holder == myself()
        with Duty(store.database_url, "two") as another:
            assert another.taken(), "each duty has a lock of its own"
        one.let_go()
        soon(other.taken, 1)
        assert not one.taken()
        assert not other.wait(0.01)
        with pytest.raises(TurnEnded):
            one.beat()


def test_who_waits_at_a_duty_is_woken_when_the_log_grows_or_somebody_rings(store: Store) -> None:
    with Duty(store.database_url, "one") as duty:
        assert duty.taken()
        assert not duty.wait(0.01)
        with store.connection() as connection:
            connection.execute("NOTIFY stored_events")
        assert duty.wait(5)
        assert not duty.wait(0.01)
        with store.connection() as connection:
            connection.execute("NOTIFY stored_events")
        duty.beat()  # hears it by the way
        assert duty.wait(0.01), "what is heard during another statement counts too"
        duty.ring()
        duty.ring()
        assert duty.wait(5)
        assert not duty.wait(0.01)
    duty.ring()


def test_who_knows_that_there_is_something_to_do_is_woken_by_no_commit_meanwhile(store: Store) -> None:
    with Duty(store.database_url, "one") as duty, store.connection() as connection:
        assert duty.taken()
        connection.execute("NOTIFY stored_events")
        begun = time.monotonic()
        assert duty.wait(0.3, deaf=True), "what was heard is not forgotten"
        assert time.monotonic() - begun >= 0.3
        assert not duty.wait(0.01), "and counts once"
        duty.ring()
        assert duty.wait(5, deaf=True), "but by who stops it"


def test_turns_are_not_taken_one_for_each_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_SHORTEST_REST", 0.5)
    chore = Doing("one", nothing)
    with working(store, chore), store.connection() as connection:
        soon(lambda: chore.turns == 1, 10)
        for _ in range(100):
            connection.execute("NOTIFY stored_events")
            time.sleep(0.005)
        soon(lambda: chore.turns >= 2, 10)
        assert chore.turns <= 3


def test_a_duty_that_was_lost_is_noticed_before_anything_more_is_done(store: Store) -> None:
    with (
        Duty(store.database_url, "one") as duty,
        psycopg.connect(store.database_url, autocommit=True) as other,
    ):
        assert duty.taken()
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (backend(store, "one"),))
        time.sleep(duties.BEAT_SECONDS)
        with heard_by(duty.going_on), pytest.raises(TurnEnded):
            going_on()
        assert standing(store, "one").holder is None
        assert duty.taken()


def test_no_database_is_no_duty() -> None:
    with Duty("host=/nowhere dbname=none", "one") as duty:
        assert not duty.taken()
        with pytest.raises(TurnEnded):
            duty.wait(5)


def test_a_silent_holder_is_ended_and_one_that_gives_signs_of_life_is_not(store: Store) -> None:
    with Duty(store.database_url, "one") as one, Duty(store.database_url, "one") as other:
        assert one.taken()
        give_up = time.monotonic() + duties.SILENCE_SECONDS * 1.5
        while time.monotonic() < give_up:
            assert not other.taken()
            assert not one.wait(0.2)
        assert soon(other.taken, 20) < TAKEOVER_SECONDS
        with pytest.raises(TurnEnded):
            one.going_on()
        assert not one.taken()


def test_silence_is_not_told_by_the_clock_of_the_database_which_may_be_set(store: Store) -> None:
    with Duty(store.database_url, "one") as one, Duty(store.database_url, "one") as other:
        assert one.taken()
        for beat in ("2001-01-01", "2099-01-01"):
            with store.connection() as connection:
                connection.execute("UPDATE duties SET beat_at = %s", (beat,))
            assert not other.taken(), "an old beat is none that has stopped"
        assert soon(other.taken, 20) < TAKEOVER_SECONDS, "one of the future is no sign of life"


def test_only_the_connection_that_holds_the_lock_is_ended_and_only_if_it_is_still_silent(
    store: Store,
) -> None:
    with Duty(store.database_url, "one") as one, Duty(store.database_url, "one") as other:
        assert one.taken()
        assert not other.taken()
        other._seen_at -= 60  # as if it had looked for a minute, and the holder gave a sign just now
        one.beat()
        assert not other.taken()
        seen = {**one._known, "backend": backend(store, "one"), "beat_at": standing(store, "one").beat_at}
        one.beat()  # between the look and the end
        with store.connection() as connection:
            assert connection.execute(duties._END_SILENT, seen).fetchall() == []
            assert connection.execute(duties._END_SILENT, {**seen, "backend": 1}).fetchall() == []
        one.beat()


def test_where_no_holder_finishes_a_turn_each_is_given_more_time(store: Store) -> None:
    patience = duties._patience
    assert [patience(forced) for forced in range(4)] == [duties.SILENCE_SECONDS] * 4
    assert patience(3) < patience(4) < patience(5) < patience(9) == patience(80) < 200
    with Duty(store.database_url, "one") as one, Duty(store.database_url, "one") as other:
        assert one.taken()
        for forced, waiting, holder in ((1, other, one), (2, one, other)):
            waiting.taken()
            waiting._seen_at -= 60
            assert waiting.taken()
            with store.connection() as connection:
                assert connection.execute("SELECT forced FROM duties").fetchone() == (forced,)
            with pytest.raises(TurnEnded):
                holder.beat()
        with store.connection() as connection:
            connection.execute("UPDATE duties SET since = since - interval '11 seconds'")
        other.taken()
        other._seen_at -= 60
        assert other.taken()
        with store.connection() as connection:
            assert connection.execute("SELECT forced FROM duties").fetchone() == (1,), (
                "it went well for a while"
            )
        other.ran(AT, None)
        with store.connection() as connection:
            assert connection.execute("SELECT forced FROM duties").fetchone() == (0,)


def named_as(store: Store, holder: str) -> str:
    """The database's address for a worker's own connections."""
    return psycopg.conninfo.make_conninfo(store.database_url, application_name=working_as(holder))


def test_what_a_holder_that_hangs_has_left_open_is_ended_with_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read model's row, locked in a transaction that nobody goes on with, would hold up the next one for ever."""
    address = named_as(store, myself())
    with ExitStack() as stack:
        one = stack.enter_context(Duty(store.database_url, "one"))
        other = stack.enter_context(Duty(store.database_url, "one"))
        hanging, copying, keeping, resting = (stack.enter_context(psycopg.connect(address)) for _ in range(4))
        assert one.taken()
        hanging.execute("SELECT pg_advisory_xact_lock(7204)")
        keeping.execute("SELECT pg_advisory_lock(7299)")
        keeping.commit()
        resting.execute("SELECT 1")
        resting.commit()
        copying.execute("CREATE TEMPORARY TABLE leaves (n int)")
        copying.commit()
        copying.pgconn.exec_(b"BEGIN; COPY leaves FROM STDIN")
        other.taken()
        time.sleep(duties.SILENCE_SECONDS)
        monkeypatch.setattr(duties, "myself", lambda: "other:1")
        soon(other.taken, 2)
        with store.connection() as connection:
            connection.execute("SET lock_timeout = '2s'")
            connection.execute("SELECT pg_advisory_lock(7204), pg_advisory_lock(7299)")
        resting.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            hanging.execute("SELECT 1")
        stack.callback(copying.close)


@pytest.mark.parametrize("how", ["let go", "lost, and taken again"])
def test_what_a_holder_that_lives_is_in_the_middle_of_goes_on_when_a_duty_changes_hands(
    store: Store, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A webhook that waits for its receiver holds a row meanwhile, and has nothing to do with the other duties."""
    with (
        Duty(store.database_url, "one") as one,
        Duty(store.database_url, "one") as other,
        psycopg.connect(named_as(store, myself())) as sending,
    ):
        assert one.taken()
        sending.execute("SELECT pg_advisory_xact_lock(7299)")
        time.sleep(2.5)  # by which it counts as hanging
        if how == "let go":
            one.let_go()
            assert standing(store, "one").holder is None
            monkeypatch.setattr(duties, "myself", lambda: "other:1")
            soon(other.taken, 1)
        else:
            with store.connection() as connection:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backend(store, "one"),))
            with pytest.raises(TurnEnded):
                one.beat()
            soon(one.taken, 1)
        sending.execute("SELECT 1")


def test_that_the_database_is_away_is_told_once_each_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        msg = "connection refused"
        raise psycopg.OperationalError(msg)

    really = connect
    with Duty(store.database_url, "one") as duty, capture_logs() as lines:
        monkeypatch.setattr(duties, "connect", away)
        assert [duty.taken() for _ in range(3)] == [False] * 3
        assert [line["reason"] for line in lines] == ["connection refused"]
        for told in (2, 3):
            monkeypatch.setattr(duties, "connect", really)
            assert duty.taken()
            with store.connection() as connection:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backend(store, "one"),))
            with pytest.raises(TurnEnded):
                duty.beat()
            monkeypatch.setattr(duties, "connect", away)
            assert [duty.taken() for _ in range(3)] == [False] * 3
            assert [line["event"] for line in lines] == ["duty-connection-lost"] * told


def test_one_chore_that_fails_stops_no_other_and_the_first_of_it_is_told_at_the_end(store: Store) -> None:
    def fails(error: Exception) -> Callable[[], None]:
        def turn() -> None:
            raise error

        return turn

    first, second = ValueError("first"), Unavailable("second")
    chores = [Doing("one", fails(first)), Doing("two", fails(second)), Doing("three", nothing)]
    with pytest.raises(ValueError, match="first"):
        Worker(store, chores).once()
    assert [chore.turns for chore in chores] == [1, 1, 1]
    assert standing(store, "three").last_run is not None


def test_a_duty_that_the_database_was_away_for_is_not_said_to_be_kept_by_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off() -> None:
        with store.connection() as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backend(store, "one"),))

    def ended() -> None:
        cut_off()
        soon(other.taken, 5)

    after = Doing("after", nothing)
    with pytest.raises(Unavailable, match="terminating connection"):
        Worker(store, [Doing("one", cut_off), after]).once()
    assert after.turns == 1
    with Duty(store.database_url, "one") as other:
        assert Worker(store, [Doing("one", ended), after]).once() == ["one"]
        assert Worker(store, [Doing("one", nothing), after]).once() == ["one"]

    def away(_: str) -> None:
        msg = "connection refused"
        raise psycopg.OperationalError(msg)

    monkeypatch.setattr(duties, "connect", away)
    with pytest.raises(Unavailable, match="connection refused"):
        Worker(store, [after]).once()


@pytest.mark.parametrize("name", ["project", "deadlines", "seal", "notify"])
def test_a_chore_that_is_stuck_loses_its_duty_and_holds_up_no_other(store: Store, name: str) -> None:
    stuck, free, done = Event(), Event(), []

    def sticks() -> None:
        stuck.set()
        free.wait(60)
        going_on()
        done.append("after it woke")

    one, beside, other = Doing(name, sticks), Doing("beside", nothing), Doing(name, nothing)
    with ExitStack() as stack:
        stack.callback(free.set)
        stack.enter_context(working(store, one, beside))
        assert stuck.wait(10)
        begun, holding = time.monotonic(), backend(store, name)
        soon(lambda: backend(store, "beside"), 10)
        beside_by = backend(store, "beside")
        stack.enter_context(working(store, other))
        soon(lambda: other.turns, 20)
        assert time.monotonic() - begun < TAKEOVER_SECONDS
        assert backend(store, name) != holding
        turns = beside.turns
        with store.connection() as connection:
            connection.execute("NOTIFY stored_events")
        soon(lambda: beside.turns > turns, 2)
        assert backend(store, "beside") == beside_by, "the other duty is still where it was"
        free.set()
        time.sleep(1)
        assert not done
        assert one.turns == 1


def test_a_long_turn_that_says_that_it_goes_on_keeps_its_duty(store: Store) -> None:
    busy = Event()

    def long() -> None:
        busy.set()
        give_up = time.monotonic() + duties.SILENCE_SECONDS * 2
        while time.monotonic() < give_up:
            time.sleep(0.1)
            going_on()

    one, other = Doing("one", long), Doing("one", nothing)
    with working(store, one):
        assert busy.wait(10)
        with working(store, other):
            soon(lambda: standing(store, "one").last_run, 20)
            assert not other.turns


def test_a_worker_that_is_told_to_stop_does_not_wait_for_the_end_of_a_long_turn(store: Store) -> None:
    busy = Event()

    def endless() -> None:
        busy.set()
        while True:
            time.sleep(0.05)
            going_on()

    with working(store, Doing("one", endless)):
        assert busy.wait(10)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert standing(store, "one").holder is None


def test_what_goes_wrong_with_a_turn_is_told_and_it_is_taken_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_LONGEST_PAUSE", 0.2)
    answers: list[Exception | datetime] = [AT, ValueError("of fnr 01017012345"), Unavailable("away"), AT]

    def fails() -> datetime:
        answer = answers.pop()
        told.append(standing(store, "one").last_error)
        if isinstance(answer, Exception):
            raise answer
        return answer

    told: list[str | None] = []
    with working(store, Doing("one", fails)):
        soon(lambda: len(answers) == 3, 10)
        with store.connection() as connection:
            connection.execute("NOTIFY stored_events")
        soon(lambda: not answers, 10)  # after a pause, though nobody rings
        soon(lambda: standing(store, "one").last_error is None, 10)
    seen = standing(store, "one")
    assert (seen.next_at, seen.holder, seen.since) == (AT, None, None)
    assert told[:3] == [None, None, "away"]
    assert str(told[3]).startswith("ValueError; the log of ")
    assert "01017012345" not in str(told[3])
