"""Who may not: steps that two people take, other municipalities, roles of others."""

import itertools

import pytest
from given import STAVANGER, Given, Step
from reports import report_of, reported
from steps import (
    REDUCED,
    assessed,
    attest,
    authorise,
    call_2023,
    confirm,
    countersign,
    declared,
    drafted,
    edited,
    grant,
    granted,
    letter,
    paid,
    reduce,
    report,
    sign,
)

from grantflow.domain.errors import (
    NotFound,
    NotTheAuthority,
    NotYourCase,
    RoleNotAllowed,
    SamePerson,
)

DIGEST = report_of(reported()).digest
ORDINARY = (
    *granted(),
    declared("decider").by("imdi-reducer"),
    reduce(),
    letter(),
    declared("attestant"),
    attest(REDUCED),
    declared("payer"),
    authorise(),
    confirm(),
    report(),
    sign(DIGEST),
    countersign(DIGEST),
)
NAMED = {step.name: step for step in ORDINARY}
PAIRS = list(
    dict.fromkeys(
        pair
        for apart in call_2023().process.apart
        for pair in itertools.combinations(sorted(apart.steps, key=list(NAMED).index), 2)
    )
)
"""Each two steps that no one person takes in one case, in the order of a case that is reduced before it is paid."""


def test_whoever_granted_cannot_attest_whatever_role_they_hold() -> None:
    given = Given(call_2023(), *granted(), letter())
    given.when(attest().by("imdi-decider")).refused(SamePerson)


def test_whoever_registered_the_account_cannot_decide() -> None:
    given = Given(call_2023(), *assessed())
    given.when(grant().by("imdi-case-officer")).refused(SamePerson)


def test_the_project_lead_cannot_countersign_the_accounts() -> None:
    given = Given(call_2023(), *paid(), report())
    digest = given.case.report.digest if given.case.report else ""
    given.and_then(sign(digest)).when(countersign(digest).by("kommune-project-lead")).refused(SamePerson)


def test_another_municipality_does_not_see_that_the_case_exists() -> None:
    given = Given(call_2023(), *drafted())
    refusal = given.when(edited("project", title="Ikke min").of(STAVANGER)).refused(NotYourCase)
    unknown = given.when(Step("edti").of(STAVANGER)).refused(NotYourCase)
    assert refusal.detail == unknown.detail == "There is no such case."


def test_a_step_that_the_process_does_not_have_is_refused_with_the_ones_it_has() -> None:
    refusal = Given(call_2023(), *drafted()).when(Step("submitt", {"any": "content"})).refused(NotFound)
    assert "no step 'submitt' for this case. Did you mean submit? It has: start, edit" in refusal.detail
    far = Given(call_2023(), *drafted()).when(Step("x" * 500)).refused(NotFound)
    assert "Did you mean" not in far.detail
    assert "x" * 61 not in far.detail


def test_an_applicant_cannot_decide() -> None:
    Given(call_2023(), *assessed()).when(grant().by("p", "applicant")).refused(RoleNotAllowed)


def test_the_directorates_roles_are_not_for_another_organisation() -> None:
    Given(call_2023(), *granted(), letter()).when(attest().of(STAVANGER)).refused(NotTheAuthority)


def test_the_process_keeps_these_steps_apart() -> None:
    assert {frozenset(pair) for pair in PAIRS} == {
        frozenset({"grant", "attest-payment"}),
        frozenset({"grant", "authorise-payment"}),
        frozenset({"attest-payment", "authorise-payment"}),
        frozenset({"grant", "confirm-payment"}),
        frozenset({"register-account", "grant"}),
        frozenset({"register-account", "authorise-payment"}),
        frozenset({"reduce", "attest-payment"}),
        frozenset({"reduce", "authorise-payment"}),
        frozenset({"register-account", "reduce"}),
        frozenset({"sign-accounts", "countersign-accounts"}),
    }


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_whoever_took_the_first_step_of_a_pair_can_not_take_the_second(first: str, second: str) -> None:
    before = itertools.takewhile(lambda step: step.name != second, ORDINARY)
    given = Given(call_2023(), *before)
    (person,) = given.case.acts[first]
    refusal = given.when(NAMED[second].by(person)).refused(SamePerson)
    assert first in refusal.detail


@pytest.mark.parametrize("person", ["imdi-decider", "imdi-reducer", "imdi-payer"])
def test_whoever_decided_or_sent_the_money_registers_no_account_afterwards(person: str) -> None:
    given = Given(call_2023(), *itertools.takewhile(lambda step: step.name != "confirm-payment", ORDINARY))
    given.when(NAMED["register-account"].by(person)).refused(SamePerson)
