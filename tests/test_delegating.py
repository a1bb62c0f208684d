"""Authority is delegated in writing, by whoever may, to somebody else, within limits; and looked up when it is used."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from given import IMDI, OSLO_KOMMUNE, START, STAVANGER
from steps import AFTER_DEADLINE, approved, assessed, call_2023, declared, drafted, grant
from variants import prepared, variant

from grantflow.delegating import Delegate
from grantflow.domain.authority import Authority
from grantflow.domain.call import Call
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import BadRequest, NoAuthority, NotAllowed, NotFound, RoleNotAllowed
from grantflow.service import Request, Service
from grantflow.store import KeyReused

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from grantflow.receipts import Receipt
    from grantflow.store import Store

CALL = "delegated"
AT = AFTER_DEADLINE.replace(hour=20)
BUDGET: dict[str, Any] = {
    "reference": "IMDi-2023-014",
    "scope": "budget",
    "person": "imdi-decider",
    "issued_by": "direktøren",
    "valid_from": date(2023, 1, 1),
    "appropriation": call_2023().appropriation,
}
APPROVAL: dict[str, Any] = {
    "reference": "KS 22/118",
    "scope": "approval",
    "person": "0301-adviser",
    "issued_by": "kommunedirektøren",
    "valid_from": date(2022, 1, 1),
}


@pytest.fixture
def service(store: Store) -> Service:
    """Give a service with a published call, and nobody with any authority."""
    service = Service(store)
    service.calls.publish(variant(CALL, "8000000.00"), lead("publish"))
    return service


def somebody(person: str, role: str, organisation: str, command: str, at: datetime = START) -> Circumstances:
    return Circumstances(
        at=at, person=person, organisation=organisation, role=role, channel="test", command=command
    )


def lead(command: str, at: datetime = START) -> Circumstances:
    return somebody("imdi-lead", "call-manager", IMDI, command, at)


def director(command: str, organisation: str = OSLO_KOMMUNE) -> Circumstances:
    return somebody(f"{organisation}-director", "director", organisation, command)


def case_of(service: Service, *steps: Any) -> UUID:
    call = Call.read(variant(CALL, "8000000.00"))
    (case,) = prepared(service.store, call, 1, *steps)
    return case


def granted(service: Service, case: UUID, at: datetime = AT, **data: Any) -> str:
    """What the case is once the decider has granted it."""
    by = somebody("imdi-decider", "decider", IMDI, f"grant {case} {at}", at)
    return service.handle(Request(step="grant", case=case, data={**grant().data, **data}, by=by)).state


def approve(service: Service, case: UUID, organisation: str = OSLO_KOMMUNE) -> str:
    """What the case is once the adviser has approved it on the authority that Oslo or another has delegated."""
    data = approved().saying(capacity="delegate", delegation="KS 22/118").data
    by = somebody("0301-adviser", "director", organisation, f"approve {case}", START + timedelta(days=1))
    return service.handle(Request(step="approve", case=case, data=data, by=by)).state


def test_an_authority_stands_in_the_organisations_own_stream_as_it_was_given(service: Service) -> None:
    terms: dict[str, Any] = {"limit": "500000.00", "valid_to": date(2023, 12, 31)}
    receipt = service.authority.delegate(Delegate(**BUDGET, **terms), lead("a"))
    assert receipt.case == service.states.authorities(IMDI).id
    kept = Authority(
        reference="IMDi-2023-014",
        scope="budget",
        person="imdi-decider",
        issued_by="direktøren",
        valid_from=date(2023, 1, 1),
        valid_to=date(2023, 12, 31),
        appropriation=call_2023().appropriation,
        limit_ore=50_000_000,
    )
    assert service.states.authorities(IMDI).delegations == {"IMDi-2023-014": kept}
    assert Service(service.store).states.authorities(IMDI).delegations == {"IMDi-2023-014": kept}
    stamp = service.store.entry(receipt.position).event.stamp
    assert (stamp.person, stamp.role, stamp.organisation) == ("imdi-lead", "call-manager", IMDI)


@pytest.mark.parametrize("field", ["reference", "issued_by", "person"])
@pytest.mark.parametrize("text", ["", " ", "x" * 201, "a\0b"])
def test_r22_an_authority_says_its_reference_whom_it_is_for_and_who_gave_it(
    service: Service, field: str, text: str
) -> None:
    with pytest.raises(BadRequest, match=field):
        service.authority.delegate(Delegate(**{**APPROVAL, field: text}), director("a"))
    assert service.states.authorities(OSLO_KOMMUNE).version == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"appropriation": " "},
        {"valid_to": date(2022, 12, 31)},
        {"valid_from": date(1, 1, 1)},
        {"valid_to": date(9999, 12, 31)},
        {"limit": "0.00"},
        {"limit": "-1.00"},
        {"limit": "500000"},
    ],
)
def test_an_authority_that_is_for_nothing_or_no_time_is_none(service: Service, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        service.authority.delegate(Delegate(**{**BUDGET, **wrong}), lead("a"))
    assert service.states.authorities(IMDI).version == 0


@pytest.mark.parametrize("role", ["decider", "case-officer", "director", "clock"])
def test_only_the_directorates_lead_delegates_its_budget_authority(service: Service, role: str) -> None:
    with pytest.raises(RoleNotAllowed):
        service.authority.delegate(Delegate(**BUDGET), somebody("p", role, IMDI, "a"))


@pytest.mark.parametrize("role", ["applicant", "call-manager", "project-lead"])
def test_only_the_director_of_a_municipality_delegates_its_approvals(service: Service, role: str) -> None:
    with pytest.raises(RoleNotAllowed):
        service.authority.delegate(Delegate(**APPROVAL), somebody("p", role, OSLO_KOMMUNE, "a"))


def test_nobody_delegates_to_themselves(service: Service) -> None:
    with pytest.raises(NotAllowed):
        service.authority.delegate(Delegate(**{**BUDGET, "person": "imdi-lead"}), lead("a"))


def test_an_authority_is_not_changed_but_revoked_and_given_anew(service: Service) -> None:
    service.authority.delegate(Delegate(**BUDGET, limit="1.00"), lead("a"))
    for later in ("b", "c"):
        with pytest.raises(NotAllowed, match="recorded already"):
            service.authority.delegate(Delegate(**BUDGET), lead(later))
        if later == "b":
            service.authority.revoke("IMDi-2023-014", "For lav.", lead("r"))
    assert service.states.authorities(IMDI).delegations["IMDi-2023-014"].limit_ore == 100


def test_nobody_grants_before_the_authority_is_recorded_and_then_they_do(service: Service) -> None:
    case = case_of(service, *assessed(), declared("decider"))
    with pytest.raises(NoAuthority):
        granted(service, case)
    service.authority.delegate(Delegate(**BUDGET), lead("a"))
    assert granted(service, case, AT + timedelta(seconds=1)) == "granted"
    assert service.states.case(case).acts["grant"] == ("imdi-decider",)


def test_an_authority_that_is_revoked_binds_no_more_and_what_was_decided_on_it_stands(
    service: Service,
) -> None:
    first, second = (case_of(service, *assessed(), declared("decider")) for _ in range(2))
    service.authority.delegate(Delegate(**BUDGET), lead("a"))
    assert granted(service, first) == "granted"
    service.authority.revoke("IMDi-2023-014", "Sluttet.", lead("b", AT + timedelta(hours=1)))
    with pytest.raises(NoAuthority):
        granted(service, second, AT + timedelta(hours=1))
    assert service.states.case(first, fresh=True).state == "granted"


def test_an_authority_is_revoked_once_with_a_reason_by_whoever_could_have_given_it(service: Service) -> None:
    service.authority.delegate(Delegate(**BUDGET), lead("a"))
    with pytest.raises(NotFound):
        service.authority.revoke("IMDi-2023-015", "Sluttet.", lead("b"))
    with pytest.raises(NotFound):
        service.authority.revoke("IMDi-2023-014", "Sluttet.", director("b"))
    with pytest.raises(RoleNotAllowed):
        service.authority.revoke("IMDi-2023-014", "Sluttet.", somebody("p", "decider", IMDI, "b"))
    with pytest.raises(BadRequest, match="reason"):
        service.authority.revoke("IMDi-2023-014", " ", lead("b"))
    service.authority.revoke("IMDi-2023-014", "Sluttet.", lead("b"))
    with pytest.raises(NotAllowed):
        service.authority.revoke("IMDi-2023-014", "Sluttet.", lead("c"))
    assert service.states.authorities(IMDI).delegations["IMDi-2023-014"].revoked_at == START


def test_r22_what_one_municipality_has_delegated_opens_nothing_in_another(service: Service) -> None:
    case = case_of(service, *drafted())
    service.authority.delegate(Delegate(**APPROVAL), director("a", STAVANGER))
    with pytest.raises(NoAuthority):
        approve(service, case)
    service.authority.delegate(Delegate(**APPROVAL), director("a"))
    assert approve(service, case) == "approved-by-director"


def test_a_superior_is_named_by_the_lead_and_is_somebody_else(service: Service) -> None:
    with pytest.raises(RoleNotAllowed):
        service.authority.name_superior("imdi-decider", "imdi-head", somebody("p", "decider", IMDI, "a"))
    for subordinate, superior in (("imdi-head", "imdi-head"), ("", "imdi-head"), ("imdi-decider", " ")):
        with pytest.raises(BadRequest):
            service.authority.name_superior(subordinate, superior, lead("a"))
    assert service.states.authorities(IMDI).lines == {}


def test_whom_somebody_answers_to_is_what_was_named_last_at_that_instant(service: Service) -> None:
    moved = START + timedelta(days=7)
    service.authority.name_superior("imdi-decider", "imdi-head", lead("a"))
    service.authority.name_superior("imdi-decider", "imdi-new-head", lead("b", moved))
    known = service.states.authorities(IMDI)
    microsecond = timedelta(microseconds=1)
    at = {
        START - microsecond: "",
        START: "imdi-head",
        moved - microsecond: "imdi-head",
        moved: "imdi-new-head",
    }
    assert {instant: known.superior_of("imdi-decider", instant) for instant in at} == at
    assert known.superior_of("imdi-head", datetime(2024, 1, 1, tzinfo=UTC)) == ""


def test_the_same_key_again_is_answered_as_the_first_time_also_outside_cases(service: Service) -> None:
    authority, files = service.authority, variant("again", "1000000.00")
    asked: list[Callable[[], Receipt]] = [
        lambda: service.calls.publish(files, lead("p")),
        lambda: service.calls.revise(variant("again", "2000000.00"), "Rammen er økt.", lead("r")),
        lambda: service.calls.answer_question("again", "Hva?", "Det.", lead("q")),
        lambda: authority.delegate(Delegate(**BUDGET), lead("d")),
        lambda: authority.name_superior("a", "b", lead("s")),
        lambda: authority.revoke(BUDGET["reference"], "Sluttet.", lead("v")),
    ]
    first = [ask() for ask in asked]
    last = service.store.last_position()
    again = [ask() for ask in asked]
    assert service.store.last_position() == last
    assert [receipt.event for receipt in again] == [receipt.event for receipt in first]
    assert all(receipt.repeated for receipt in again)
    with pytest.raises(KeyReused):
        authority.name_superior("a", "c", lead("s"))
