"""Commands on a real database: stored once, decided again after a lost race, and projected as they were."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import psycopg
import pytest
from given import IMDI, OSLO_KOMMUNE, STAVANGER
from steps import CALL_FOLDER, content

from grantflow.definitions import definition_files
from grantflow.domain.application import fold
from grantflow.domain.deciding import Circumstances
from grantflow.domain.drafting import ApplicationStarted
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Receipt, Request, Service
from grantflow.store import KeyReused, Store

CALL = "imdi-2023-tillegg"


def by(command: str, role: str = "applicant") -> Circumstances:
    organisation = IMDI if role == "call-manager" else OSLO_KOMMUNE
    at = datetime(2023, 8, 14, 8, tzinfo=UTC)
    return Circumstances(
        at=at, person=f"p-{role}", organisation=organisation, role=role, channel="test", command=command
    )


@pytest.fixture
def service(store: Store) -> Service:
    service = Service(store)
    service.publish(definition_files(CALL_FOLDER), by("publish", "call-manager"))
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


def test_two_peoples_keys_are_never_the_same_key(service: Service) -> None:
    one, other = by("c"), by("b:c")
    requests = [
        Request(step="start", call=CALL, by=msgspec.structs.replace(circumstances, person=person))
        for circumstances, person in ((one, "a:b"), (other, "a"))
    ]
    first, second = map(service.handle, requests)
    assert first.case != second.case
    assert not second.repeated


def test_a_key_used_again_for_another_organisation_is_refused(service: Service) -> None:
    service.handle(Request(step="start", call=CALL, by=by("begin")))
    elsewhere = msgspec.structs.replace(by("begin"), organisation=STAVANGER)
    with pytest.raises(KeyReused):
        service.handle(Request(step="start", call=CALL, by=elsewhere))


def test_a_line_that_is_cut_while_standing_in_it_is_done_without(service: Service) -> None:
    stream = uuid4()
    with (
        psycopg.connect(service.store.database_url, autocommit=True) as other,
        service.store.exclusive(stream),
    ):
        held = other.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
        assert held == (1,)
        elsewhere = Store(service.store.database_url)

        def stand() -> str:
            with elsewhere, elsewhere.exclusive(stream):
                return "did without"

        with ThreadPoolExecutor(1) as threads:
            standing = threads.submit(stand)
            query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while (waiting := other.execute(query).fetchone()) is None:
                time.sleep(0.01)
            other.execute("SELECT pg_terminate_backend(%s)", waiting)
            assert standing.result(10) == "did without"
