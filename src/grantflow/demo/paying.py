"""Fourth chapter: account, attestation, authorisation and the bank's confirmation, each by another hand (R15, R23)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grantflow.demo.cases import told_of
from grantflow.demo.stage import oslo
from grantflow.domain.money import Ore, kroner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Data, Stage

ACCOUNT, NEW_ACCOUNT = "12345678903", "86011117947"
EXEMPTION = {
    "reference": "AID 23/4711",
    "decided_by": "Arbeids- og inkluderingsdepartementet",
    "valid_from": "2023-10-01",
    "valid_to": "2024-06-30",
}
NO_CONFLICT = {"conflict": False}
CHANGE_CHECKED = "Bekreftet på telefon med økonomisjefen, på nummeret i registeret."


def pay(stage: Stage, imdi: Directorate, granted: Sequence[Case]) -> None:
    """Everything that was granted is paid, but never by one person alone, and never too early."""
    payer = imdi.payer()
    for person in (imdi.clerk(), imdi.attestant(), payer):
        stage.each(oslo("2023-10-04"), granted, "declare-impartiality", person, NO_CONFLICT)
    for case in granted[:1]:
        _too_early_and_too_alone(stage, imdi, case)
    account = {"account": ACCOUNT}
    stage.each(oslo("2023-10-04", "12:00"), granted, "register-account", imdi.clerk(), account)
    outside = told_of(granted, "outside-the-acts")
    inside = [case for case in granted if case not in outside]
    _attest(stage, imdi, inside, "2023-10-05")
    for case in outside:
        with stage.refusing("not-ready"):
            _attest(stage, imdi, [case], "2023-10-05", "11:00")
    for case in inside[1:2]:
        _changed_account(stage, imdi, case)
    _settle(stage, imdi, inside, "2023-10-06", "2023-10-09")
    for case in [case for case in inside if not case.instalments][:1]:
        with stage.refusing("step-not-allowed"):
            stage.one(oslo("2023-10-09", "10:00"), case, "authorise-payment", payer)
    for case in inside[2:3]:
        _correct_a_reference(stage, imdi, case)
    for case in outside:
        stage.one(oslo("2023-10-10"), case, "record-exemption", imdi.clerk(), exemption=EXEMPTION)
    _attest(stage, imdi, outside, "2023-10-11")
    _settle(stage, imdi, outside, "2023-10-12", "2023-10-16")
    _second_instalments(stage, imdi, [case for case in granted if case.instalments])
    _see_to_conditions(stage, imdi, granted)


def _too_early_and_too_alone(stage: Stage, imdi: Directorate, case: Case) -> None:
    """No payment without an account; and whoever decided neither registers it nor attests."""
    decided = imdi.decider(case.place)
    amount = {"amount": kroner(case.granted)}
    with stage.refusing("not-ready"):
        stage.one(oslo("2023-10-04", "10:00"), case, "attest-payment", imdi.attestant(), **amount)
    alone = decided.as_role("attestant")
    with stage.refusing("same-person"):
        stage.one(oslo("2023-10-04", "10:30"), case, "attest-payment", alone, **amount)
    clerk = decided.as_role("case-officer")
    with stage.refusing("same-person"):
        stage.one(oslo("2023-10-04", "11:00"), case, "register-account", clerk, account=ACCOUNT)


def _changed_account(stage: Stage, imdi: Directorate, case: Case) -> None:
    """The municipality has a new account: it is attested again, and whoever does so says how the change was checked."""
    stage.one(oslo("2023-10-05", "12:00"), case, "register-account", imdi.clerk(), account=NEW_ACCOUNT)
    with stage.refusing("not-ready"):
        stage.one(oslo("2023-10-05", "13:00"), case, "authorise-payment", imdi.payer())
    attestation = {"amount": kroner(_due(case))}
    with stage.refusing("not-ready"):
        stage.one(oslo("2023-10-05", "13:30"), case, "attest-payment", imdi.attestant(), **attestation)
    attestation["account_check"] = CHANGE_CHECKED
    stage.one(oslo("2023-10-05", "14:00"), case, "attest-payment", imdi.attestant(), **attestation)


def _correct_a_reference(stage: Stage, imdi: Directorate, case: Case) -> None:
    """The bank's reference was written down wrongly: a new entry says so, and the old one stays."""
    state = stage.app.service.states.case(case.id) if case.id else None
    entry = max(int(version) for version in state.noted) if state else 0
    correction = {
        "entry": entry,
        "field": "bank_reference",
        "value": f"AVR-2310-{case.number:05d}-R",
        "reason": "Avregningsreturen har en R til slutt.",
    }
    stage.one(oslo("2023-10-09", "15:00"), case, "correct", imdi.clerk(), **correction)


def _second_instalments(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> None:
    """The second part waits for its day, and for the condition that blocks it."""
    second = {case.number: {"amount": kroner(case.instalments[1])} for case in cases}
    for case in cases:
        with stage.refusing("not-ready"):
            stage.one(oslo("2023-11-01"), case, "attest-payment", imdi.attestant(), **second[case.number])
    met = {"condition": "delrapport", "evidence": "Delrapporten kom 13. november og er i orden."}
    stage.each(oslo("2023-11-15"), cases, "accept-condition", imdi.clerk(), met)
    at = oslo("2023-11-15", "11:00")
    stage.each(at, cases, "attest-payment", imdi.attestant(), lambda case: second[case.number])
    _settle(stage, imdi, cases, "2023-11-16", "2023-11-20")


def _see_to_conditions(stage: Stage, imdi: Directorate, granted: Sequence[Case]) -> None:
    """One condition is shown to be met, another is let go with the reason (R14)."""
    waived = {"condition": "samling", "reason": "Samlingen ble avlyst på grunn av snøstorm."}
    met = {"condition": "metodehefte", "evidence": "Metodeheftet kom 12. desember."}
    for case in [case for case in granted if "samling" in case.conditions]:
        stage.one(oslo("2023-12-04"), case, "waive-condition", imdi.decider(case.place), **waived)
    for case in [case for case in granted if "metodehefte" in case.conditions]:
        stage.one(oslo("2023-12-14"), case, "accept-condition", imdi.clerk(), **met)


def _due(case: Case) -> Ore:
    """What is paid first: the whole grant, or its first instalment."""
    return case.instalments[0] if case.instalments else case.granted


def _attest(stage: Stage, imdi: Directorate, cases: Sequence[Case], day: str, clock: str = "10:00") -> None:
    stage.each(
        oslo(day, clock),
        cases,
        "attest-payment",
        imdi.attestant(),
        lambda case: {"amount": kroner(_due(case))},
    )


def _settle(stage: Stage, imdi: Directorate, cases: Sequence[Case], ordered: str, confirmed: str) -> None:
    month = confirmed[2:7].replace("-", "")
    stage.each(oslo(ordered), cases, "authorise-payment", imdi.payer())
    stage.each(oslo(confirmed), cases, "confirm-payment", imdi.bank(), partial(_returned, month))


def _returned(month: str, case: Case) -> Data:
    """What the bank's return says of a case's payment."""
    return {"bank_reference": f"AVR-{month}-{case.number:05d}"}
