"""What each step's own decision insists on, whatever process a call declares: the steps that must have been taken."""

from __future__ import annotations

GUARDS: dict[str, tuple[frozenset[str], ...]] = {
    "submit": (frozenset({"approve"}),),
    "supply": (frozenset({"request-information"}),),
    "record-statement": (frozenset({"consult"}),),
    "issue-letter": (frozenset({"grant"}), frozenset({"reject"})),
    "attest-payment": (frozenset({"grant", "issue-letter", "register-account"}),),
    "authorise-payment": (frozenset({"attest-payment"}),),
    "confirm-payment": (frozenset({"authorise-payment"}),),
    "sign-accounts": (frozenset({"submit-report"}),),
    "countersign-accounts": (frozenset({"sign-accounts"}),),
    "accept-report": (frozenset({"grant", "submit-report"}),),
    "notify-repayment": (frozenset({"accept-report"}),),
    "claim-repayment": (frozenset({"notify-repayment"}),),
    "record-repayment": (frozenset({"claim-repayment"}),),
    "close": (frozenset({"accept-report"}),),
}
"""By step, the alternatives: one of these sets must have been taken before. A test keeps this true of the decisions."""

VOIDS: dict[str, frozenset[str]] = {
    "edit": frozenset({"approve"}),
    "attach": frozenset({"approve"}),
    "detach": frozenset({"approve"}),
}
"""By step, what it undoes: a change after approval voids it (R22)."""


def open_to(step: str, taken: frozenset[str]) -> bool:
    """Whether a step's own decision could say yes in a case where these steps have been taken."""
    return step not in GUARDS or any(needed <= taken for needed in GUARDS[step])


def after(step: str, taken: frozenset[str]) -> frozenset[str]:
    """What counts as taken once `step` is."""
    return (taken - VOIDS.get(step, frozenset())) | {step}
