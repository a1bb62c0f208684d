"""What the access log promises: kept before anybody is answered, many in one commit, and found by whoever asks."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from asked import asked, found
from conftest import ledger_keys
from gathered import clean_year
from looking import AT, CALL, listed, looked, noting_held_up

from grantflow import accesses, writer
from grantflow.accesses import AccessLog, Overloaded, Unavailable, read, with_reads
from grantflow.app import App
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

A, B, C = (UUID(int=n) for n in (0xA, 0xB, 0xC))


@pytest.fixture
def log(store: Store) -> Iterator[AccessLog]:
    with closing(AccessLog(store)) as log:
        yield log


def commits(store: Store) -> int:
    with store.connection() as connection:
        row = connection.execute("SELECT count(DISTINCT xmin::text) FROM access_log").fetchone()
    assert row is not None
    return int(row[0])


# Writing it down


def test_what_is_recorded_is_read_back_as_it_was(log: AccessLog, store: Store) -> None:
    one = looked(case=A, call=CALL, request="r-1", role="case-officer, decider", what="historikk: ŋ, 日本")
    page = listed(A, B, after=1)
    whole = looked(after=2, did="exported", what="pack", call=CALL, count=40, channel="cli")
    log.record([one, page, whole]).result()
    assert read(store) == [one, page, whole]
    assert [access.count for access in read(store)] == [1, 2, 40]


def test_it_is_kept_before_the_future_is_done(log: AccessLog, store: Store, database_url: str) -> None:
    with closing(noting_held_up(database_url)):
        future = log.record([looked(case=A)])
        time.sleep(0.2)
        assert not future.done()
        assert read(store) == []
    future.result()
    with psycopg.connect(database_url) as other:
        assert other.execute("SELECT case_id FROM access_log").fetchall() == [(A,)]


def test_many_who_look_at_once_share_a_commit(log: AccessLog, store: Store, database_url: str) -> None:
    with closing(noting_held_up(database_url)):
        futures = [log.record([looked(case=A), looked(case=B)]) for _ in range(100)]
    for future in futures:
        future.result()
    assert len(read(store)) == 200
    assert commits(store) <= 2


def test_rows_are_numbered_in_the_order_they_were_recorded_in(log: AccessLog, store: Store) -> None:
    futures = [log.record([looked(what=f"{n}"), looked(what=f"{n}+")]) for n in range(300)]
    for future in futures:
        future.result()
    assert [one.what for one in read(store)] == [what for n in range(300) for what in (f"{n}", f"{n}+")]


def test_many_threads_lose_and_repeat_nothing(log: AccessLog, store: Store) -> None:
    def look(thread: int) -> None:
        for n in range(25):
            log.record([looked(case=A, request=f"{thread}/{n}")]).result()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(look, range(16)))
    told = [one.request for one in read(store)]
    assert sorted(map(str, told)) == sorted(f"{thread}/{n}" for thread in range(16) for n in range(25))
    assert commits(store) < 400


def test_it_can_be_awaited(log: AccessLog, store: Store) -> None:
    async def many() -> None:
        await asyncio.gather(*(asyncio.wrap_future(log.record([looked(case=A)])) for _ in range(20)))

    asyncio.run(many())
    assert len(read(store)) == 20


def test_nothing_to_record_is_done_at_once_and_starts_nothing(log: AccessLog) -> None:
    assert log.record([]).done()
    log.note(looked())
    assert log._writer is None


def test_one_that_cannot_be_stored_fails_alone(log: AccessLog, store: Store, database_url: str) -> None:
    with closing(noting_held_up(database_url)):
        before = log.record([looked(what="before")])
        nul = log.record([looked(what="with it"), looked(what="a nul \0")])
        after = log.record([looked(what="after")])
    before.result()
    after.result()
    assert isinstance(nul.exception(), psycopg.DataError)
    assert [one.what for one in read(store)] == ["before", "after"]


def test_whoever_stops_waiting_in_time_has_not_looked(
    log: AccessLog, store: Store, database_url: str
) -> None:
    with closing(noting_held_up(database_url)):
        first = log.record([looked(case=A)])
        while not first.running():
            pass
        gone = log.record([looked(case=B)])
        assert gone.cancel()
    first.result()
    log.close()
    assert [one.case for one in read(store)] == [A]


def test_more_than_can_be_kept_waiting_is_refused_at_once(
    log: AccessLog, store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 10)
    taken: list[Future[None]] = []

    def go_on() -> None:
        while True:
            taken.append(log.record([looked()]))

    with closing(noting_held_up(database_url)), pytest.raises(Overloaded):
        go_on()
    for future in taken:
        future.result()
    assert len(read(store)) == len(taken) >= 10


def test_closing_stores_what_waits_and_refuses_the_rest(store: Store) -> None:
    log = AccessLog(store)
    futures = [log.record([looked(case=A)]) for _ in range(1_000)]
    log.close()
    log.close()
    assert all(future.done() and future.exception() is None for future in futures)
    assert len(read(store)) == 1_000
    with pytest.raises(Unavailable):
        log.record([looked()])


def test_an_app_that_records_nothing_has_no_thread_for_it(store: Store) -> None:
    app = App.on(store, ledger_keys())
    assert "grantflow-accesses" not in {thread.name for thread in threading.enumerate()}
    app.accesses.record([looked()]).result()
    assert "grantflow-accesses" in {thread.name for thread in threading.enumerate()}
    app.accesses.close()
    assert "grantflow-accesses" not in {thread.name for thread in threading.enumerate()}


def test_a_lost_connection_loses_nothing(log: AccessLog, store: Store, database_url: str) -> None:
    log.record([looked(what="first")]).result()
    with psycopg.connect(database_url, autocommit=True) as other:
        for n in range(5):
            assert log._writer is not None
            assert log._writer._connection is not None
            other.execute("SELECT pg_terminate_backend(%s)", (log._writer._connection.info.backend_pid,))
            log.record([looked(what=f"{n}")]).result()
    assert [one.what for one in read(store)] == ["first", *map(str, range(5))]


def test_a_database_that_stays_away_is_said_to_be_unavailable(
    log: AccessLog, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        msg = "nobody is there"
        raise psycopg.OperationalError(msg)

    with monkeypatch.context() as away:
        away.setattr(writer, "RETRY_SECONDS", 0.2)
        away.setattr(writer, "connect", gone)
        with pytest.raises(Unavailable, match="nobody is there"):
            log.record([looked()]).result()
    log.record([looked(what="again")]).result()
    assert [one.what for one in read(store)] == ["again"]


def test_where_nothing_can_be_written_a_note_says_so_at_once(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with Store(database_url) as store:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="read-only"):
            AccessLog(store).note(looked())
        assert time.monotonic() - begun < 1
        assert read(store) == []


# Who saw a case?


def whats(store: Store, *cases: UUID, call: str = CALL) -> list[str]:
    return [one.what for one in read(store, cases=cases, call=call)]


def test_who_saw_a_case_is_whoever_was_shown_it_alone_in_a_list_or_with_its_whole_call(
    log: AccessLog, store: Store
) -> None:
    rows = [
        looked(what="A alone", case=A),
        looked(what="B alone", case=B, call=CALL),
        listed(A, B, what="both"),
        listed(B, C, what="others", call=CALL),
        listed(what="an empty list", call=CALL),
        looked(what="the call", did="exported", call=CALL, count=3),
        looked(what="another call", did="exported", call="another", count=3),
        looked(what="all there is", did="asked", count=9),
        looked(what="the call's page", call=CALL),
    ]
    log.record(rows).result()
    assert whats(store, A) == ["A alone", "both", "the call", "all there is"]
    assert whats(store, C) == ["others", "the call", "all there is"]
    assert whats(store, uuid4(), call="another") == ["another call", "all there is"]
    assert len(read(store)) == len(rows)


def test_who_had_looked_by_an_instant(log: AccessLog, store: Store) -> None:
    log.record([looked(case=A, after=n) for n in (2, 0, 1)]).result()
    assert [one.at for one in read(store, cases=[A])] == [looked(after=n).at for n in (0, 1, 2)]
    assert [one.at for one in read(store, cases=[A], until=AT)] == [AT]
    assert len(read(store, until=looked(after=1).at)) == 2


def test_whoever_asks_about_a_case_needs_not_read_the_whole_table(log: AccessLog, store: Store) -> None:
    log.record([listed(uuid4(), uuid4()) for _ in range(2_000)]).result()
    log.record([looked(case=uuid4()) for _ in range(2_000)]).result()
    query = accesses._READ + accesses._OF_THESE
    with store.connection() as connection:
        connection.execute("ANALYZE access_log")
        plan = connection.execute(
            f"EXPLAIN {query}",
            {"cases": [A], "call": CALL, "until": None},
        ).fetchall()
    text = "\n".join(line for (line,) in plan)
    for index in ("access_log_case ", "access_log_cases", "access_log_whole"):
        assert index in text


def test_a_question_is_asked_with_who_looked_at_its_cases_by_its_instant(
    log: AccessLog, store: Store
) -> None:
    history = clean_year()
    first, second = history.cases[0].id, history.cases[1].id
    rows = [looked(case=first), looked(after=1, case=uuid4()), listed(first, second, uuid4(), after=2)]
    log.record(rows).result()
    everything = with_reads(store, history)
    assert everything.reads == tuple(rows)
    of_the_call = with_reads(store, replace(history, call=CALL))
    assert of_the_call.reads == (rows[0], rows[2])
    early = with_reads(store, replace(history, as_of=AT))
    assert early.reads == (rows[0],)
    told = [found(row, "cases", "count") for row in asked("access", of_the_call)]
    assert told == [([f"{CALL}-0001"], 1), ([f"{CALL}-0001", f"{CALL}-0002"], 3)]
