"""What a store promises about appends: in order, whole or not at all, once for a key, each on its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
import pytest
from noted import Noted, append, noted, writing_held_up

from grantflow import writer
from grantflow.store import Append, Appended, Conflict, KeyReused, Overloaded, Store, Unavailable

if TYPE_CHECKING:
    from concurrent.futures import Future

pytestmark = pytest.mark.usefixtures("noted_is_known")

A, B, C = UUID(int=0xA), UUID(int=0xB), UUID(int=0xC)
TOO_MUCH = f"""
    CREATE FUNCTION too_much() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'too much' USING ERRCODE = 'program_limit_exceeded';
    END $$;
    CREATE TRIGGER too_much BEFORE INSERT ON stored_events
        FOR EACH ROW WHEN (NEW.originator_id = '{C}') EXECUTE FUNCTION too_much()
"""
"""What makes PostgreSQL say of one stream's events that they are more than it can hold."""


def test_appends_from_one_thread_stand_in_its_order_without_gaps(store: Store) -> None:
    futures = [store.append(append(noted(uuid4(), 1, str(n)))) for n in range(1_000)]
    assert [future.result().positions for future in futures] == [(n,) for n in range(1, 1_001)]
    log = store.read(0, 2_000)
    assert [entry.position for entry in log] == list(range(1, 1_001))
    assert [entry.event for entry in log] == [noted(A, 1, str(n)).event for n in range(1_000)]


def test_commands_in_flight_share_a_commit(store: Store, database_url: str) -> None:
    with closing(writing_held_up(database_url)):
        futures = [store.append(append(noted(uuid4(), 1))) for _ in range(100)]
    for future in futures:
        future.result()
    with store.connection() as connection:
        commits = connection.execute("SELECT count(DISTINCT xmin::text) FROM stored_events").fetchone()
    assert commits is not None
    assert commits[0] <= 2


def test_commands_on_one_stream_are_stored_in_order_in_one_commit(store: Store, database_url: str) -> None:
    with closing(writing_held_up(database_url)):
        futures = [store.append(append(noted(A, version))) for version in range(1, 51)]
    assert [future.result().positions for future in futures] == [(n,) for n in range(1, 51)]
    assert [entry.originator_version for entry in store.load(A)] == list(range(1, 51))
    assert [entry.originator_version for entry in store.load(A, after_version=48)] == [49, 50]


def test_a_command_over_two_streams_is_stored_whole(store: Store) -> None:
    stored = store.append(append(noted(A, 1), noted(B, 1), noted(B, 2))).result()
    assert stored == Appended((1, 2, 3))
    assert [entry.id for entry in store.read(0, 10)] == [f"{A}.1", f"{B}.1", f"{B}.2"]


def test_entries_of_two_streams_may_alternate(store: Store) -> None:
    stored = store.append(append(noted(A, 1), noted(B, 1), noted(A, 2), noted(B, 2))).result()
    assert stored.positions == (1, 2, 3, 4)
    assert [(entry.originator_version, entry.position) for entry in store.load(A)] == [(1, 1), (2, 3)]


def test_a_conflict_fails_alone_and_stores_nothing_of_its_command(store: Store, database_url: str) -> None:
    store.append(append(noted(A, 1))).result()
    with closing(writing_held_up(database_url)):
        before = store.append(append(noted(uuid4(), 1)))
        late = store.append(append(noted(B, 1), noted(A, 1)))
        after = store.append(append(noted(B, 1)))
    assert before.result().positions == (2,)
    with pytest.raises(Conflict):
        late.result()
    assert after.result().positions == (3,)


@pytest.mark.parametrize("version", [1, 2, 4, 5])
def test_only_the_very_next_version_of_a_stream_is_taken(store: Store, version: int) -> None:
    store.append(append(noted(A, 1), noted(A, 2))).result()
    with pytest.raises(Conflict):
        store.append(append(noted(A, version))).result()
    assert store.last_position() == 2


def test_what_was_decided_on_a_command_that_was_not_stored_is_not_stored_either(
    store: Store, database_url: str
) -> None:
    store.append(append(noted(A, 1))).result()
    with closing(writing_held_up(database_url)):
        first = store.append(append(noted(A, 2, "somebody else's")))
        lost = store.append(append(noted(A, 2), key="lost"))
        built_on_it = store.append(append(noted(A, 3), after="lost"))
        unaware = store.append(append(noted(A, 3)))
    assert first.result().positions == (2,)
    for conflict in (lost, built_on_it):
        with pytest.raises(Conflict):
            conflict.result()
    assert unaware.result().positions == (3,)


def test_what_was_decided_on_a_command_in_flight_is_stored_after_it(store: Store, database_url: str) -> None:
    with closing(writing_held_up(database_url)):
        first = store.append(append(noted(B, 1), noted(A, 1), key="first"))
        second = store.append(append(noted(A, 2), key="second", after="first"))
    third = store.append(append(noted(B, 2), noted(A, 3), after="second"))
    assert [future.result().positions for future in (first, second, third)] == [(1, 2), (3,), (4, 5)]
    with pytest.raises(Conflict):
        store.append(append(noted(A, 4), after="second")).result()


def test_the_same_key_with_the_same_content_gives_the_first_positions(store: Store) -> None:
    first = store.append(append(noted(A, 1), noted(A, 2), key="k")).result()
    again = store.append(append(noted(A, 3), key="k")).result()
    assert again == Appended(first.positions, repeated=True)
    assert store.answered("k", sha256(b"").digest()) == again
    assert store.answered("never seen", b"") is None
    assert store.last_position() == 2


