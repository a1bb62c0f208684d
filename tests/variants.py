"""Calls like the 2023 one under other names and with other frames, and cases under them that stand ready in the log."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from given import DELEGATIONS, IMDI, Given
from noted import append
from steps import call_2023

from grantflow.delegating import Delegate
from grantflow.domain.application import CaseEvent
from grantflow.domain.call import CALL, Call
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.event import Entry

if TYPE_CHECKING:
    from uuid import UUID

    from given import Step

    from grantflow.service import Service
    from grantflow.store import Store

PUBLISHED = datetime(2023, 8, 10, 8, tzinfo=UTC)


def variant(name: str, frame: str) -> dict[str, str]:
    """The files of the 2023 call, with another identifier and frame (kroner)."""
    declared = call_2023()
    text = declared.files[CALL]
    for old, new in ((f'id = "{declared.id}"', f'id = "{name}"'), ('"7900000.00"', f'"{frame}"')):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return {**declared.files, CALL: text}


def publish(service: Service, name: str, frame: str) -> Call:
    """Publish such a call; whoever decides in the tests has the authority to."""
    files = variant(name, frame)
    service.calls.publish(files, by_lead(name))
    delegate(service)
    return Call.read(files)


def delegate(service: Service) -> None:
    """Record the written budget authorities that tests rely on, where that is not done."""
    known = service.states.authorities(IMDI).delegations
    for reference, (scope, person) in DELEGATIONS.items():
        if scope == "budget" and reference not in known:
            delegate_to(service, reference, person)


def delegate_to(
    service: Service, reference: str, person: str, appropriation: str = "", at: datetime = PUBLISHED
) -> None:
    """Record a written budget authority without limits: for the 2023 call's appropriation, or another."""
    asked = Delegate(
        reference=reference,
        scope="budget",
        person=person,
        issued_by="direktøren",
        valid_from=date(2022, 1, 1),
        appropriation=appropriation or call_2023().appropriation,
    )
    service.authority.delegate(asked, by_lead(reference, at))


def by_lead(command: str, at: datetime = PUBLISHED) -> Circumstances:
    """The lead of the directorate behind the call."""
    return Circumstances(
        at=at,
        person="imdi-lead",
        organisation=IMDI,
        role="call-manager",
        channel="test",
        command=command,
    )


def prepared(store: Store, call: Call, many: int, *steps: Step) -> list[UUID]:
    """Store `many` cases in which these steps have been taken: decided once, each in a stream of its own."""
    events = [event for event in Given(call, *steps).events if isinstance(event, CaseEvent)]
    cases = [uuid4() for _ in range(many)]
    futures = [
        store.append(append(*(Entry(case, n, event) for n, event in enumerate(events, start=1))))
        for case in cases
    ]
    for future in futures:
        future.result()
    return cases
