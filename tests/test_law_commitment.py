"""Before the state commits itself: three confirmations, and a written delegation in force (L11)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from given import IMDI, Given, Step, authority, delegated
from steps import (
    GRANTED,
    GROUNDS,
    assessed,
    call_2023,
    declared,
    grant,
    granted,
    letter,
    reject,
)
from variants import publish

from grantflow.delegating import Delegate
from grantflow.domain.authority import Authorities
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.errors import BadRequest, NoAuthority, NotAllowed, RoleNotAllowed
from grantflow.domain.frame import FrameCommitted
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import ore
from grantflow.service import Service
from grantflow.store import Store

MICROSECOND = timedelta(microseconds=1)
TO_DECIDE = (*assessed(), declared("decider"))
ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
NEW_YEAR = datetime(2023, 12, 31, 23, 0, tzinfo=UTC)
"""The first instant of 2024 in Oslo."""
REFERENCE = "IMDi-2023-014"
DECISIONS = {
    "grant": (TO_DECIDE, grant()),
    "reject": (TO_DECIDE, reject()),
    "dismiss": (TO_DECIDE, Step("dismiss", {"cause": "too-late", **ON}, role="decider")),
    "reverse": ((*TO_DECIDE, reject()), Step("reverse", {"case_of_35": "invalid", **ON}, role="decider")),
    "reduce": (granted(), Step("reduce", {"amount": "1.00", "case_of_35": "invalid", **ON}, role="decider")),
}


def holding(scope: str = "budget", person: str = "imdi-decider", **terms: Any) -> Authorities:
    """The tests' delegations, with other terms for the one that the decider names."""
    held = authority(call_2023(), REFERENCE, scope, person, **terms)
    known = delegated(call_2023())
    return known.but(delegations={**known.delegations, REFERENCE: held})


def to_grant(**terms: Any) -> Given:
    return Given(call_2023(), *TO_DECIDE, authorities=holding(**terms))


@pytest.mark.parametrize("name", ["legal_basis", "budget_cover", "economically_sound"])
def test_l11_legal_basis_cover_and_economy_are_each_confirmed_and_the_answer_is_kept(name: str) -> None:
    yes = dict.fromkeys(("legal_basis", "budget_cover", "economically_sound"), True)
    given = Given(call_2023(), *TO_DECIDE)
    assert name in given.when(grant(confirmations={**yes, name: False})).refused(NotAllowed).detail
    left_out = {key: value for key, value in yes.items() if key != name}
    given.when(grant(confirmations=left_out)).refused(BadRequest)
    given.when(grant()).then(FrameCommitted, ApplicationGranted)
    assert given.events[-1].facts()["confirmations"] == yes


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_l11_each_decision_is_made_on_a_written_authority_that_it_names(name: str) -> None:
    history, step = DECISIONS[name]
    given = Given(call_2023(), *history)
    given.when(step.saying(authority=" ")).refused(BadRequest)
    given.when(step.saying(authority="IMDi-2023-099")).refused(NoAuthority)
    assert given.when(step).refusal is None
    assert {event.stamp.authority for event in given.events[-1:]} == {REFERENCE}


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_l11_an_authority_delegated_to_somebody_else_is_nobody_elses(name: str) -> None:
    history, step = DECISIONS[name]
    given = Given(call_2023(), *history, declared("decider").by("other-decider"))
    refusal = given.when(step.by("other-decider")).refused(NoAuthority)
    assert "IMDi-2023-015" in refusal.detail, "it says what is recorded for whoever asks"


@pytest.mark.parametrize(
    "terms",
    [
        {"appropriation": "IMDi 2022: utvikling av kommunale integreringstiltak"},
        {"scope": "approval", "appropriation": call_2023().appropriation},
        {"limit_ore": ore(GRANTED) - 1},
        {"valid_from": date(2023, 9, 5)},
        {"valid_to": date(2023, 9, 3)},
        {"revoked_at": datetime(2023, 9, 4, tzinfo=UTC)},
    ],
    ids=lambda terms: next(iter(terms)),
)
def test_l11_an_authority_for_something_else_less_or_another_time_is_none(terms: dict[str, Any]) -> None:
    to_grant(**terms).when(grant()).refused(NoAuthority)


def test_l11_an_authority_goes_to_its_limit_and_not_an_oere_further() -> None:
    given = to_grant(limit_ore=ore(GRANTED))
    given.when(grant("800000.01")).refused(NoAuthority)
    given.when(grant(GRANTED)).then(FrameCommitted, ApplicationGranted)


def test_l11_an_authority_holds_from_the_first_instant_of_its_first_day_to_the_last_of_its_last_in_oslo() -> (
    None
):
    for_2024 = {"valid_from": date(2024, 1, 1), "valid_to": date(2024, 12, 31)}
    for_2023 = {"valid_from": date(2023, 1, 1), "valid_to": date(2023, 12, 31)}
    to_grant(**for_2023).when(grant().when(NEW_YEAR - MICROSECOND)).then(FrameCommitted, ApplicationGranted)
    to_grant(**for_2023).when(grant().when(NEW_YEAR)).refused(NoAuthority)
    to_grant(**for_2024).when(grant().when(NEW_YEAR - MICROSECOND)).refused(NoAuthority)
    to_grant(**for_2024).when(grant().when(NEW_YEAR)).then(FrameCommitted, ApplicationGranted)


def test_l11_an_authority_holds_until_the_instant_it_is_revoked() -> None:
    revoked = {"revoked_at": NEW_YEAR}
    to_grant(**revoked).when(grant().when(NEW_YEAR)).refused(NoAuthority)
    to_grant(**revoked).when(grant().when(NEW_YEAR - MICROSECOND)).then(FrameCommitted, ApplicationGranted)


def test_l11_what_was_decided_on_an_authority_is_told_on_it_also_when_it_is_over() -> None:
    given = to_grant(valid_to=date(2023, 12, 31)).and_then(grant())
    given.when(letter().when(NEW_YEAR)).then(LetterIssued)
    assert given.events[-1].stamp.authority == REFERENCE


def manager(command: str, **changes: Any) -> Circumstances:
    who: dict[str, Any] = {"person": "imdi-lead", "organisation": IMDI, "role": "call-manager"}
    who |= {"at": datetime(2023, 8, 1, tzinfo=UTC), **changes}
    return Circumstances(channel="test", command=command, **who)


def test_l11_authority_is_delegated_in_writing_by_the_directorate_never_to_oneself_and_never_changed(
    store: Store,
) -> None:
    service = Service(store)
    publish(service, "l11", "7900000.00")
    terms = Delegate(
        reference="IMDi-2023-020",
        scope="budget",
        person="imdi-decider",
        issued_by="direktøren",
        valid_from=date(2023, 8, 1),
        appropriation=call_2023().appropriation,
        limit="1000000.00",
    )
    with pytest.raises(NotAllowed):
        service.authority.delegate(terms, manager("a", person="imdi-decider"))
    with pytest.raises(RoleNotAllowed):
        service.authority.delegate(terms, manager("b", role="case-officer"))
    service.authority.delegate(terms, manager("c"))
    with pytest.raises(NotAllowed):
        service.authority.delegate(terms, manager("d"))
    service.authority.revoke("IMDi-2023-020", "Sluttet.", manager("e", at=datetime(2023, 8, 2, tzinfo=UTC)))
    held = service.states.authorities(IMDI).delegations["IMDi-2023-020"]
    assert (held.limit_ore, held.revoked_at) == (100_000_000, datetime(2023, 8, 2, tzinfo=UTC))
