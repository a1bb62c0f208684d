"""Questions 15 to 17: special conditions, entry conditions of every recipient, exemptions from the acts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from asked import asked, event_of, found
from gathered import added, changed, clean_year, dropped, gathered, planted
from given import IMDI, OSLO_KOMMUNE, Given, Step
from steps import (
    GRANTED,
    GROUNDS,
    assessed,
    attest,
    authorise,
    call_2023,
    confirm,
    declared,
    grant,
    granted,
    letter,
    paid,
    submitted,
)

from grantflow.domain.conditions import ConditionMet, ConditionWaived
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.drafting import SectionEdited
from grantflow.domain.parts import Exemption
from grantflow.domain.payment import ExemptionRecorded, PaymentConfirmed
from grantflow.domain.reversal import DecisionReversed
from grantflow.domain.submission import ApplicationSubmitted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.domain.event import Entry

CONDITION = {"id": "milepæl", "text": "Lever en milepælsplan.", "due": "2023-10-01", "blocking": True}
LATER = {**CONDITION, "id": "metodehefte", "due": "2023-12-01", "blocking": False}
EXEMPTION = {
    "reference": "AID 23/2207",
    "decided_by": "Arbeids- og inkluderingsdepartementet",
    "valid_from": "2023-10-01",
    "valid_to": "2023-12-31",
}
OUTSIDE: dict[str, Any] = {
    "project": {"outside_acts": True},
    "declarations": {"applies_for_exemption": True},
}


def conditional(*conditions: Mapping[str, Any]) -> Given:
    return Given(call_2023(), *granted(conditions=list(conditions)))


def met(condition: str = "milepæl") -> Step:
    return Step(
        "accept-condition", {"condition": condition, "evidence": "Plan av 20.09."}, role="case-officer"
    )


def waived(condition: str = "metodehefte") -> Step:
    return Step("waive-condition", {"condition": condition, "reason": "Trengs ikke."}, role="decider")


def test_conditions_of_a_clean_year_are_none() -> None:
    assert asked("conditions", clean_year()) == []


def test_each_condition_tells_how_it_ended_on_what_and_by_whom() -> None:
    history = gathered(call_2023(), conditional(CONDITION, LATER).and_then(met(), waived()))
    first, second = asked("conditions", history)
    assert found(first, "condition", "outcome", "why", "by", "due", "breach") == (
        "milepæl", "met", "Plan av 20.09.", "imdi-case-officer", "2023-10-01", "",
    )  # fmt: skip
    assert found(second, "condition", "outcome", "why", "by", "breach") == (
        "metodehefte", "waived", "Trengs ikke.", "imdi-decider", "",
    )  # fmt: skip
    assert first.events == (
        event_of(history, ApplicationGranted),
        event_of(history, ConditionMet),
    )
    assert second.events == (
        event_of(history, ApplicationGranted),
        event_of(history, ConditionWaived),
    )


def test_a_condition_is_open_until_its_day_is_over_and_then_overdue() -> None:
    given = conditional(CONDITION)
    assert [found(row, "outcome", "breach") for row in asked("conditions", gathered(call_2023(), given))] == [
        ("open", "")
    ]
    late = planted(
        gathered(call_2023(), given),
        changed(ApplicationGranted, conditions=(the_condition(due=date(2023, 9, 1)),)),
    )
    (row,) = asked("conditions", late)
    assert found(row, "outcome", "breach") == ("overdue", "overdue since 2023-09-01, neither met nor waived")
    assert row.events == (event_of(late, ApplicationGranted),)


def the_condition(**changes: Any) -> Any:
    given = conditional(CONDITION)
    assert given.case.decision is not None
    (condition,) = given.case.decision.conditions
    return type(condition)(
        **{"id": condition.id, "text": condition.text, "due": condition.due, "blocking": True, **changes}
    )


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        (changed(ConditionMet, evidence=" "), "accepted without evidence"),
        (
            changed(ConditionMet, condition="annet"),
            "no grant in force sets this condition, or it was settled before",
        ),
        (
            changed(ConditionMet, stamp={"organisation": OSLO_KOMMUNE}),
            "accepted by the recipient itself",
        ),
        (
            changed(ApplicationGranted, conditions=(the_condition(due=date(2023, 9, 1)),)),
            "accepted 3 days after it was due",
        ),
    ],
)
def test_a_condition_that_was_not_truly_met_is_a_breach(change: Any, breach: str) -> None:
    history = planted(gathered(call_2023(), conditional(CONDITION).and_then(met())), change)
    row = asked("conditions", history)[0]
    assert row.found["breach"] == breach
    assert event_of(history, ConditionMet) in row.events


def test_what_a_reversed_grant_set_is_open_no_more() -> None:
    def reversed_(granted: Entry) -> DecisionReversed:
        stamp, grounds = granted.event.stamp, the_grounds(granted)
        return DecisionReversed(outcome="granted", case_of_35="invalid", grounds=grounds, stamp=stamp)

    history = planted(gathered(call_2023(), conditional(CONDITION)), added(ApplicationGranted, reversed_))
    (row,) = asked("conditions", history)
    assert found(row, "outcome", "breach") == ("reversed with the grant", "")


def the_grounds(granted: Entry) -> Any:
    assert isinstance(granted.event, ApplicationGranted)
    assert granted.event.grounds.rule == GROUNDS["rule"]
    return granted.event.grounds


def test_every_recipient_of_a_clean_year_fulfils_the_entry_conditions() -> None:
    assert asked("entry-conditions", clean_year()) == []


def filled_in(section: str, **fields: Any) -> Any:
    """A change: the section of the first case was filled in otherwise, whatever was decided on it."""

    def change(entries: list[Entry]) -> list[Entry]:
        edits = [one.event for one in entries if isinstance(one.event, SectionEdited)]
        nth = next(place for place, event in enumerate(edits) if event.section == section)
        return list(changed(SectionEdited, nth=nth, content={**edits[nth].content, **fields})(entries))

    return change


@pytest.mark.parametrize(
    ("section", "fields", "rule", "requirement", "value"),
    [
        ("project", {"references": []}, "earlier-project", "R10", []),
        ("project", {"measure_kind": "established"}, "new-or-developed-measure", "R13", "established"),
        ("project", {"priority_area": 5}, "priority-area-6", "R1", 5),
    ],
)
def test_a_recipient_that_fails_an_entry_condition_is_found(
    section: str, fields: dict[str, Any], rule: str, requirement: str, value: object
) -> None:
    history = planted(clean_year(), filled_in(section, **fields))
    (row,) = asked("entry-conditions", history)
    assert found(row, "case", "rule", "requirement", "value") == (
        "imdi-2023-tillegg-0001", rule, requirement, value,
    )  # fmt: skip
    assert row.events == (event_of(history, ApplicationSubmitted),)


def test_too_few_participants_fail_the_rule_and_are_not_what_the_submission_says() -> None:
    groups = {"introduction_act": 9, "integration_act": 0, "chapter_6a": 0, "other": 0}
    history = planted(clean_year(), filled_in("project", participants=9, target_groups=groups))
    assert [found(row, "rule", "value") for row in asked("entry-conditions", history)] == [
        ("min-participants", 9),
        ("participants-as-filled-in", "24"),
    ]


def test_a_recipient_whose_form_is_not_filled_in_or_who_submitted_nothing_is_found() -> None:
    history = planted(clean_year(), dropped(SectionEdited))
    assert {row.found["case"] for row in asked("entry-conditions", history)} == {"imdi-2023-tillegg-0001"}
    (nothing,) = asked("entry-conditions", planted(clean_year(), dropped(ApplicationSubmitted)))
    assert nothing.found["rule"] == "submitted"


def test_who_was_granted_nothing_is_no_recipient() -> None:
    history = planted(
        gathered(call_2023(), Given(call_2023(), *submitted())), filled_in("project", references=[])
    )
    assert asked("entry-conditions", history) == []


def exempted(**changes: Any) -> Given:
    exemption = Step("record-exemption", {"exemption": {**EXEMPTION, **changes}}, role="case-officer").of(
        IMDI
    )
    return Given(
        call_2023(),
        *assessed(**OUTSIDE),
        exemption,
        declared("decider"),
        grant(GRANTED),
        letter(),
        declared("attestant"),
        attest(),
        declared("payer"),
        authorise(),
        confirm(),
    )


def test_no_exemption_is_relied_on_in_a_clean_year() -> None:
    assert asked("exemptions", clean_year()) == []
    assert asked("exemptions", gathered(call_2023(), Given(call_2023(), *paid()))) == []


def test_an_exemption_tells_its_reference_and_that_it_covers_the_project() -> None:
    history = gathered(call_2023(), exempted())
    (row,) = asked("exemptions", history)
    assert found(row, "needed", "reference", "starts_on", "ends_on", "covers", "breach") == (
        True, "AID 23/2207", "2023-10-01", "2023-12-31", True, "",
    )  # fmt: skip
    assert {
        event_of(history, kind) for kind in (ApplicationSubmitted, ExemptionRecorded, PaymentConfirmed)
    } < {*row.events}


def test_a_payment_without_the_exemption_is_found() -> None:
    (row,) = asked("exemptions", planted(gathered(call_2023(), exempted()), dropped(ExemptionRecorded)))
    assert found(row, "reference", "covers", "recorded_at") == ("", None, None)
    assert row.found["breach"].startswith("attest-payment without the exemption that the project needs")


def test_an_exemption_that_ends_before_the_project_is_found() -> None:
    short = Exemption("AID 23/2207", "AID", date(2023, 10, 1), date(2023, 12, 30))
    history = planted(gathered(call_2023(), exempted()), changed(ExemptionRecorded, exemption=short))
    (row,) = asked("exemptions", history)
    assert found(row, "covers", "valid_to") == (False, "2023-12-30")
    assert "confirm-payment though AID 23/2207 does not hold for all of the project" in row.found["breach"]
