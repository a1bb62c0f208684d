"""How a case can be driven on: for each step content that fits the case as it is, and which step would come next."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from given import IMDI
from steps import ACCOUNT, GROUNDS

from grantflow.domain.event import EVENT_TYPES
from grantflow.domain.money import kroner, ore
from grantflow.domain.roles import MACHINES, MUNICIPAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from grantflow.domain.application import Application, CaseEvent
    from grantflow.domain.call import Call
    from grantflow.domain.parts import Instalment

Data = dict[str, Any]
PDF = base64.b64encode(b"%PDF-1.7\n%%EOF\n").decode()
CONFIRMED = {"legal_basis": True, "budget_cover": True, "economically_sound": True}
OTHER_ACCOUNT = "60000000003"


@dataclass(frozen=True)
class Way:
    """A call, and what its people write: when it opens, who begins, the forms, and the steps of its own.

    `form` gives every section of the application's form at the stage the case is at. A grant of `asked` (kroner) fits
    the frame, or the area's part of it, and a second one does not.
    """

    call: Call
    opens: datetime
    begins: tuple[tuple[str, Data], ...]
    form: Callable[[Application], Mapping[str, Data]]
    report: Callable[[Application], Data]
    declared: Mapping[str, Data]
    asked: str
    revised: tuple[str, str]
    """What a revision changes in call.toml."""

    def within(self, case: Application) -> Call:
        """The call as it is for this case."""
        return self.call.within(case.area, case.stage)

    def content(self, case: Application, step: str, now: datetime) -> Data:
        """Content for a step, fit for the case as far as that step can fit it."""
        if step in self.declared:
            return dict(self.declared[step])
        return CONTENTS[step](Scene(case, self, now))


class Scene(NamedTuple):
    """A case, the way it goes, and the instant."""

    case: Application
    way: Way
    now: datetime

    def later(self, days: int) -> str:
        """A day so long from now."""
        return str((self.now + timedelta(days=days)).date())


def _edit(s: Scene) -> Data:
    case, way = s.case, s.way
    form = way.form(case)
    waiting = _unfilled(case, way)
    if waiting:
        return {"section": waiting[0], "content": form[waiting[0]]}
    return {"section": "project", "content": {**form["project"], "title": f"Tiltak {case.version}"}}


def _unfilled(case: Application, way: Way) -> list[str]:
    """The sections that still lack something the form at this stage has."""
    return [
        section
        for section, content in way.form(case).items()
        if not content.keys() <= case.content.get(section, {}).keys()
    ]


def _score(s: Scene) -> Data:
    waiting = unscored(s.case, s.way) or [s.way.within(s.case).criteria[0].id]
    return {"criterion": waiting[0], "points": 5, "grounds": "Godt begrunnet."}


def unscored(case: Application, way: Way) -> list[str]:
    """The criteria nobody has given points on."""
    given = {score.criterion for score in case.scores}
    return [criterion.id for criterion in way.within(case).criteria if criterion.id not in given]


def _grant(s: Scene) -> Data:
    """Now and then it is paid in two parts, the second once a condition is met."""
    said: Data = {"amount": s.way.asked, "grounds": GROUNDS, "authority": "", "confirmations": CONFIRMED}
    if s.case.version % 2:
        return said
    condition = {"id": "plan", "text": "Send en plan.", "due": s.later(40), "blocking": True}
    rest = kroner(ore(s.way.asked) - ore("100.00"))
    parts = [{"amount": "100.00"}, {"amount": rest, "condition": "plan"}]
    return {**said, "conditions": [condition], "instalments": parts}


def _half(case: Application) -> str:
    decision = case.decision
    return kroner(max((decision.amount_ore if decision else 0) // 2, case.paid_ore + 100))


def _next_part(case: Application) -> Instalment | None:
    paid, decision = case.instalments_paid, case.decision
    return decision.instalments[paid] if decision and paid < len(decision.instalments) else None


def _extended(s: Scene) -> Data:
    case, way = s.case, s.way
    waits = [one.id for one in way.within(case).deadlines.values() if case.state in one.states]
    by_process = "report" if case.decision else "application"
    deadline = waits[-1] if waits else by_process
    limit = case.limit(deadline, way.within(case))
    until = (max(limit, s.now) + timedelta(days=9)).date()
    return {"deadline": deadline, "until": str(until), "reason": "Dataangrep."}


def _answered_complaint(s: Scene) -> Data:
    open_ = [one for one in s.case.complaints if not one.outcome]
    number = open_[0].number if open_ else 1
    outcome = "forwarded" if s.way.call.legal_regime.appeal else "not-reversed"
    return {"complaint": number, "outcome": outcome, "answer": "Vedtaket står."}


def _correction(s: Scene) -> Data:
    if not s.case.noted:
        return {"entry": 1, "field": "state", "value": "paid", "reason": "Feilskrift."}
    version, noted = list(s.case.noted.items())[-1]
    kind: type[CaseEvent] = EVENT_TYPES[noted.topic]  # type: ignore[assignment] # only a case's events are noted
    field = min(kind.correctable)
    value = s.later(-3) if field.endswith("_on") else f"Rettet {s.case.version}"
    return {"entry": int(version), "field": field, "value": value, "reason": "Feilskrift."}


def _claimed(case: Application) -> str:
    owed = case.repayment.claimed_ore - case.repayment.received_ore if case.repayment else 100
    return kroner(max(owed, 1))


def _decided(case: Application) -> Data:
    case_of_35 = "not-told" if case.told_at is None else "invalid"
    return {"case_of_35": case_of_35, "grounds": GROUNDS, "authority": ""}


EXEMPTION = {
    "reference": "AID 1",
    "decided_by": "departementet",
    "valid_from": "2023-10-01",
    "valid_to": "2024-01-01",
}

CONTENTS: dict[str, Callable[[Scene], Data]] = {
    "edit": _edit,
    "attach": lambda _: {"filename": "plan.pdf", "media_type": "application/pdf", "content": PDF},
    "detach": lambda s: {"digest": s.case.attachments[0].digest if s.case.attachments else "0" * 64},
    "approve": lambda _: {"capacity": "municipal-director"},
    "submit": lambda _: {},
    "withdraw": lambda _: {"reason": "Lagt på is."},
    "lapse": lambda _: {"deadline": "application"},
    "extend-deadline": _extended,
    "declare-impartiality": lambda _: {"conflict": False},
    "assign": lambda _: {"case_officer": "officer"},
    "request-information": lambda s: {"what": "Send avtalen.", "due": s.later(20)},
    "supply": lambda s: {"request": len(s.case.requests), "answer": "Her."},
    "consult": lambda _: {"body": "HK-dir", "question": "Er det i orden?"},
    "record-statement": lambda _: {"body": "HK-dir", "statement": "Ja."},
    "score": _score,
    "assess": lambda s: {"recommendation": "grant", "amount": s.way.asked, "grounds": "Blant de beste."},
    "assess-state-aid": lambda _: {"conclusion": "no-aid", "grounds": "Ingen økonomisk aktivitet."},
    "grant": _grant,
    "reject": lambda _: {"grounds": GROUNDS, "authority": ""},
    "dismiss": lambda _: {"cause": "too-late", "grounds": GROUNDS, "authority": ""},
    "issue-letter": lambda _: {},
    "notify-reversal": lambda s: {"reason": "Ny opplysning.", "answer_by": s.later(14)},
    "answer-notice": lambda _: {"answer": "Vi er uenige."},
    "reverse": lambda s: _decided(s.case),
    "reduce": lambda s: {**_decided(s.case), "amount": _half(s.case)},
    "register-complaint": lambda _: {"text": "Vi klager."},
    "answer-complaint": _answered_complaint,
    "accept-condition": lambda _: {"condition": "plan", "evidence": "Planen er her."},
    "waive-condition": lambda _: {"condition": "plan", "reason": "Ikke nødvendig lenger."},
    "register-account": lambda s: {"account": OTHER_ACCOUNT if s.case.account == ACCOUNT else ACCOUNT},
    "record-exemption": lambda _: {"exemption": EXEMPTION},
    "attest-payment": lambda s: {
        "amount": kroner(part.amount_ore) if (part := _next_part(s.case)) else s.way.asked,
        "account_check": "Ringte kommunen.",
    },
    "authorise-payment": lambda _: {},
    "confirm-payment": lambda _: {"bank_reference": "AVR-1"},
    "submit-report": lambda s: s.way.report(s.case),
    "sign-accounts": lambda s: {"digest": s.case.report.digest if s.case.report else "0" * 64},
    "countersign-accounts": lambda s: {"digest": s.case.report.digest if s.case.report else "0" * 64},
    "return-report": lambda _: {"reason": "Skriv mer."},
    "accept-report": lambda _: {"assessment": "I orden."},
    "notify-repayment": lambda s: {"answer_by": s.later(14), "reason": "Ubrukt."},
    "claim-repayment": lambda s: {"due": s.later(60), "reason": "Ubrukt.", "authority": ""},
    "record-repayment": lambda s: {"amount": _claimed(s.case), "bank_reference": "INN-1"},
    "correct": _correction,
    "move-to-revision": lambda _: {"grounds": "Til fordel for søkeren."},
}
"""Content for each step of the engine that people take. An empty authority is whatever the person has been given."""

OWNERS = {
    "approve": ("director", "director"),
    "confirm-cofunding": ("finance", "superior"),
    "sign-accounts": ("lead", "project-lead"),
    "submit-report": ("lead", "project-lead"),
    "countersign-accounts": ("superior", "superior"),
    "panel-review": ("panel", "assessor"),
    "endorse": ("endorser", "decider"),
    "attest-payment": ("attestant", "attestant"),
    "authorise-payment": ("payer", "payer"),
    "confirm-payment": ("bank", "integration"),
    "reduce": ("reducer", "decider"),
    "move-to-revision": ("imdi-lead", "call-manager"),
}
"""Who takes a step that is not the usual one's of its role: person and role."""
USUAL = {"applicant": "adviser", "case-officer": "officer", "decider": "decider", "clock": "clock"}


