"""What is decided on what is remembered stands only if nothing it was taken from has gone on since."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from given import DELEGATIONS, IMDI, OSLO_KOMMUNE, START
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format
from steps import AFTER_DEADLINE, assessed, call_2023, declared, grant
from variants import by_lead, prepared, publish, variant

from grantflow.arrays import bigints, byteas, ints, texts, uuids
from grantflow.connections import connect
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import NoAuthority
from grantflow.service import Request, Service
from grantflow.store import Conflict, Store
from grantflow.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

READY = (*assessed(), declared("decider"))
REFERENCE = grant().data["authority"]
DECIDER = DELEGATIONS[REFERENCE][1]


@pytest.fixture
def two(database_url: str) -> Iterator[tuple[Service, Service]]:
    """Two processes, as far as the database can tell: a service and a memory each."""
    with Store(database_url) as one, Store(database_url) as other:
        yield Service(one), Service(other)


def granting(case: UUID) -> Request:
    by = Circumstances(
        at=AFTER_DEADLINE + timedelta(days=10),
        person=DECIDER,
        organisation=IMDI,
        role="decider",
        channel="test",
        command=uuid4().hex,
    )
    return Request(step="grant", case=case, data=grant().data, by=by)


def beginning(call: str, key: str = "") -> Request:
    by = Circumstances(
        at=START,
        person="kari",
        organisation=OSLO_KOMMUNE,
        role="applicant",
        channel="test",
        command=key or uuid4().hex,
    )
    return Request(step="start", call=call, by=by)


def test_an_authority_that_another_process_has_revoked_is_relied_on_no_more(
    two: tuple[Service, Service],
) -> None:
    here, elsewhere = two
    call = publish(here, call_2023().id, "99000000.00")
    first, second = prepared(here.store, call, 2, *READY)
    here.handle(granting(first))
    elsewhere.authority.revoke(REFERENCE, "Sluttet.", by_lead("revoke"))
    with pytest.raises(Conflict):
        here.settle(here.propose(granting(second)))
    with pytest.raises(NoAuthority):
        here.handle(granting(second))


def test_a_case_begins_under_the_definition_that_another_process_has_given_the_call(
    two: tuple[Service, Service],
) -> None:
    here, elsewhere = two
    call = publish(here, "call", "1000000.00")
    here.handle(beginning(call.id))
    revised = variant("call", "1000001.00")
    elsewhere.calls.revise(revised, "Mer penger.", by_lead("revise"))
    receipt = here.handle(beginning(call.id))
    digest = elsewhere.states.announcement(call.id).digest
    assert elsewhere.states.case(receipt.case).definition == digest != call.digest


def test_on_an_event_loop_what_is_remembered_is_decided_at_once_and_stored_once(
    two: tuple[Service, Service],
) -> None:
    here, _ = two
    call = publish(here, "call", "1000000.00")

    async def begun(request: Request) -> tuple[bool, int]:
        started = here.begin(asyncio.get_running_loop(), request)
        if started is None:
            return False, 0
        await started.stored
        receipt = here.end(started)
        return True, receipt.position if receipt else 0

    assert asyncio.run(begun(beginning(call.id))) == (False, 0)
    here.handle(beginning(call.id))
    request = beginning(call.id, "once")
    assert asyncio.run(begun(request)) == (True, here.store.last_position())
    length = here.store.last_position()
    assert asyncio.run(begun(request)) == (True, 0)
    assert here.handle(request).repeated
    assert here.store.last_position() == length


class Held:
    """What a writer stores with, held until told to go on."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def insert(self, _: object, asked: Sequence[str]) -> list[None]:
        """Store them, once it may."""
        self.begun.set()
        assert self.go_on.wait(10)
        self.stored.extend(asked)
        return [None] * len(asked)


def test_what_comes_while_somebody_stores_alone_is_stored_after_that_in_its_order(
    database_url: str,
) -> None:
    held = Held()
    writer: Writer[str, None] = Writer(database_url, held.insert)
    alone = threading.Thread(target=writer.keep, args=("alone",))
    alone.start()
    assert held.begun.wait(10)
    waiting = [writer.put(f"{number}") for number in range(20)]
    held.go_on.set()
    alone.join(10)
    for one in waiting:
        one.result(10)
    writer.close()
    assert held.stored == ["alone", *(f"{number}" for number in range(20))]


def test_an_interruption_while_storing_leaves_the_next_one_a_way(
    two: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = two
    call = publish(here, "call", "1000000.00")
    with monkeypatch.context() as once:

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        once.setattr(here.store._writer, "_insert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            here.handle(beginning(call.id))
    before = here.store.last_position()
    assert here.handle(beginning(call.id)).position == before + 1


@given(
    words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
    raw=st.lists(st.binary()),
    small=st.lists(st.integers(-(2**31), 2**31 - 1)),
    large=st.lists(st.integers(-(2**63), 2**63 - 1)),
    ids=st.lists(st.uuids()),
)
def test_packed_arrays_are_read_as_what_was_packed(
    server: str, *, words: list[str], raw: list[bytes], small: list[int], large: list[int], ids: list[UUID]
) -> None:
    with connect(server) as connection:
        packed = (texts(words), byteas(raw), ints(small), bigints(large), uuids(ids))
        result = connection.pgconn.exec_params(
            b"SELECT $1, $2, $3, $4, $5", packed, [one.array for one in packed], [Format.BINARY] * 5
        )
        transformer = Transformer(connection)
        transformer.set_pgresult(result)
    assert transformer.load_row(0, tuple) == (words, raw, small, large, ids)
