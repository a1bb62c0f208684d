"""Fourth chapter: account, attestation, authorisation and the bank's confirmation, each by another hand (R15, R23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.demo.cases import told_of
from grantflow.demo.stage import oslo
from grantflow.domain.money import kroner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Stage

ACCOUNT, NEW_ACCOUNT = "12345678903", "86011117947"
EXEMPTION = {
    "reference": "AID 23/4711",
    "decided_by": "Arbeids- og inkluderingsdepartementet",
    "valid_from": "2023-10-01",
    "valid_to": "2024-06-30",
}
NO_CONFLICT = {"conflict": False}


def pay(stage: Stage, imdi: Directorate, granted: Sequence[Case]) -> None:
    """Everything that was granted is paid, but never by one person alone, and never too early."""
    payer = imdi.payer()
    for person in (imdi.clerk(), imdi.attestant(), payer):
        stage.each(
            oslo("2023-10-02"),
            granted,
            "declare-impartiality",
            person,
            NO_CONFLICT,
        )
    for case in granted[:1]:
        _too_early_and_too_alone(stage, imdi, case)
    stage.each(
        oslo("2023-10-02", "12:00"),
        granted,
        "register-account",
        imdi.clerk(),
        {"account": ACCOUNT},
    )
    outside = told_of(granted, "outside-the-acts")
    inside = [case for case in granted if case not in outside]
    _attest(stage, imdi, inside, "2023-10-03")
    for case in outside:
        with stage.refusing("not-ready"):
            _attest(stage, imdi, [case], "2023-10-03", "11:00")
    for case in inside[1:2]:
        _changed_account(stage, imdi, case)
    _settle(stage, imdi, inside, "2023-10-05", "2023-10-09")
    for case in inside[:1]:
        with stage.refusing("step-not-allowed"):
            stage.one(oslo("2023-10-09", "10:00"), case, "authorise-payment", payer)
    for case in outside:
        stage.one(oslo("2023-10-10"), case, "record-exemption", imdi.clerk(), exemption=EXEMPTION)
    _attest(stage, imdi, outside, "2023-10-11")
    _settle(stage, imdi, outside, "2023-10-12", "2023-10-16")


def _too_early_and_too_alone(stage: Stage, imdi: Directorate, case: Case) -> None:
    """No payment without an account; and whoever decided neither registers it nor attests."""
    decided = imdi.decider(case.place)
    amount = {"amount": kroner(case.granted)}
    with stage.refusing("not-ready"):
        stage.one(oslo("2023-10-02", "10:00"), case, "attest-payment", imdi.attestant(), **amount)
    alone = decided.as_role("attestant")
    with stage.refusing("same-person"):
        stage.one(oslo("2023-10-02", "10:30"), case, "attest-payment", alone, **amount)
    clerk = decided.as_role("case-officer")
    with stage.refusing("same-person"):
        stage.one(oslo("2023-10-02", "11:00"), case, "register-account", clerk, account=ACCOUNT)


def _changed_account(stage: Stage, imdi: Directorate, case: Case) -> None:
    """The municipality has a new account: what was attested no longer holds, and is attested again."""
    clerk, payer = imdi.clerk(), imdi.payer()
    stage.one(oslo("2023-10-04"), case, "register-account", clerk, account=NEW_ACCOUNT)
    with stage.refusing("not-ready"):
        stage.one(oslo("2023-10-04", "10:00"), case, "authorise-payment", payer)
    _attest(stage, imdi, [case], "2023-10-04", "11:00")


def _attest(stage: Stage, imdi: Directorate, cases: Sequence[Case], day: str, clock: str = "10:00") -> None:
    stage.each(
        oslo(day, clock),
        cases,
        "attest-payment",
        imdi.attestant(),
        lambda case: {"amount": kroner(case.granted)},
    )


def _settle(stage: Stage, imdi: Directorate, cases: Sequence[Case], ordered: str, confirmed: str) -> None:
    stage.each(oslo(ordered), cases, "authorise-payment", imdi.payer())
    stage.each(
        oslo(confirmed),
        cases,
        "confirm-payment",
        imdi.bank(),
        lambda case: {"bank_reference": f"AVR-2310-{case.number:05d}"},
    )