def taken_by(case: Application, call: Call, step: str) -> tuple[str, str]:
    """Who may take a step in this case, person and role: somebody else where the usual one is barred."""
    role = next((one for one in call.process.steps[step].roles if one in USUAL), "case-officer")
    person, role = OWNERS.get(step, (USUAL[role], role))
    others = {
        other for apart in call.process.apart if step in apart.steps for other in apart.steps if other != step
    }
    for name in (person, *(f"{person}-{number}" for number in range(2, 20))):
        if not case.conflicts.get(name) and not any(name in case.acts.get(other, ()) for other in others):
            return name, role
    msg = f"nobody is left to take {step}"
    raise AssertionError(msg)


def declares_first(case: Application, person: str, role: str) -> bool:
    """Whether somebody has to declare their impartiality before anything else."""
    return role not in MUNICIPAL | MACHINES | {"call-manager", "clock"} and person not in case.conflicts


def organisation_of(role: str, applicant: str) -> str:
    """Whom somebody in this role acts for."""
    return applicant if role in MUNICIPAL else IMDI


def next_step(case: Application, way: Way) -> str:
    """The step that would bring this case on towards its end."""
    call = way.within(case)
    here = set(call.process.steps_from(case.state))
    for step in _order(case, way, here):
        if step in here:
            return step
    return "issue-letter"


