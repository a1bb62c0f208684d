"""A receipt proves what was stored: the event's id and place, the SHA-256 of its bytes, and the state it led to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from given import IMDI, OSLO_KOMMUNE, START
from steps import AFTER_DEADLINE, assessed, declared, grant
from variants import by_lead, delegate_to, prepared, publish, variant

from grantflow.domain.circumstances import Circumstances
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.event import body_of
from grantflow.receipts import Contended, Receipt
from grantflow.service import Request, Service
from grantflow.states import call_stream, case_stream

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.store import Store


@pytest.fixture
def service(store: Store) -> Service:
    service = Service(store)
    publish(service, "receipts", "8000000.00")
    return service


def start(command: str) -> Request:
    by = Circumstances(
        at=START, person="p", organisation=OSLO_KOMMUNE, role="applicant", channel="test", command=command
    )
    return Request(step="start", call="receipts", by=by)


def bytes_at(store: Store, position: int) -> bytes:
    """What stands in the log at a position."""
    with store.connection() as connection:
        row = connection.execute(
            "SELECT state FROM stored_events WHERE notification_id = %s", (position,)
        ).fetchone()
    assert row is not None
    return bytes(row[0])


def proves(store: Store, receipt: Receipt, stream: UUID) -> None:
    """The receipt agrees with the log in everything it says."""
    entry = store.entry(receipt.position)
    assert (receipt.case, receipt.event) == (stream, entry.id)
    assert (receipt.version, receipt.state) == (entry.originator_version, entry.event.stamp.state)
    assert receipt.recorded_at == entry.event.stamp.recorded_at
    stored = bytes_at(store, receipt.position)
    assert receipt.digest == hashlib.sha256(stored).hexdigest()
    assert stored == body_of(entry.event)


def test_a_receipt_agrees_with_the_log(service: Service) -> None:
    request = start("a")
    receipt = service.handle(request)
    proves(service.store, receipt, case_stream(request.key))
    assert (receipt.state, receipt.version, receipt.repeated) == ("draft", 1, False)


def test_a_receipt_given_again_is_the_same_but_for_saying_so(service: Service) -> None:
    first, again = service.handle(start("a")), service.handle(start("a"))
    assert again.repeated
    assert {**_facts(again), "repeated": False} == _facts(first)


def test_a_receipt_for_a_grant_speaks_of_the_case_and_not_of_the_frame(service: Service) -> None:
    call = service.states.call("receipts", service.states.announcement("receipts").digest)
    (case,) = prepared(service.store, call, 1, *assessed(), declared("decider"))
    at = AFTER_DEADLINE.replace(hour=20)
    by = Circumstances(
        at=at, person="imdi-decider", organisation=IMDI, role="decider", channel="test", command="grant"
    )
    receipt = service.handle(Request(step="grant", case=case, data=grant().data, by=by))
    proves(service.store, receipt, case)
    assert isinstance(service.store.entry(receipt.position).event, ApplicationGranted)


def test_a_receipt_for_what_belongs_to_no_case_speaks_of_its_own_stream(service: Service) -> None:
    published = service.calls.publish(variant("another", "1.00"), by_lead("another"))
    proves(service.store, published, call_stream("another"))
    answered = service.calls.answer_question("another", "Kan vi?", "Ja.", by_lead("answer"))
    proves(service.store, answered, call_stream("another"))
    assert answered.version == published.version + 1


def test_when_two_change_the_same_at_once_one_gets_no_receipt_but_is_told(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = service.states.authorities(IMDI)
    delegate_to(service, "IMDi-first", "somebody")
    monkeypatch.setattr(service.states, "authorities", lambda _: known)
    before = service.store.last_position()
    with pytest.raises(Contended):
        delegate_to(service, "IMDi-second", "somebody")
    assert service.store.last_position() == before


def _facts(receipt: Receipt) -> dict[str, object]:
    return {name: getattr(receipt, name) for name in receipt.__struct_fields__}
