"""The steps of an ordinary, good case, to be given, varied and broken by tests."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from given import DEADLINE, IMDI, OWN, Step

from grantflow.definitions import definition_files
from grantflow.domain.call import Call

CALL_FOLDER = Path(__file__).parent.parent / "workflows" / "calls" / "imdi-2023-tillegg"
ACCOUNT = "12345678903"
AFTER_DEADLINE = datetime(2023, 9, 4, 8, 0, tzinfo=UTC)
ASKED = "900000.00"
GRANTED = "800000.00"
REDUCED = "700000.00"


@cache
def call_2023() -> Call:
    """The 2023 call, read from its folder once."""
    return Call.read(definition_files(CALL_FOLDER))


CONTENT: dict[str, dict[str, Any]] = {
    "project": {
        "title": "Rett i jobb",
        "summary": "Kort introduksjonsprogram med fire dager i arbeid og én dag norsk på arbeidsplassen.",
        "priority_area": 6,
        "themes": ["language-in-work", "municipality-as-employer"],
        "participants": 24,
        "target_groups": {"introduction_act": 14, "integration_act": 6, "chapter_6a": 4, "other": 0},
        "measure_kind": "new",
        "method": "Deltakerne følger en fadder på arbeidsplassen.",
        "expected_results": "16 av 24 i arbeid innen seks måneder.",
        "transfer_value": "Metodehefte som andre kommuner kan ta i bruk.",
        "starts_on": "2023-10-01",
        "ends_on": "2023-12-31",
        "references": [
            {"title": "Jobbsjansen", "year": 2021, "results": "70 prosent i arbeid eller utdanning."}
        ],
        "language_training": False,
        "language_training_only_chapter_6a": False,
        "outside_acts": False,
    },
    "applicant": {"contact_role": "Rådgiver integrering", "project_lead_role": "Prosjektleder"},
    "partners": {"organisations": []},
    "budget": {
        "lines": [
            {"text": "Prosjektleder, 60 prosent", "class": "project", "amount": "700000.00", "year": 2023},
            {"text": "Språkmentorer", "class": "project", "amount": "400000.00", "year": 2023},
        ],
        "own_contribution": "150000.00",
        "other_public_support": [{"source": "Statsforvalteren", "amount": "50000.00"}],
        "asked": ASKED,
    },
    "declarations": {"follows_curricula": True, "takes_responsibility": True, "applies_for_exemption": False},
}

GROUNDS = {
    "rule": "Utlysningen, prioritert tema; rundskriv 7/2023",
    "facts": "Kommunen har plass til 24 deltakere og egenandel på 150 000 kroner.",
    "considerations": "Høy overføringsverdi og god gjennomføringsevne.",
}
BLOCKS = {
    name: f"Tekst om {name}." for name in ("purpose", "amount", "payment", "conditions", "consequences")
}
RESERVATIONS = {name: f"Forbehold om {name}." for name in ("control", "no-appeal", "later-years")}
ACCOUNTS: dict[str, Any] = {
    "report": {
        "results_by_goal": "18 av 24 er i arbeid.",
        "use_of_money": "Lønn til prosjektleder og språkmentorer.",
        "participants_reached": 24,
        "conditions": [],
    },
    "accounts": {
        "income": [{"text": "Tilskudd fra IMDi", "booked_on": "2023-10-12", "amount": GRANTED}],
        "expenses": [
            {"text": "Prosjektleder", "booked_on": "2023-11-30", "amount": "500000.00", "class": "project"},
            {"text": "Språkmentorer", "booked_on": "2023-12-15", "amount": "300000.00", "class": "project"},
        ],
        "other_public_support": [],
    },
}


def content(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Good content with some fields of some sections changed: `content(project={"participants": 9})`."""
    changed = copy.deepcopy(CONTENT)
    for section, fields in changes.items():
        changed[section] |= fields
    return changed


def started() -> Step:
    return Step("start")


def edited(section: str, **fields: Any) -> Step:
    return Step("edit", {"section": section, "content": {**copy.deepcopy(CONTENT[section]), **fields}})


def drafted(**changes: dict[str, Any]) -> tuple[Step, ...]:
    """Started, with every section filled in."""
    return started(), *(
        Step("edit", {"section": name, "content": section}) for name, section in content(**changes).items()
    )


