"""Walks every path of a process and proves the safety rules on it; a rule that breaks is told as its shortest story."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.guards import after, open_to
from grantflow.domain.process import BEGINNING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.process import Process
    from grantflow.inspection.source import Source

Taken = frozenset[str]

EDITS = ("edit", "attach", "detach")
PAYMENTS = ("attest-payment", "authorise-payment", "confirm-payment")
APART = (
    ("grant", "attest-payment"),
    ("grant", "authorise-payment"),
    ("attest-payment", "authorise-payment"),
    ("register-account", "grant"),
    ("register-account", "authorise-payment"),
    ("sign-accounts", "countersign-accounts"),
)
"""Who must be two people in one case (bestemmelser om økonomistyring 2.5.2.2, 3.7.3.3; R27)."""
_MARKS = frozenset(
    {"approve", "submit", "assess", "grant", "reject", "issue-letter", "register-account", *PAYMENTS,
     "submit-report", "sign-accounts", "countersign-accounts", "accept-report", "notify-repayment",
     "claim-repayment", "withdraw", "close", "request-information", "consult"}
)  # fmt: skip
"""The steps whose having been taken matters to a guard or a rule."""


class SafetyRule(msgspec.Struct, frozen=True):
    """What may never happen: told of a step about to be taken, in a case where others have been."""

    says: str
    broken: Callable[[str, Taken], bool]


RULES = (
    SafetyRule(
        "nothing is submitted without an approval of that content (R22)",
        lambda step, taken: step == "submit" and "approve" not in taken,
    ),
    SafetyRule(
        "nothing that was submitted is changed (R33)",
        lambda step, taken: step in EDITS and "submit" in taken,
    ),
    SafetyRule(
        "nothing is granted or rejected without an assessment",
        lambda step, taken: step in ("grant", "reject") and "assess" not in taken,
    ),
    SafetyRule(
        "nothing is assessed that was not submitted",
        lambda step, taken: step == "assess" and "submit" not in taken,
    ),
    SafetyRule(
        "nothing is decided twice",
        lambda step, taken: step in ("grant", "reject") and bool(taken & {"grant", "reject"}),
    ),
    SafetyRule(
        "nothing is paid without a grant and its letter",
        lambda step, taken: step in PAYMENTS and not {"grant", "issue-letter"} <= taken,
    ),
    SafetyRule(
        "nothing is paid twice",
        lambda step, taken: step == "confirm-payment" and "confirm-payment" in taken,
    ),
    SafetyRule(
        "nothing is withdrawn once it is decided",
        lambda step, taken: step == "withdraw" and bool(taken & {"grant", "reject"}),
    ),
    SafetyRule(
        "no case closes before its report is accepted",
        lambda step, taken: step == "close" and "accept-report" not in taken,
    ),
    SafetyRule(
        "nobody reports on money that was not paid",
        lambda step, taken: step == "submit-report" and "confirm-payment" not in taken,
    ),
)


def check_safety(source: Source, process: Process) -> None:
    """Add a finding for each safety rule that some path breaks, at the step that breaks it."""
    places = {table["id"]: where for where, table in source.tables("steps") if "id" in table}
    for rule, path in broken_rules(process):
        step = path[-1][1]
        source.add(places.get(step, ()), f"{rule.says}, but: {story(path)}")
    together = {frozenset(pair) for pair in APART if set(pair) <= set(process.steps)}
    apart = [set(declared.steps) for declared in process.apart]
    for pair in sorted(map(sorted, together)):
        if not any(set(pair) <= steps for steps in apart):
            message = f"one person could take both '{pair[0]}' and '{pair[1]}'; declare them under [[apart]]"
            source.add(("apart",), message)


Path = tuple[tuple[str, str, str], ...]
"""Arrows one after the other: (from, step, to)."""


def broken_rules(process: Process) -> Iterator[tuple[SafetyRule, Path]]:
    """Each rule that some path breaks, with the shortest such path."""
    open_rules = list(RULES)
    for path, taken in _walk(process):
        step = path[-1][1]
        for rule in [rule for rule in open_rules if rule.broken(step, taken)]:
            open_rules.remove(rule)
            yield rule, path


def story(path: Path) -> str:
    """A path as people read it: `new -start-> draft -submit-> submitted`."""
    return path[0][0] + "".join(f" -{step}-> {target}" for _, step, target in path if step)


def _walk(process: Process) -> Iterator[tuple[Path, Taken]]:
    """Every step that can be taken in every situation that can arise, shortest ways first: the path up to and with it.

    A situation is a state and what has been taken; the guards of the decisions close those paths that they refuse.
    """
    start: tuple[str, Taken] = (BEGINNING, frozenset())
    seen = {start}
    waiting: deque[tuple[str, Taken, Path]] = deque([(*start, ())])
    while waiting:
        state, taken, path = waiting.popleft()
        for step in process.steps_from(state):
            target = process.target(step, state)
            if target is None or not open_to(step, taken):
                continue
            onward = (*path, (state, step, target))
            yield onward, taken
            situation = (target, after(step, taken) & _MARKS)
            if situation not in seen:
                seen.add(situation)
                waiting.append((*situation, onward))