def _order(case: Application, way: Way, here: set[str]) -> list[str]:
    """What is to be done in this case, the first thing first; what its state has no arrow for is passed over."""
    if {"submit", "approve"} & here:
        if "submit" in here:
            return ["submit"]
        return ["edit"] if _unfilled(case, way) else [*_owed(case, way, here), "approve"]
    if "score" in here and unscored(case, way):
        return ["score"]
    if "grant" in here:
        return [
            *([] if case.state_aid else ["assess-state-aid"]),
            *_owed(case, way, here),
            *([] if case.account else ["register-account"]),
            *(["issue-letter"] if case.reversals and not case.reversals[-1].told else []),
            "grant",
        ]
    if case.decision is not None and not case.letter:
        return ["issue-letter"]
    return [*_owed(case, way, here), "invite", "assess", *_paying(case), *_reporting(case), "extend-deadline"]


def _owed(case: Application, way: Way, here: set[str]) -> list[str]:
    """The call's own steps that have not been taken on the content as it stands, and keep others waiting."""
    steps = way.within(case).process.steps
    awaited = {earlier for step in steps.values() for earlier in step.after if steps[earlier].form}
    stands = {step for step, taken in case.declared.items() if taken.about == case.content_digest}
    return [step for step in steps if step in (awaited & here) - stands]


def _paying(case: Application) -> list[str]:
    payment, decision = case.payment, case.decision
    if decision is None or _next_part(case) is None:
        return []
    if payment is not None and payment.authorised_by and not payment.bank_reference:
        return ["confirm-payment"]
    if not case.account:
        return ["register-account"]
    if payment and payment.account == case.account and payment.instalment == case.instalments_paid + 1:
        return ["authorise-payment"]
    waiting = [one.id for one in decision.conditions if not case.settled(one.id)]
    return ["accept-condition"] if waiting and case.instalments_paid else ["attest-payment"]


def _reporting(case: Application) -> list[str]:
    report, repayment = case.report, case.repayment
    if report is None or report.returned:
        return ["submit-report"]
    if not report.countersigned_by:
        return ["countersign-accounts" if report.signed_by else "sign-accounts"]
    if repayment is None:
        return ["accept-report"]
    if not repayment.notified:
        return ["notify-repayment"]
    return ["record-repayment" if repayment.claimed_ore else "claim-repayment"]
