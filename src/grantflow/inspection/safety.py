"""What may never happen to a case, proved of every path of a process; what breaks is told as its shortest story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.guards import Taken
from grantflow.inspection.arrows import NOTHING, Arrow, Path
from grantflow.inspection.backwards import Aim, Situation, before

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grantflow.inspection.ways import Ways

EDITS = frozenset({"edit", "attach", "detach"})
PAYMENTS = frozenset({"attest-payment", "authorise-payment", "confirm-payment"})
DECISIONS = frozenset({"grant", "reject", "dismiss"})


def _each(*steps: str) -> tuple[Taken, ...]:
    return tuple(frozenset({step}) for step in steps)


class SafetyRule(msgspec.Struct, frozen=True, kw_only=True):
    """What may never happen.

    None of `steps` is taken unless one of the alternatives in `needs` has been, and none once any of `never_after` has
    been: in cases where all of `once` has been. It holds for processes that have the step `where`.
    """

    says: str
    steps: Taken
    needs: tuple[Taken, ...] = ()
    never_after: Taken = NOTHING
    where: str = ""


class ArrivalRule(msgspec.Struct, frozen=True, kw_only=True):
    """What must have been taken before a case comes to a state: where it ends, or where money is paid.

    One of `needs` must have been, in cases where all of `once` has been.
    """

    says: str
    at_an_end: bool = False
    at_steps: Taken = NOTHING
    needs: tuple[Taken, ...]
    once: Taken = NOTHING


RULES: tuple[SafetyRule | ArrivalRule, ...] = (
    SafetyRule(
        says="nothing is submitted without an approval of that content (R22)",
        steps=frozenset({"submit"}),
        needs=_each("approve"),
    ),
    SafetyRule(
        says="nothing that was submitted is changed (R33)", steps=EDITS, never_after=frozenset({"submit"})
    ),
    SafetyRule(
        says="nothing is granted or rejected without an assessment",
        steps=frozenset({"grant", "reject"}),
        needs=_each("assess"),
    ),
    SafetyRule(
        says="nothing is assessed that was not submitted",
        steps=frozenset({"assess"}),
        needs=_each("submit"),
    ),
    SafetyRule(says="nothing is decided twice", steps=DECISIONS, never_after=DECISIONS),
    SafetyRule(
        says="nothing is paid without a grant and its letter",
        steps=PAYMENTS,
        needs=(frozenset({"grant", "issue-letter"}),),
    ),
    SafetyRule(says="nothing is paid twice", steps=PAYMENTS, never_after=frozenset({"confirm-payment"})),
    SafetyRule(
        says="no decision is reversed or made anew once all is paid",
        steps=DECISIONS | {"reverse"},
        never_after=frozenset({"confirm-payment"}),
    ),
    SafetyRule(
        says="nothing is withdrawn once it is decided", steps=frozenset({"withdraw"}), never_after=DECISIONS
    ),
    SafetyRule(
        says="no case closes before its report is accepted",
        steps=frozenset({"close"}),
        needs=_each("accept-report"),
        where="submit-report",
    ),
    SafetyRule(
        says="nobody reports on money that was not paid",
        steps=frozenset({"submit-report"}),
        needs=_each("confirm-payment"),
    ),
    SafetyRule(
        says="no report is accepted that was not signed twice (R27)",
        steps=frozenset({"accept-report"}),
        needs=_each("countersign-accounts"),
        where="countersign-accounts",
    ),
    ArrivalRule(
        says="no case comes to where money is paid without a grant", at_steps=PAYMENTS, needs=_each("grant")
    ),
    ArrivalRule(
        says="nothing that was submitted comes to an end undecided",
        at_an_end=True,
        needs=_each(*sorted(DECISIONS), "withdraw", "lapse"),
        once=frozenset({"submit"}),
    ),
)


class Proof(msgspec.Struct, frozen=True):
    """Of one rule: the shortest path that breaks it, or None where every path was ruled out, and what that took."""

    rule: SafetyRule | ArrivalRule
    path: Path | None
    situations: int


def proofs(ways: Ways) -> Iterator[Proof]:
    """Each rule, held against every path of the process."""
    for rule in RULES:
        found = ways.backwards.shortest(_breaches(rule, ways))
        yield Proof(rule, found.path, found.situations)


def _breaches(rule: SafetyRule | ArrivalRule, ways: Ways) -> Iterator[Aim]:
    """Every situation, with the arrow taken from there, that would break a rule."""
    if isinstance(rule, ArrivalRule):
        into = {arrow.source for arrow in ways.arrows if arrow.step in rule.at_steps}
        into |= ways.ends if rule.at_an_end else set()
        for arrow in ways.arrows:
            for absent in without(rule.needs) if arrow.target in into else ():
                for situation in before(arrow, Situation(arrow.target, rule.once, absent)):
                    yield Aim(situation, (arrow,))
    elif not rule.where or rule.where in ways.process.steps:
        for arrow in ways.arrows:
            if arrow.step in rule.steps:
                for taken, absent in _broken(rule):
                    yield from _aims(arrow, taken, absent)


def _broken(rule: SafetyRule) -> Iterator[tuple[Taken, Taken]]:
    """What must have been taken and what not for a rule to break."""
    for absent in without(rule.needs) if rule.needs else ():
        yield NOTHING, absent
    for step in sorted(rule.never_after):
        yield frozenset({step}), NOTHING


def _aims(arrow: Arrow, taken: Taken, absent: Taken) -> Iterator[Aim]:
    for needed in arrow.needs:
        if not (taken | needed) & absent:
            yield Aim(Situation(arrow.source, taken | needed, absent), (arrow,))


def without(alternatives: Iterable[Taken]) -> list[Taken]:
    """What may be missing so that none of the alternatives is there in full: the least of it, in each way."""
    ways: list[Taken] = [NOTHING]
    for one in alternatives:
        further = [way if way & one else way | {step} for way in ways for step in sorted(one)]
        ways = []
        for way in sorted(set(further), key=len):
            if not any(other <= way for other in ways):
                ways.append(way)
    return ways