def test_the_same_key_with_other_content_is_refused(store: Store) -> None:
    store.append(append(noted(A, 1), key="k", body="one")).result()
    with pytest.raises(KeyReused):
        store.append(append(noted(A, 2), key="k", body="two")).result()
    with pytest.raises(KeyReused):
        store.answered("k", b"")
    assert store.last_position() == 1


def test_of_two_commands_with_one_key_in_one_commit_the_first_acts(store: Store, database_url: str) -> None:
    with closing(writing_held_up(database_url)):
        futures = [store.append(append(noted(uuid4(), 1), key="k")) for _ in range(5)]
    assert [future.result() for future in futures] == [
        Appended((1,)),
        *[Appended((1,), repeated=True)] * 4,
    ]


def test_of_many_that_send_one_key_at_once_one_acts(store: Store, database_url: str) -> None:
    with Store(database_url) as other, ThreadPoolExecutor(16) as threads:

        def send(n: int) -> Appended:
            return (store, other)[n % 2].append(append(noted(uuid4(), 1), key=f"k{n // 16}")).result()

        answers = list(threads.map(send, range(160)))
    assert [answer.repeated for answer in answers].count(False) == 10
    assert store.last_position() == 10
    assert {answers[n].positions for n in range(16)} == {answers[0].positions}


def test_a_command_that_cannot_be_stored_fails_alone(store: Store, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as superuser:
        superuser.execute(TOO_MUCH)
    with closing(writing_held_up(database_url)):
        before = store.append(append(noted(A, 1)))
        poison = [
            store.append(append(noted(B, 1), key="a nul \0")),
            store.append(append(noted(B, 1), key="half a character \ud83d")),
            store.append(append(noted(C, 1))),
        ]
        after = store.append(append(noted(A, 2)))
    assert [before.result(), after.result()] == [Appended((1,)), Appended((2,))]
    nul, surrogate, too_much = (future.exception() for future in poison)
    assert isinstance(nul, psycopg.DataError)
    assert isinstance(surrogate, UnicodeEncodeError)
    assert isinstance(too_much, Unavailable)


def test_a_key_may_be_as_long_as_its_sender_likes(store: Store) -> None:
    long = "".join(uuid4().hex for _ in range(200))
    assert store.append(append(noted(A, 1), key=long)).result() == Appended((1,))
    assert store.append(append(noted(A, 1), key=long)).result() == Appended((1,), repeated=True)
    assert store.append(append(noted(A, 2), key=f"{long}.")).result() == Appended((2,))


def test_more_than_can_be_kept_waiting_is_refused_at_once(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 10)
    taken: list[Future[Appended]] = []

    def go_on() -> None:
        while True:
            taken.append(store.append(append(noted(uuid4(), 1))))

    with closing(writing_held_up(database_url)), pytest.raises(Overloaded) as refusal:
        go_on()
    assert refusal.value.status == 503
    assert 10 <= len(taken) < 600
    assert [future.result().positions for future in taken] == [(n,) for n in range(1, len(taken) + 1)]


def test_an_append_can_be_awaited(store: Store) -> None:
    async def many() -> list[Appended]:
        return await asyncio.gather(
            *(asyncio.wrap_future(store.append(append(noted(uuid4(), 1)))) for _ in range(20))
        )

    assert asyncio.run(many()) == [Appended((n,)) for n in range(1, 21)]


def test_one_who_stops_waiting_does_not_stop_the_others(store: Store, database_url: str) -> None:
    with closing(writing_held_up(database_url)):
        taken_up = store.append(append(noted(A, 1)))
        while not taken_up.running():
            pass
        given_up, kept = store.append(append(noted(B, 1))), store.append(append(noted(B, 1)))
        assert not taken_up.cancel()
        assert given_up.cancel()
    assert [taken_up.result(), kept.result()] == [Appended((1,)), Appended((2,))]
    with pytest.raises(CancelledError):
        given_up.result()


def test_closing_stores_what_is_in_flight_and_refuses_the_rest(database_url: str) -> None:
    store = Store(database_url)
    futures = [store.append(append(noted(uuid4(), 1))) for _ in range(1_000)]
    store.close()
    store.close()
    assert [future.result(timeout=0).positions for future in futures] == [(n,) for n in range(1, 1_001)]
    with pytest.raises(Unavailable):
        store.append(append(noted(A, 1)))
    with pytest.raises(Unavailable):
        store.load(A)


@pytest.mark.parametrize(
    "impossible",
    [
        Append("", b"", (noted(A, 1),)),
        Append("no entries", b"", ()),
        Append("a gap", b"", (noted(A, 1), noted(A, 3))),
        Append("backwards", b"", (noted(A, 2), noted(B, 1), noted(A, 1))),
    ],
)
def test_an_append_that_makes_no_sense_is_a_bug_and_told_at_once(store: Store, impossible: Append) -> None:
    with pytest.raises(ValueError, match=r"version|key"):
        store.append(impossible)


def test_what_was_stored_is_what_comes_back(store: Store) -> None:
    event = Noted(stamp=noted(A, 1).event.stamp, text="Blåbærsyltetøy på Ørlandet: ŋ, 日本, 🐟")
    stored = append(*(noted(A, n) for n in range(1, 3)), noted(B, 1)).entries
    entries = (*stored, type(stored[0])(B, 2, event))
    store.append(append(*entries)).result()
    placed = [entry.placed(position) for position, entry in enumerate(entries, start=1)]
    assert store.read(0, 10) == placed
    assert store.load(B) == placed[2:]
    assert store.entry(4) == placed[3]