def approved() -> Step:
    return Step("approve", {"capacity": "municipal-director"}, role="director")


def submit() -> Step:
    return Step("submit")


def submitted(**changes: dict[str, Any]) -> tuple[Step, ...]:
    """Drafted, approved and submitted in time."""
    return *drafted(**changes), approved(), submit()


def declared(role: str = "case-officer", *, conflict: bool = False) -> Step:
    data = {"conflict": conflict, "reason": "Bor sammen med ordføreren." if conflict else ""}
    return Step("declare-impartiality", data, role=role)


def scored(criterion: str, points: int = 5) -> Step:
    return Step(
        "score", {"criterion": criterion, "points": points, "grounds": "Godt begrunnet."}, role="case-officer"
    )


def assess(amount: str | None = GRANTED) -> Step:
    if amount is None:
        return Step(
            "assess", {"recommendation": "reject", "grounds": "Lav måloppnåelse."}, role="case-officer"
        )
    data = {"recommendation": "grant", "amount": amount, "grounds": "Blant de beste."}
    return Step("assess", data, role="case-officer")


def scores() -> tuple[Step, ...]:
    return tuple(scored(criterion.id) for criterion in call_2023().criteria)


def state_aid() -> Step:
    return Step(
        "assess-state-aid",
        {"conclusion": "no-aid", "grounds": "Kommunen driver ikke økonomisk aktivitet her."},
        role="case-officer",
    )


def assessed(**changes: dict[str, Any]) -> tuple[Step, ...]:
    """Submitted, handled after the deadline, scored and assessed."""
    first = declared().when(AFTER_DEADLINE)
    account = Step("register-account", {"account": ACCOUNT}, role="case-officer")
    return *submitted(**changes), first, *scores(), account, state_aid(), assess()


def grant(amount: str = GRANTED, **data: Any) -> Step:
    return Step(
        "grant",
        {
            "amount": amount,
            "grounds": GROUNDS,
            "confirmations": {"legal_basis": True, "budget_cover": True, "economically_sound": True},
            "authority": "IMDi-2023-014",
            **data,
        },
        role="decider",
    )


def reduce(amount: str = REDUCED, **data: Any) -> Step:
    """A lower grant, before the applicant has been told of the first, by somebody who has decided nothing yet."""
    said = {"amount": amount, "case_of_35": "not-told", "grounds": GROUNDS, "authority": OWN["imdi-reducer"]}
    return Step("reduce", said | data, role="decider", person="imdi-reducer")


def reject() -> Step:
    return Step("reject", {"grounds": GROUNDS, "authority": "IMDi-2023-014"}, role="decider")


def granted(**data: Any) -> tuple[Step, ...]:
    return *assessed(), declared("decider"), grant(**data)


def letter() -> Step:
    return Step(
        "issue-letter", {"language": "nb", "blocks": BLOCKS, "reservations": RESERVATIONS}, role="decider"
    )


def attest(amount: str = GRANTED) -> Step:
    return Step("attest-payment", {"amount": amount}, role="attestant")


def authorise() -> Step:
    return Step("authorise-payment", role="payer")


def confirm() -> Step:
    return Step("confirm-payment", {"bank_reference": "BANK-1"}, role="integration").of(IMDI)


def paid(**data: Any) -> tuple[Step, ...]:
    return (
        *granted(**data),
        letter(),
        declared("attestant"),
        attest(),
        declared("payer"),
        authorise(),
        confirm(),
    )


def report(**changes: dict[str, Any]) -> Step:
    """Report and accounts, with some fields changed: `report(accounts={"expenses": []})`."""
    data = copy.deepcopy(ACCOUNTS)
    for part, fields in changes.items():
        data[part] |= fields
    return Step("submit-report", data, role="project-lead").when(datetime(2024, 1, 15, 9, 0, tzinfo=UTC))


def sign(digest: str) -> Step:
    return Step("sign-accounts", {"digest": digest}, role="project-lead")


def countersign(digest: str) -> Step:
    return Step("countersign-accounts", {"digest": digest}, role="superior")


def accept() -> Step:
    return Step("accept-report", {"assessment": "Godt dokumentert."}, role="case-officer")


JUST_IN_TIME = DEADLINE.replace(hour=21, minute=59, second=59, microsecond=999_999)
