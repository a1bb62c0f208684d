"""The guards that `call check` reckons with are what the decisions themselves insist on, in any process."""

import re

import pytest
from given import Given, Step
from steps import (
    GROUNDS,
    accept,
    attest,
    authorise,
    call_2023,
    confirm,
    countersign,
    declared,
    drafted,
    grant,
    letter,
    sign,
    state_aid,
    submit,
)

from grantflow.domain.call import PROCESS, Call
from grantflow.domain.guards import GUARDS, after, open_to

DIGEST = "0" * 64
TRIED = {
    "submit": submit(),
    "supply": Step("supply", {"request": 1, "answer": "Her er den."}),
    "record-statement": Step(
        "record-statement", {"body": "HK-dir", "statement": "Bra."}, role="case-officer"
    ),
    "issue-letter": letter(),
    "attest-payment": attest(),
    "authorise-payment": authorise(),
    "confirm-payment": confirm(),
    "sign-accounts": sign(DIGEST),
    "countersign-accounts": countersign(DIGEST),
    "accept-report": accept(),
    "notify-repayment": Step(
        "notify-repayment", {"answer_by": "2024-03-15", "reason": "Ubrukt."}, role="case-officer"
    ),
    "claim-repayment": Step(
        "claim-repayment", {"due": "2024-04-30", "reason": "Ubrukt.", "authority": "x"}, role="decider"
    ),
    "record-repayment": Step("record-repayment", {"amount": "1.00", "bank_reference": "x"}, role="payer"),
    "accept-condition": Step("accept-condition", {"condition": "x", "evidence": "y"}, role="case-officer"),
    "waive-condition": Step("waive-condition", {"condition": "x", "reason": "y"}, role="decider"),
    "notify-reversal": Step(
        "notify-reversal", {"reason": "Feil.", "answer_by": "2023-10-01"}, role="case-officer"
    ),
    "reverse": Step(
        "reverse", {"case_of_35": "invalid", "grounds": GROUNDS, "authority": "IMDi-2023-014"}, role="decider"
    ),
    "reduce": Step(
        "reduce",
        {"amount": "1.00", "case_of_35": "invalid", "grounds": GROUNDS, "authority": "IMDi-2023-014"},
        role="decider",
    ),
    "register-complaint": Step("register-complaint", {"text": "Vi er uenige."}),
    "answer-complaint": Step(
        "answer-complaint", {"complaint": 1, "outcome": "not-reversed", "answer": "Nei."}, role="decider"
    ),
    "answer-notice": Step("answer-notice", {"answer": "Nei."}),
}


def permissive() -> Call:
    """The 2023 call with a process in which every step may be taken from every state, and leaves it as it is."""
    call = call_2023()
    states = ", ".join(f'{state} = "{state}"' for state in call.process.states)
    text = re.sub(r"moves = \{ (?!new).* \}", f"moves = {{ {states} }}", call.files[PROCESS])
    return Call.read({**call.files, PROCESS: text})


@pytest.mark.parametrize("step", sorted(set(GUARDS) - {"close"}))
def test_a_guarded_step_is_refused_where_nothing_it_needs_has_been_done(step: str) -> None:
    roles = ("case-officer", "decider", "attestant", "payer")
    given = Given(permissive(), *drafted(), *(declared(role) for role in roles))
    assert given.when(TRIED[step]).refusal is not None


@pytest.mark.parametrize("missing", ["issue-letter", "register-account"])
def test_a_payment_is_not_attested_while_one_of_what_it_needs_is_missing(missing: str) -> None:
    frame_and_case = [
        *drafted(),
        Step("approve", {"capacity": "municipal-director"}, role="director"),
        submit(),
    ]
    account = Step("register-account", {"account": "12345678903"}, role="case-officer")
    done = {"issue-letter": letter(), "register-account": account}
    del done[missing]
    people = [declared(role) for role in ("case-officer", "decider", "attestant")]
    given = Given(permissive(), *frame_and_case, *people, state_aid(), grant(), *done.values())
    assert given.when(attest()).refusal is not None


def test_a_change_takes_the_approval_away_in_the_guards_as_in_the_case() -> None:
    steps = call_2023().process.steps
    approved = after(steps["approve"], frozenset())
    assert open_to(steps["submit"], approved)
    assert not open_to(steps["submit"], after(steps["edit"], approved))
