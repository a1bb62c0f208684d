"""Calls like the 2023 one under other names and with other frames, and cases under them that stand ready in the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from given import IMDI, Given
from noted import append
from steps import call_2023

from grantflow.domain.call import CALL, Call
from grantflow.domain.deciding import Circumstances
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
    """Publish such a call."""
    files = variant(name, frame)
    by = Circumstances(
        at=PUBLISHED, person="imdi-lead", organisation=IMDI, role="call-manager", channel="test", command=name
    )
    service.publish(files, by)
    return Call.read(files)


def prepared(store: Store, call: Call, many: int, *steps: Step) -> list[UUID]:
    """Store `many` cases in which these steps have been taken: decided once, each in a stream of its own."""
    events = Given(call, *steps).events
    cases = [uuid4() for _ in range(many)]
    futures = [
        store.append(append(*(Entry(case, n, event) for n, event in enumerate(events, start=1))))
        for case in cases
    ]
    for future in futures:
        future.result()
    return cases
