"""How a case can be driven on: for each step content that fits the case as it is, and which step would come next."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from given import IMDI
from steps import (
    ACCOUNT,
    ACCOUNTS,
    BLOCKS,
    CONTENT,
    GROUNDS,
    RESERVATIONS,
    call_2023,
)

from grantflow.domain.money import kroner

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.domain.application import Application

Data = dict[str, Any]
ASKED = kroner(90_000_000)


def _amount(case: Application) -> str:
    return kroner(case.decision.amount_ore) if case.decision and case.decision.amount_ore else ASKED


def _digest(case: Application) -> Data:
    return {"digest": case.report.digest if case.report else "0" * 64}


def _edit(case: Application) -> Data:
    missing = [section for section in CONTENT if section not in case.content]
    section = missing[0] if missing else "project"
    if missing:
        return {"section": section, "content": CONTENT[section]}
    title = f"{CONTENT['project']['title']} {case.version}"
    return {"section": section, "content": {**CONTENT[section], "title": title}}


def _score(case: Application) -> Data:
    given = {score.criterion for score in case.scores}
    waiting = [criterion.id for criterion in call_2023().criteria if criterion.id not in given]
    return {"criterion": (waiting or ["purpose"])[0], "points": 5, "grounds": "Godt begrunnet."}


def _report(case: Application) -> Data:
    spent = case.decision.amount_ore // 2 if case.decision else 100
    line = {"text": "Lønn", "booked_on": "2023-12-01", "amount": kroner(spent), "class": "project"}
    return {**ACCOUNTS, "accounts": {"income": [], "expenses": [line], "other_public_support": []}}


def _repaid(case: Application) -> Data:
    owed = case.repayment.claimed_ore - case.repayment.received_ore if case.repayment else 100
    return {"amount": kroner(max(owed, 1)), "bank_reference": "INN-1"}


CONFIRMED = {"legal_basis": True, "budget_cover": True, "economically_sound": True}
DECIDED: Data = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
LETTER = {"language": "nb", "blocks": BLOCKS, "reservations": RESERVATIONS}
REJECTION = {
    "language": "nn",
    "blocks": {"decision": "Avslag.", "grounds": "Ramma."},
    "reservations": {"no-appeal": "Nei."},
}
PDF = base64.b64encode(b"%PDF-1.7\n%%EOF\n").decode()
EXEMPTION = {
    "reference": "AID 1",
    "decided_by": "departementet",
    "valid_from": "2023-10-01",
    "valid_to": "2024-01-01",
}

CONTENTS: dict[str, Callable[[Application], Data]] = {
    "edit": _edit,
    "attach": lambda _: {"filename": "plan.pdf", "media_type": "application/pdf", "content": PDF},
    "detach": lambda case: {"digest": case.attachments[0].digest if case.attachments else "0" * 64},
    "approve": lambda _: {"capacity": "municipal-director"},
    "submit": lambda _: {},
    "withdraw": lambda _: {"reason": "Lagt på is."},
    "lapse": lambda _: {"deadline": "application"},
    "extend-deadline": lambda case: {
        "deadline": "report" if case.decision else "application",
        "until": "2024-06-01" if case.decision else "2023-09-20",
        "reason": "Dataangrep.",
    },
    "declare-impartiality": lambda _: {"conflict": False},
    "assign": lambda _: {"case_officer": "a"},
    "request-information": lambda _: {"what": "Send avtalen.", "due": "2023-09-30"},
    "supply": lambda case: {"request": len(case.requests), "answer": "Her."},
    "consult": lambda _: {"body": "HK-dir", "question": "Er det i orden?"},
    "record-statement": lambda _: {"body": "HK-dir", "statement": "Ja."},
    "score": _score,
    "assess": lambda _: {"recommendation": "grant", "amount": ASKED, "grounds": "Blant de beste."},
    "assess-state-aid": lambda _: {"conclusion": "no-aid", "grounds": "Ingen økonomisk aktivitet."},
    "grant": lambda _: {**DECIDED, "amount": ASKED, "confirmations": CONFIRMED},
    "reject": lambda _: DECIDED,
    "issue-letter": lambda case: LETTER if case.state == "granted" else REJECTION,
    "register-account": lambda _: {"account": ACCOUNT},
    "record-exemption": lambda _: {"exemption": EXEMPTION},
    "attest-payment": lambda case: {"amount": _amount(case)},
    "authorise-payment": lambda _: {},
    "confirm-payment": lambda _: {"bank_reference": "AVR-1"},
    "submit-report": _report,
    "sign-accounts": _digest,
    "countersign-accounts": _digest,
    "return-report": lambda _: {"reason": "Skriv mer."},
    "accept-report": lambda _: {"assessment": "I orden."},
    "notify-repayment": lambda _: {"answer_by": "2024-03-15", "reason": "Ubrukt."},
    "claim-repayment": lambda _: {"due": "2024-12-31", "reason": "Ubrukt.", "authority": "IMDi-2023-014"},
    "record-repayment": _repaid,
}
"""Content for each step that people take, fit for the case as far as the step can fit it."""

ROLE = {
    "approve": ("director", "director"),
    "sign-accounts": ("lead", "project-lead"),
    "submit-report": ("lead", "project-lead"),
    "countersign-accounts": ("superior", "superior"),
    "grant": ("decider", "decider"),
    "reject": ("decider", "decider"),
    "issue-letter": ("decider", "decider"),
    "claim-repayment": ("decider", "decider"),
    "attest-payment": ("attestant", "attestant"),
    "authorise-payment": ("payer", "payer"),
    "confirm-payment": ("bank", "integration"),
}
"""Who usually takes a step: person and role. All others: the adviser before submission, the officer after it."""


def next_step(case: Application) -> tuple[str, str, str]:
    """The step that would bring this case on, with the person and the role it takes; a step of the end when it has."""
    step = _next(case)
    if case.state in ("draft", "approved-by-director", "lapsed"):
        usual = ("adviser", "applicant") if step != "extend-deadline" else ("officer", "case-officer")
    else:
        usual = ("officer", "case-officer")
    person, role = ROLE.get(step, usual)
    municipal = role in ("applicant", "director", "project-lead", "superior", "integration")
    if not municipal and step != "extend-deadline" and person not in case.conflicts:
        return "declare-impartiality", person, role
    return step, person, role


def _next(case: Application) -> str:  # noqa: C901, PLR0911, PLR0912 - one line a state
    match case.state:
        case "draft":
            return "approve" if len(case.content) == len(CONTENT) else "edit"
        case "approved-by-director":
            return "submit"
        case "lapsed":
            return "extend-deadline"
        case "submitted":
            return "assess" if len(case.scores) >= len(call_2023().criteria) else "score"
        case "assessed":
            if case.state_aid is None:
                return "assess-state-aid"
            return "grant" if case.account else "register-account"
        case "granted":
            payment = case.payment
            if not case.letter:
                return "issue-letter"
            if not case.account:
                return "register-account"
            if payment is None or payment.account != case.account:
                return "attest-payment"
            return "confirm-payment" if payment.authorised_by else "authorise-payment"
        case "paid":
            report = case.report
            if report is None or report.returned:
                return "submit-report"
            return "countersign-accounts" if report.signed_by else "sign-accounts"
        case "reported":
            if case.repayment is None:
                return "accept-report"
            if not case.repayment.notified:
                return "notify-repayment"
            return "record-repayment" if case.repayment.claimed_ore else "claim-repayment"
    return "withdraw"


MUNICIPAL = ("applicant", "director", "project-lead", "superior")


def organisation_of(role: str, applicant: str) -> str:
    """Whom somebody in this role acts for."""
    return applicant if role in MUNICIPAL else IMDI
