"""Different people decide, attest, pay and register accounts, over the whole case (L12)."""

from datetime import datetime, timedelta

import pytest
from given import Given, Step
from reports import signed
from steps import (
    ACCOUNT,
    GROUNDS,
    assessed,
    attest,
    authorise,
    call_2023,
    confirm,
    countersign,
    declared,
    grant,
    granted,
    letter,
)

from grantflow.domain.errors import BadRequest, NotAllowed, NotReady, RoleNotAllowed, SamePerson
from grantflow.domain.payment import AccountRegistered, PaymentAttested, PaymentAuthorised

OTHER_ACCOUNT = "12345678911"
MICROSECOND = timedelta(microseconds=1)
FLAGGED = timedelta(days=30)
ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
REGISTER = Step("register-account", {"account": OTHER_ACCOUNT}, role="case-officer")
REVERSE = Step("reverse", {"case_of_35": "not-told", **ON}, role="decider")
REDUCE = Step("reduce", {"amount": "500000.00", "case_of_35": "not-told", **ON}, role="decider")
BY_OTHER = grant(authority="IMDi-2023-015").by("other-decider")

REDUCED = (
    *granted(),
    declared("decider").by("other-decider"),
    REDUCE.saying(authority="IMDi-2023-015").by("other-decider"),
    Step("issue-letter", role="decider"),
)
LETTER = (*granted(), letter())
ATTESTED = (*LETTER, declared("attestant"), attest())
AUTHORISED = (*ATTESTED, declared("payer"), authorise())


@pytest.mark.parametrize(
    ("history", "step", "person"),
    [
        (LETTER, attest(), "imdi-decider"),
        (ATTESTED, authorise(), "imdi-decider"),
        (ATTESTED, authorise(), "imdi-attestant"),
        (AUTHORISED, confirm(), "imdi-decider"),
        (assessed(), grant(), "imdi-case-officer"),
        (ATTESTED, authorise(), "imdi-case-officer"),
        (granted(), REDUCE, "imdi-case-officer"),
        (REDUCED, attest("500000.00"), "other-decider"),
        ((*REDUCED, declared("attestant"), attest("500000.00")), authorise(), "other-decider"),
    ],
    ids=[
        "decides and attests", "decides and pays", "attests and pays", "decides and confirms",
        "registers the account and decides", "registers the account and pays", "registers the account and reduces",
        "reduces and attests", "reduces and pays",
    ],
)  # fmt: skip
def test_l12_no_one_person_takes_two_of_the_parts_that_must_differ_whatever_role_they_hold(
    history: tuple[Step, ...], step: Step, person: str
) -> None:
    given = Given(call_2023(), *history)
    assert "Somebody else must" in given.when(step.by(person)).refused(SamePerson).detail


def test_l12_what_somebody_did_before_a_reversal_still_counts() -> None:
    told = Step("issue-letter", role="decider")
    given = Given(call_2023(), *granted(), REVERSE, told, declared("decider").by("other-decider"), BY_OTHER)
    given = given.and_then(Step("issue-letter", role="decider"), declared("attestant"))
    given.when(attest().by("imdi-decider")).refused(SamePerson)
    given.when(attest()).then(PaymentAttested)


@pytest.mark.parametrize("person", ["imdi-decider", "imdi-payer"])
def test_l12_whoever_decided_or_paid_registers_no_account_afterwards(person: str) -> None:
    instalments = [{"amount": "400000.00"}, {"amount": "400000.00"}]
    given = Given(call_2023(), *granted(instalments=instalments), letter(), declared("attestant"))
    given = given.and_then(attest("400000.00"), declared("payer"), authorise(), confirm())
    given.when(REGISTER.by(person)).refused(SamePerson)
    given.when(REGISTER).then(AccountRegistered)


@pytest.mark.parametrize("said", [{"amount": "800000.00"}, {"account": ACCOUNT}, {"amount_ore": 1}])
def test_l12_whoever_authorises_can_say_neither_amount_nor_account(said: dict[str, object]) -> None:
    given = Given(call_2023(), *ATTESTED, declared("payer"))
    given.when(authorise().saying(**said)).refused(BadRequest)


