"""What each step's own decision insists on, whatever process a call declares: the steps that must have been taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grantflow.domain.process import Step

Taken = frozenset[str]
"""The steps that count as taken in a case: those that no later step has undone."""

_DECIDED = (frozenset({"grant"}), frozenset({"reject"}), frozenset({"dismiss"}))

GUARDS: dict[str, tuple[Taken, ...]] = {
    "submit": (frozenset({"approve"}),),
    "supply": (frozenset({"request-information"}),),
    "record-statement": (frozenset({"consult"}),),
    "issue-letter": (*_DECIDED, frozenset({"reverse"})),
    "accept-condition": (frozenset({"grant"}),),
    "waive-condition": (frozenset({"grant"}),),
    "notify-reversal": _DECIDED,
    "reverse": _DECIDED,
    "reduce": (frozenset({"grant"}),),
    "register-complaint": (*_DECIDED, frozenset({"reverse"})),
    "answer-complaint": (frozenset({"register-complaint"}),),
    "answer-notice": (frozenset({"notify-reversal"}), frozenset({"notify-repayment"})),
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

_CONTENT = frozenset({"approve"})
_TOLD = frozenset({"issue-letter"})
_SIGNED = frozenset({"sign-accounts", "countersign-accounts"})

VOIDS: dict[str, Taken] = {
    "edit": _CONTENT,
    "attach": _CONTENT,
    "detach": _CONTENT,
    "move-to-revision": _CONTENT,
    "grant": _TOLD,
    "reject": _TOLD,
    "dismiss": _TOLD,
    "reverse": frozenset(
        {"grant", "reject", "dismiss", "issue-letter", "attest-payment", "authorise-payment"}
    ),
    "reduce": frozenset({"issue-letter", "attest-payment", "authorise-payment"}),
    "submit-report": _SIGNED,
    "return-report": _SIGNED,
}
"""By step, what it undoes: a change after approval voids it (R22); a decision that is reversed is none (fvl § 35),
and each decision needs its own letter (fvl § 27)."""

OPENING_VOIDS = frozenset({"approve", "submit", "assess", "score"})
"""What a step undoes that opens a stage: the application is filled in, approved, submitted and assessed anew."""

IN_PARTS: dict[str, Taken] = {"confirm-payment": frozenset({"attest-payment", "authorise-payment"})}
"""By step that may be taken in parts: what the next part needs anew. Until the last, the case stays where it is."""


def needs(step: Step) -> tuple[Taken, ...]:
    """The alternatives of a step, with what the process declares it to come after: one of them must have been taken."""
    return tuple(one | set(step.after) for one in GUARDS.get(step.id, (frozenset(),)))


def undoes(step: Step, steps: Iterable[Step] = ()) -> Taken:
    """What a step undoes, in a process of these steps.

    A step that voids an approval has changed the content, so the declared steps that were taken on it fall as well.
    """
    undone = VOIDS.get(step.id, frozenset())
    if undone & _CONTENT:
        undone |= {other.id for other in steps if other.form}
    return undone | OPENING_VOIDS if step.opens else undone


def open_to(step: Step, taken: Taken) -> bool:
    """Whether a step's own decision could say yes in a case where these steps have been taken."""
    return any(one <= taken for one in needs(step))


def after(step: Step, taken: Taken, steps: Iterable[Step] = ()) -> Taken:
    """What counts as taken once `step` is, in a process of these steps."""
    return (taken - undoes(step, steps)) | {step.id}


def after_a_part(step: Step, taken: Taken) -> Taken | None:
    """What counts as taken once a part of `step` is, and not yet the last; None for a step that has no parts."""
    needed_anew = IN_PARTS.get(step.id)
    return None if needed_anew is None else taken - needed_anew
