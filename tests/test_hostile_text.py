"""What can't be stored, shown or counted is refused, wherever it stands in a command; it never breaks what reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
import pytest
from given import IMDI, OSLO_KOMMUNE, Given, Step
from steps import call_2023, declared, drafted, paid, report, submitted
from variants import prepared, publish, variant

from grantflow.domain.call import DISTRICTS, DefinitionError
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import BadRequest, Refused
from grantflow.domain.roles import MUNICIPAL
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request, Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

NUL, HALF_A_PAIR, ESCAPE = "\x00", "\ud800", "\x1b[2J"
DEEP: Any = {}
for _ in range(100_000):
    DEEP = {"a": DEEP}


def by(role: str) -> Circumstances:
    return Circumstances(
        at=datetime(2023, 8, 20, 8, tzinfo=UTC),
        person=f"p-{role}",
        organisation=OSLO_KOMMUNE if role in MUNICIPAL else IMDI,
        role=role,
        channel="test",
        command=uuid4().hex,
    )


class Desk:
    """A service with a draft, and its read models."""

    def __init__(self, store: Store) -> None:
        self.service = Service(store)
        self.projector = Projector(store, projections())
        call = publish(self.service, "hostile", "8000000.00")
        self.case: UUID = prepared(store, call, 1, *drafted())[0]

    def ask(self, step: str, role: str, data: dict[str, Any]) -> None:
        """Ask for a step, and see that whatever comes of it, every read model goes on."""
        before = self.service.store.last_position()
        try:
            self.service.handle(Request(step=step, case=self.case, data=data, by=by(role)))
        except Refused:
            assert self.service.store.last_position() == before
            raise
        finally:
            self.projector.catch_up()
            assert [s.error for s in self.projector.standings() if s.error] == []


@pytest.fixture(scope="module")
def desk(module_database_url: str) -> Iterator[Desk]:
    with Store(module_database_url) as store:
        yield Desk(store)


@pytest.mark.parametrize("text", [NUL, HALF_A_PAIR, ESCAPE, f"fine until {NUL} here"])
@pytest.mark.parametrize(
    ("step", "role", "data"),
    [
        ("withdraw", "applicant", {"reason": "?"}),
        ("edit", "applicant", {"section": "project", "content": {"title": "?"}}),
        ("edit", "applicant", {"section": "project", "content": {"?": "title"}}),
        ("edit", "applicant", {"section": "?", "content": {}}),
        ("edit", "applicant", {"?": ""}),
        ("detach", "applicant", {"digest": "?"}),
        ("attach", "applicant", {"filename": "a?.pdf", "media_type": "application/pdf", "content": "JVBERi0xLjQK"}),
        ("attach", "applicant", {"filename": "a.pdf", "media_type": "application/pdf", "content": "JVBE?"}),
        ("extend-deadline", "case-officer", {"deadline": "report", "until": "2024-03-01", "reason": "?"}),
    ],
)  # fmt: skip
def test_characters_that_cannot_be_stored_are_refused(
    desk: Desk, step: str, role: str, data: dict[str, Any], text: str
) -> None:
    hostile = {
        key.replace("?", text): {k.replace("?", text): v.replace("?", text) for k, v in value.items()}
        if isinstance(value, dict)
        else value.replace("?", text)
        for key, value in data.items()
    }
    with pytest.raises(BadRequest):
        desk.ask(step, role, hostile)


@pytest.mark.parametrize(
    "value", [2**70, 1.5, float("nan"), DEEP, ["x" * 3_000_000], {1: 2}, b"bytes", {"a"}]
)
def test_values_that_are_not_plain_json_of_a_fair_size_are_refused(desk: Desk, value: Any) -> None:
    for data in ({"section": "project", "content": {"title": value}}, {"section": value, "content": {}}):
        with pytest.raises(BadRequest):
            desk.ask("edit", "applicant", data)


def test_a_refusal_of_unfit_content_says_so_in_the_applicants_language(desk: Desk) -> None:
    with pytest.raises(BadRequest) as refused:
        desk.ask("withdraw", "applicant", {"reason": NUL})
    assert set(refused.value.failures[0].message) == {"nb", "nn", "en"}


def test_a_report_with_unfit_content_is_refused_before_its_rules_are_asked() -> None:
    hostile = report(accounts={"income": [{"text": HALF_A_PAIR, "booked_on": 2**70, "amount": 1e300}]})
    Given(call_2023(), *paid()).when(hostile).refused(BadRequest)


@pytest.mark.parametrize("text", [NUL, HALF_A_PAIR, "x" * 1_000, ""])
@pytest.mark.parametrize("field", ["person", "organisation", "role", "channel", "command"])
def test_circumstances_that_cannot_be_stored_are_refused(field: str, text: str) -> None:
    with pytest.raises(BadRequest, match=field):
        msgspec.structs.replace(by("applicant"), **{field: text})


@pytest.mark.parametrize("field", ["at", "effective_at"])
def test_an_instant_without_an_offset_is_no_instant(field: str) -> None:
    with pytest.raises(BadRequest, match=field):
        msgspec.structs.replace(by("applicant"), **{field: datetime(2023, 8, 20, 8)})  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize("day", ["9999-12-31", "9000-01-01", "0001-01-01"])
def test_a_day_at_the_end_of_time_is_refused(day: str) -> None:
    ask = Step("request-information", {"what": "Budsjett", "due": day}, role="case-officer")
    Given(call_2023(), *submitted(), declared()).when(ask).refused(BadRequest)
    extend = Step(
        "extend-deadline", {"deadline": "application", "until": day, "reason": "Sykdom"}, role="decider"
    )
    Given(call_2023(), *drafted()).when(extend).refused(BadRequest)


def test_the_clock_itself_is_refused_when_its_instant_has_no_offset() -> None:
    remind = Step("remind", {"deadline": "application", "due_at": "2023-08-21T07:00:00"}, role="clock")
    Given(call_2023(), *drafted()).when(remind).refused(BadRequest)


def test_a_question_or_a_definition_that_cannot_be_stored_is_refused(desk: Desk) -> None:
    with pytest.raises(BadRequest):
        desk.service.calls.answer_question("hostile", f"Hva{NUL}?", "Ja.", by("call-manager"))
    files = variant("other", "1000000.00")
    with pytest.raises(DefinitionError, match="districts"):
        desk.service.calls.publish({**files, DISTRICTS: files[DISTRICTS] + NUL}, by("call-manager"))