def test_l12_what_is_paid_is_what_was_attested_or_it_is_attested_anew() -> None:
    given = Given(call_2023(), *ATTESTED, declared("payer"), REGISTER)
    given.when(authorise()).refused(NotReady)
    attested = given.and_then(attest().saying(account_check="Ringt opp og bekreftet."))
    attested.when(authorise()).then(PaymentAuthorised)
    event = attested.events[-1]
    assert isinstance(event, PaymentAuthorised)
    assert (event.account, event.amount_ore) == (OTHER_ACCOUNT, 80_000_000)


def test_l12_the_letter_is_attested_against_to_the_oere() -> None:
    given = Given(call_2023(), *LETTER, declared("attestant"))
    for amount in ("799999.99", "800000.01"):
        given.when(attest(amount)).refused(NotAllowed)


def changed() -> tuple[Given, datetime]:
    """A granted case whose account was changed, ready to be attested; and when that was."""
    given = Given(call_2023(), *LETTER, REGISTER, declared("attestant"))
    return given, given.case.accounts[-1].since


def test_l12_a_payment_to_an_account_changed_within_thirty_days_says_how_that_was_checked() -> None:
    given, since = changed()
    last = since + FLAGGED - MICROSECOND
    for check in ("", " "):
        given.when(attest().saying(account_check=check).when(last)).refused(NotReady)
    given.when(attest().saying(account_check="Ringt opp og bekreftet.").when(last)).then(PaymentAttested)
    event = given.events[-1]
    assert isinstance(event, PaymentAttested)
    assert (event.account_changed_at, event.account_check) == (since, "Ringt opp og bekreftet.")


def test_l12_an_account_changed_thirty_days_ago_or_never_is_not_flagged() -> None:
    given, since = changed()
    given.when(attest().when(since + FLAGGED)).then(PaymentAttested)
    first = Given(call_2023(), *LETTER, declared("attestant"))
    first.when(attest()).then(PaymentAttested)
    for event in (given.events[-1], first.events[-1]):
        assert isinstance(event, PaymentAttested)
        assert event.account_changed_at is None


def test_l12_a_changed_account_keeps_who_changed_it_when_and_the_one_before() -> None:
    given, since = changed()
    event = next(e for e in reversed(given.events) if isinstance(e, AccountRegistered))
    assert (event.previous, event.account) == (ACCOUNT, OTHER_ACCOUNT)
    assert [(one.account, one.person) for one in given.case.accounts] == [
        (ACCOUNT, "imdi-case-officer"),
        (OTHER_ACCOUNT, "imdi-case-officer"),
    ]
    assert since == event.stamp.recorded_at


@pytest.mark.parametrize(
    ("history", "step"),
    [(LETTER, attest()), (ATTESTED, authorise()), (assessed(), grant()), (assessed(), REGISTER)],
)
def test_l12_no_role_does_the_work_of_another(history: tuple[Step, ...], step: Step) -> None:
    roles = {"case-officer", "decider", "attestant", "payer", "assessor", "call-manager", "integration"}
    given = Given(call_2023(), *history)
    for role in roles - {step.role}:
        given.when(step.by("p", role)).refused(RoleNotAllowed)


def test_l12_the_two_who_sign_the_accounts_are_two() -> None:
    given, digest = signed()
    given.when(countersign(digest).by("kommune-project-lead")).refused(SamePerson)


def test_l12_the_process_names_the_rule_for_each_pair_it_keeps_apart() -> None:
    pairs = {frozenset(apart.steps): apart.source for apart in call_2023().process.apart}
    assert all("2.5.2.2" in why or "3.7.3.3" in why or "R27" in why for why in pairs.values())
    assert frozenset({"grant", "attest-payment", "authorise-payment"}) in pairs
    assert frozenset({"register-account", "grant"}) in pairs
    assert frozenset({"register-account", "authorise-payment"}) in pairs
