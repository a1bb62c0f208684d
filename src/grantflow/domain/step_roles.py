"""Which roles may take each of the engine's steps, whatever process a call declares."""

from __future__ import annotations

from grantflow.domain.roles import DIRECTORATE, MUNICIPAL

_CLOCK = frozenset({"clock"})
_DECIDER = frozenset({"decider"})
_HANDLING = frozenset({"case-officer", "decider"})
_JUDGING = frozenset({"case-officer", "assessor", "decider"})
_IN_CHARGE = frozenset({"case-officer", "decider", "call-manager"})

ROLES_OF: dict[str, frozenset[str]] = {
    "start": MUNICIPAL,
    "edit": MUNICIPAL,
    "attach": MUNICIPAL,
    "detach": MUNICIPAL,
    "approve": frozenset({"director"}),
    "submit": MUNICIPAL,
    "withdraw": MUNICIPAL,
    "lapse": _CLOCK,
    "remind": _CLOCK,
    "mark-overdue": _CLOCK,
    "follow-up": _CLOCK,
    "extend-deadline": _IN_CHARGE,
    "declare-impartiality": DIRECTORATE - {"clock", "integration"},
    "assign": _IN_CHARGE,
    "request-information": _JUDGING,
    "supply": MUNICIPAL,
    "consult": _JUDGING,
    "record-statement": _JUDGING,
    "score": _JUDGING,
    "assess": _JUDGING,
    "assess-state-aid": _JUDGING,
    "grant": _DECIDER,
    "reject": _DECIDER,
    "dismiss": _DECIDER,
    "issue-letter": _DECIDER,
    "notify-reversal": _HANDLING,
    "answer-notice": MUNICIPAL,
    "reverse": _DECIDER,
    "reduce": _DECIDER,
    "register-complaint": MUNICIPAL | _HANDLING,
    "answer-complaint": _DECIDER,
    "accept-condition": _HANDLING,
    "waive-condition": _DECIDER,
    "register-account": frozenset({"case-officer"}),
    "record-exemption": MUNICIPAL | _HANDLING,
    "attest-payment": frozenset({"attestant"}),
    "authorise-payment": frozenset({"payer"}),
    "confirm-payment": frozenset({"payer", "integration"}),
    "submit-report": MUNICIPAL,
    "sign-accounts": MUNICIPAL,
    "countersign-accounts": MUNICIPAL,
    "return-report": _HANDLING,
    "accept-report": _HANDLING,
    "notify-repayment": _HANDLING,
    "claim-repayment": _DECIDER,
    "record-repayment": frozenset({"payer", "case-officer", "integration"}),
    "correct": _HANDLING,
    "move-to-revision": frozenset({"call-manager"}),
    "close": _CLOCK,
}
"""By step. A step of the call's own is open to every role but the clock's: what it records, somebody has filled in."""


def roles_of(step: str) -> frozenset[str]:
    """The roles that may take a step, one of the engine's or one of a call's own."""
    return ROLES_OF.get(step, (MUNICIPAL | DIRECTORATE) - _CLOCK)
