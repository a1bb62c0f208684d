"""Commands on a real database: stored once, decided again after a lost race, and projected as they were."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from given import IMDI, OSLO_KOMMUNE
from steps import AFTER_DEADLINE, CALL_FOLDER, assessed, content, declared, grant
from variants import delegate, prepared, variant

from grantflow.definitions import definition_files
from grantflow.domain.announcement import Answer, CallRevised
from grantflow.domain.application import fold
from grantflow.domain.call import Call
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.errors import (
    BadRequest,
    FrameExceeded,
    NotAllowed,
    NotFound,
    NotTheAuthority,
    RoleNotAllowed,
)
from grantflow.projector import Projector
from grantflow.receipts import Receipt
from grantflow.rooms import projections
from grantflow.service import Request, Service

if TYPE_CHECKING:
    from grantflow.store import Store

CALL = "imdi-2023-tillegg"


def by(command: str, role: str = "applicant") -> Circumstances:
    organisation = IMDI if role == "call-manager" else OSLO_KOMMUNE
    at = datetime(2023, 8, 14, 8, tzinfo=UTC)
    return Circumstances(
        at=at, person=f"p-{role}", organisation=organisation, role=role, channel="test", command=command
    )


@pytest.fixture
def service(store: "Store") -> Service:
    service = Service(store)
    service.calls.publish(definition_files(CALL_FOLDER), by("publish", "call-manager"))
    delegate(service)
    return service


def test_the_same_command_twice_is_answered_twice_and_stored_once(service: Service) -> None:
    request = Request(step="start", call=CALL, by=by("begin"))
    first, second = service.handle(request), service.handle(request)
    assert second.repeated
    assert (first.event, first.position, first.digest) == (second.event, second.position, second.digest)
    assert len(service.store.load(first.case)) == 1


def test_sixteen_at_once_with_one_key_store_one_event(service: Service) -> None:
    request = Request(step="start", call=CALL, by=by("begin"))
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(service.handle, [request] * 16))
    assert len({receipt.position for receipt in receipts}) == 1


def test_many_in_flight_on_one_case_give_what_one_at_a_time_gives(service: Service) -> None:
    case = service.handle(Request(step="start", call=CALL, by=by("begin"))).case
    edits = [
        Request(step="edit", case=case, data={"section": name, "content": section}, by=by(f"edit-{name}"))
        for name, section in content().items()
    ]
    answers = list(service.handle_all(edits))
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert fold(case, service.store.load(case)).content == content()


def test_read_models_rebuilt_equal_those_that_followed_along(service: Service) -> None:
    projector = Projector(service.store, projections())
    for number in range(20):
        service.handle(Request(step="start", call=CALL, by=by(f"begin-{number}")))
        projector.catch_up()
    assert [s.lag for s in projector.standings()] == [0] * len(projector.projections)
    for name in projector.projections:
        assert projector.check(name) == []
        projector.rebuild(name)
        assert projector.check(name) == []
    assert projector.rebuild(*projector.projections) == service.store.last_position()
    for name in projector.projections:
        assert projector.check(name) == []
    numbers = [row["number"] for row in projector.rows("SELECT number FROM case_list ORDER BY number")]
    assert numbers == [f"{CALL}-{n:04d}" for n in range(1, 21)]


def test_a_receipt_asked_for_again_has_the_digest_of_what_was_stored(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(step="start", call=CALL, by=by("begin"))
    first = service.handle(request)

    def newer(event: ApplicationStarted) -> ApplicationStarted:
        return msgspec.structs.replace(event, authority="another body in the newest version")

    monkeypatch.setattr(ApplicationStarted, "upcast", newer)
    assert service.handle(request).digest == first.digest


def test_a_published_call_is_not_published_again_with_other_rules(service: Service) -> None:
    other = variant(CALL, "1.00")
    with pytest.raises(NotAllowed):
        service.calls.publish(other, by("again", "call-manager"))
    assert service.states.announcement(CALL).digest == Call.read(definition_files(CALL_FOLDER)).digest


def test_a_question_and_its_answer_are_open_to_all(service: Service) -> None:
    question, answer = "Kan en kommune søke to ganger?", "Ja, hver søknad vurderes for seg."
    receipt = service.calls.answer_question(CALL, question, answer, by("answer", "call-manager"))
    assert service.store.entry(receipt.position).event.topic == "question-answered@1"
    assert service.states.announcement(CALL).answers == (Answer(question, answer),)


def test_nobody_but_the_directorate_answers_for_all(service: Service) -> None:
    with pytest.raises(RoleNotAllowed):
        service.calls.answer_question(CALL, "Hva?", "Det.", by("answer"))
    with pytest.raises(BadRequest):
        service.calls.answer_question(CALL, " ", "Det.", by("answer", "call-manager"))


@pytest.mark.parametrize("key", ["", "x" * 201, "line\nbreak", "\x00"])
def test_a_key_that_is_empty_endless_or_unprintable_is_refused(key: str) -> None:
    with pytest.raises(BadRequest):
        by(key)


def test_a_revision_holds_for_cases_that_begin_afterwards_and_not_for_those_before(service: Service) -> None:
    before = service.handle(Request(step="start", call=CALL, by=by("before"))).case
    service.calls.revise(variant(CALL, "9000000.00"), "Rammen er økt.", by("revise", "call-manager"))
    after = service.handle(Request(step="start", call=CALL, by=by("after"))).case
    old, new = service.states.case(before).definition, service.states.case(after).definition
    assert old != new
    assert service.states.announcement(CALL).digest == new
    assert service.states.call(CALL, old).frame == 790_000_000
    assert service.states.frame(CALL).limit_ore == 900_000_000
    revised = service.store.read(0, 100)
    assert [e.event.grounds for e in revised if isinstance(e.event, CallRevised)] == ["Rammen er økt."]


def test_a_revision_gives_a_call_to_no_other_directorate(service: Service) -> None:
    files = dict(variant(CALL, "9000000.00"))
    files["call.toml"] = files["call.toml"].replace(f'authority = "{IMDI}"', f'authority = "{OSLO_KOMMUNE}"')
    with pytest.raises(NotTheAuthority):
        service.calls.revise(files, "Et annet organ.", by("hand-over", "call-manager"))


def test_a_revision_needs_grounds_and_something_to_revise_and_holds_what_is_committed(
    service: Service,
) -> None:
    manager = by("revise", "call-manager")
    with pytest.raises(BadRequest):
        service.calls.revise(variant(CALL, "9000000.00"), " ", manager)
    with pytest.raises(NotAllowed):
        service.calls.revise(definition_files(CALL_FOLDER), "Ingen endring.", manager)
    with pytest.raises(NotFound):
        service.calls.revise(variant("another", "1.00"), "Ukjent.", manager)
    with pytest.raises(RoleNotAllowed):
        service.calls.revise(variant(CALL, "9000000.00"), "Jeg vil.", by("revise"))
    (case,) = prepared(
        service.store, Call.read(variant(CALL, "7900000.00")), 1, *assessed(), declared("decider")
    )
    decider = msgspec.structs.replace(
        by("grant", "call-manager"), role="decider", person="imdi-decider", at=AFTER_DEADLINE.replace(hour=20)
    )
    service.handle(Request(step="grant", case=case, data=grant().data, by=decider))
    with pytest.raises(FrameExceeded):
        service.calls.revise(variant(CALL, "799999.99"), "Kutt.", by("cut", "call-manager"))
