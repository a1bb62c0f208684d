"""The lives of cases: seven steps with everything in force, and all 24 of a case of the 2023 call until it is paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import steps
from given import IMDI, MUNICIPAL, OSLO_KOMMUNE, START
from variants import delegate, variant

from benchmarks.driving import CONTENT
from grantflow.definitions import definition_files
from grantflow.domain.circumstances import Circumstances
from grantflow.service import Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from grantflow.service import Service

CALL_FOLDER = Path(__file__).parent.parent / "call"
SHORT, FULL = "maaling", "maaling-2023"
"""The identifiers of the calls that the short and the full lives are lived under."""
PUBLISHED = datetime(2023, 8, 10, 8, tzinfo=UTC)


class Taken(NamedTuple):
    """A step of a life: what, by whom, and when (now, unless said)."""

    step: str
    data: dict[str, Any]
    person: str
    role: str
    organisation: str
    at: datetime | None = None


SHORT_LIFE = (
    Taken("start", {}, "kommune-saksbehandler", "applicant", OSLO_KOMMUNE),
    Taken("director-approval", CONTENT, "kommune-direktor", "director", OSLO_KOMMUNE),
    Taken("send-in", CONTENT, "kommune-saksbehandler", "applicant", OSLO_KOMMUNE),
    Taken("appraisal", CONTENT, "system-vurdering", "integration", IMDI),
    Taken("award", CONTENT, "system-vedtak", "integration", IMDI),
    Taken("payout", CONTENT, "system-utbetaling", "integration", IMDI),
    Taken("report-back", CONTENT, "kommune-prosjektleder", "project-lead", OSLO_KOMMUNE),
)


def full_life() -> tuple[Taken, ...]:
    """Everything until a case of the 2023 call is paid, an hour apart or at the instants that the tests give it."""
    life: list[Taken] = []
    now = START
    for step in steps.paid():
        now = step.at or now + timedelta(hours=1)
        municipal = step.role in MUNICIPAL
        person = step.person or f"{'kommune' if municipal else 'imdi'}-{step.role}"
        organisation = step.organisation or (OSLO_KOMMUNE if municipal else IMDI)
        life.append(Taken(step.name, step.data, person, step.role, organisation, now))
    return tuple(life)


LIVES: dict[str, tuple[str, Callable[[], tuple[Taken, ...]]]] = {
    "short": (SHORT, lambda: SHORT_LIFE),
    "full": (FULL, full_life),
}
"""By name: the call, and the steps."""


def request(call: str, taken: Taken, case: UUID | None, key: str) -> Request:
    """What is asked for: a step in a case, or under the call to begin one."""
    by = Circumstances(
        at=taken.at or datetime.now(UTC),
        person=taken.person,
        organisation=taken.organisation,
        role=taken.role,
        channel="bench",
        command=key,
    )
    return Request(step=taken.step, by=by, case=case, call="" if case else call, data=taken.data)


def publish(service: Service) -> None:
    """Publish both calls: the one of seven steps, and the 2023 one with a frame that is never used up."""
    files = variant(FULL, "999999999999.00")
    for name, published in ((SHORT, definition_files(CALL_FOLDER)), (FULL, files)):
        service.calls.publish(
            published,
            Circumstances(
                at=PUBLISHED,
                person="imdi-lead",
                organisation=IMDI,
                role="call-manager",
                channel="bench",
                command=name,
            ),
        )
    delegate(service)
