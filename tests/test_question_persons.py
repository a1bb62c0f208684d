"""Who did what on whose authority, and what the letters say: breaches planted, and found where they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from asked import asked, breach, breaches, event_of, found
from gathered import PUBLISHED, changed, clean_year, dropped, gathered, moved, of, planted, the
from given import START, Given, Step, delegated
from steps import assessed, call_2023, declared, grant, granted

from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.authority import AuthorityDelegated, Line
from grantflow.domain.casework import ImpartialityDeclared
from grantflow.domain.decision import ApplicationGranted, ApplicationRejected
from grantflow.domain.letters import LetterIssued
from grantflow.domain.parts import Delegation
from grantflow.domain.payment import AccountRegistered, PaymentAuthorised
from grantflow.domain.reporting import AccountsCountersigned, AccountsSigned

FIRST, SECOND, REJECTED = (f"{call_2023().id}-000{number}" for number in (1, 2, 3))
NYNORSK = "864969682"


def test_four_eyes_finds_one_person_in_two_steps() -> None:
    history = planted(clean_year(), changed(PaymentAuthorised, stamp={"person": "imdi-decider"}))
    row = breach("four-eyes", history)
    assert found(row, "case", "person", "one", "other") == (
        FIRST,
        "imdi-decider",
        "grant",
        "authorise-payment",
    )
    assert "2.5.2.2" in row.found["source"]
    assert row.events == (event_of(history, ApplicationGranted), event_of(history, PaymentAuthorised))


def test_four_eyes_finds_one_person_behind_both_signatures_and_behind_account_and_grant() -> None:
    lead = "kommune-project-lead"
    history = planted(
        clean_year(),
        changed(AccountsCountersigned, nth=1, stamp={"person": lead}),
        changed(AccountRegistered, nth=1, stamp={"person": "imdi-decider"}),
    )
    rows = {(row.found["one"], row.found["other"]): row for row in breaches("four-eyes", history)}
    assert set(rows) == {("sign-accounts", "countersign-accounts"), ("register-account", "grant")}
    signed = rows["sign-accounts", "countersign-accounts"]
    assert signed.events == (
        event_of(history, AccountsSigned, 1),
        event_of(history, AccountsCountersigned, 1),
    )


def test_authority_finds_a_decision_on_the_authority_of_another() -> None:
    history = planted(clean_year(), changed(ApplicationGranted, stamp={"authority": "IMDi-2023-015"}))
    row = breach("authority", history)
    assert found(row, "case", "what", "person", "authority", "amount") == (
        FIRST,
        "application-granted",
        "imdi-decider",
        "IMDi-2023-015",
        "800000.00",
    )
    assert "no budget authority 'IMDi-2023-015' delegated to you" in row.found["lacking"]
    assert row.events == (event_of(history, ApplicationGranted),)


@pytest.mark.parametrize(
    ("terms", "lacking"),
    [
        ({"appropriation": "Et annet kapittel"}, "is for «Et annet kapittel»"),
        ({"limit_ore": 799_999_99}, "a decision; this is"),
        ({"valid_to": START.date()}, "is not in force on 2023-09-04"),
        ({"valid_from": START.date().replace(year=2024)}, "is not in force on 2023-09-04"),
    ],
)
def test_authority_finds_what_a_delegation_does_not_cover(terms: dict[str, object], lacking: str) -> None:
    event = the(clean_year().entries, AuthorityDelegated).event
    assert isinstance(event, AuthorityDelegated)
    other = msgspec.structs.replace(event.delegation, **terms)
    history = planted(clean_year(), changed(AuthorityDelegated, delegation=other))
    rows = breaches("authority", history)
    assert {FIRST, SECOND} <= {row.found["case"] for row in rows}
    assert lacking in rows[0].found["lacking"]


def test_authority_finds_a_delegation_that_was_recorded_only_after_the_decision() -> None:
    first = the(clean_year().entries, AuthorityDelegated)
    late = planted(clean_year(), lambda log: [*(entry for entry in log if entry is not first), first])
    rows = breaches("authority", late)
    assert [row.found["case"] for row in rows] == [FIRST, SECOND, REJECTED]
    assert rows[-1].events == (event_of(late, ApplicationRejected),)


def test_authority_finds_an_approval_without_a_delegation_and_one_to_oneself() -> None:
    written = Delegation("KS 22/119", "rådmannen", START.date())
    history = planted(
        clean_year(),
        changed(ApplicationApproved, capacity="delegate", delegation=written),
        changed(AuthorityDelegated, nth=1, stamp={"person": "other-decider"}),
    )
    oneself, approved = breaches("authority", history)
    assert found(oneself, "case", "lacking") == ("", "delegated by the person to themselves")
    assert oneself.events == (event_of(history, AuthorityDelegated, 1),)
    assert "no approval authority 'KS 22/119'" in approved.found["lacking"]
    assert approved.events == (event_of(history, ApplicationApproved),)


def test_impartiality_finds_acts_before_a_declaration() -> None:
    history = planted(clean_year(), dropped(ImpartialityDeclared))
    rows = breaches("impartiality", history)
    assert {row.found["case"] for row in rows} == {FIRST}
    assert {row.found["person"] for row in rows} == {"imdi-case-officer"}
    assert {row.found["breach"] for row in rows} == {"before any declaration of impartiality"}
    assert {"score", "register-account", "assess"} <= {row.found["step"] for row in rows}


def test_impartiality_finds_a_declaration_that_came_too_late() -> None:
    history = planted(clean_year(), moved(ApplicationGranted, before=ImpartialityDeclared))
    row = breach("impartiality", history)
    assert found(row, "person", "step") == ("imdi-decider", "grant")
    assert row.events == (event_of(history, ApplicationGranted),)


def test_impartiality_finds_acts_after_a_conflict_with_the_declaration() -> None:
    history = planted(clean_year(), changed(ImpartialityDeclared, nth=1, conflict=True, reason="Svoger"))
    rows = breaches("impartiality", history)
    assert {row.found["breach"] for row in rows} == {"after a conflict was declared"}
    assert {row.events[0] for row in rows} == {event_of(history, ImpartialityDeclared, 1)}


def test_impartiality_finds_a_decision_directly_under_somebody_with_a_conflict() -> None:
    lines = {"imdi-decider": (Line("imdi-boss", PUBLISHED + timedelta(hours=1)),)}
    authorities = delegated(call_2023()).but(lines=lines)
    boss = declared("decider").by("imdi-boss")
    steps = (*assessed(), boss, declared("decider"), grant())
    history = gathered(call_2023(), Given(call_2023(), *steps, authorities=authorities))
    assert breaches("impartiality", history) == []
    disqualified = planted(history, changed(ImpartialityDeclared, nth=1, conflict=True, reason="Svoger"))
    row = breach("impartiality", disqualified)
    assert found(row, "person", "step", "breach") == (
        "imdi-decider",
        "grant",
        "under imdi-boss, who has a conflict",
    )
    proof = (event_of(disqualified, ImpartialityDeclared, 1), event_of(disqualified, ApplicationGranted))
    assert row.events == proof


def test_letters_pass_on_everything_they_must_have() -> None:
    first, *_, rejection = asked("letters", clean_year())
    checks = set(list(first.found.values())[6:-1])
    assert checks == {"pass"}
    assert found(rejection, "kind", "purpose", "sum", "signature", "language") == (
        "rejection",
        "",
        "",
        "pass",
        "pass",
    )


@pytest.mark.parametrize(
    ("part", "missing", "column"),
    [
        ("blocks", "purpose", "purpose"),
        ("blocks", "consequences", "consequences"),
        ("reservations", "control", "reservations"),
        ("reservations", "later-years", "reservations"),
        ("reservations", "no-appeal", "appeal_text"),
    ],
)
def test_letters_finds_a_part_that_is_missing(part: str, missing: str, column: str) -> None:
    event = the(clean_year().entries, LetterIssued).event
    left: dict[str, Any] = {
        part: {name: text for name, text in getattr(event, part).items() if name != missing}
    }
    history = planted(clean_year(), changed(LetterIssued, **left))
    row = breach("letters", history)
    assert found(row, "case", column) == (FIRST, "fail")
    assert row.events == (event_of(history, LetterIssued),)


def test_letters_finds_another_signature_and_another_amount() -> None:
    history = planted(
        clean_year(),
        changed(LetterIssued, signed_by="imdi-case-officer"),
        changed(ApplicationGranted, nth=1, amount_ore=810_000_00),
    )
    assert [found(row, "signature", "sum", "breach") for row in breaches("letters", history)] == [
        ("fail", "pass", "fails on signature"),
        ("pass", "fail", "fails on sum"),
    ]


def test_letters_finds_bokmal_to_a_nynorsk_municipality() -> None:
    told = Step("issue-letter", role="decider")
    history = gathered(call_2023(), Given(call_2023(), *of(NYNORSK, *granted(), told)))
    assert [row.found["form"] for row in asked("letters", history)] == ["nn"]
    bokmal = planted(history, changed(LetterIssued, language="nb"))
    row = breach("letters", bokmal)
    assert found(row, "language", "breach") == ("fail", "fails on language")
