"""Walks the process of a call in each of its areas, and adds a finding for whatever goes wrong on some path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.guards import needs
from grantflow.inspection.arrows import story
from grantflow.inspection.liveness import Life, life_of
from grantflow.inspection.safety import PAYMENTS, proofs
from grantflow.inspection.ways import Ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.process import Process
    from grantflow.inspection.forwards import Reached
    from grantflow.inspection.outline import Outline

APART = (
    ("grant", "attest-payment"),
    ("grant", "authorise-payment"),
    ("grant", "confirm-payment"),
    ("attest-payment", "authorise-payment"),
    ("register-account", "grant"),
    ("register-account", "authorise-payment"),
    ("sign-accounts", "countersign-accounts"),
)
"""Who must be two people in one case (bestemmelser om økonomistyring 2.5.2.2, 3.7.3.3; R27)."""


class Variant(msgspec.Struct, frozen=True):
    """The process as it is in an area; empty where it is the same in all."""

    area: str
    ways: Ways

    @property
    def there(self) -> str:
        """` in the area 'x'`, where that has to be said."""
        return f" in the area '{self.area}'" if self.area else ""


def check_walks(outline: Outline, process: Process, areas: Sequence[str]) -> dict[str, set[str]]:
    """Prove the safety rules and look for dead ends, in each area. Gives the stages at which each step can be taken.

    The first stage has no name there.
    """
    variants = _variants(process, areas)
    for variant in variants:
        _safe(outline, variant)
        _ends(outline, variant, life_of(variant.ways))
    _reached(outline, process, [variant.ways.reached for variant in variants])
    _apart(outline, variants)
    stages: dict[str, set[str]] = {step: set() for step in process.steps}
    for variant in variants:
        for step, stage in variant.ways.reached.stages:
            stages[step].add(stage)
    return stages


def _variants(process: Process, areas: Sequence[str]) -> list[Variant]:
    different: dict[str, Process] = {}
    for area in areas:
        within = process.within(area)
        if all(within.declared != other.declared for other in different.values()):
            different[area] = within
    if len(different) <= 1:
        different = {"": next(iter(different.values()), process)}
    return [Variant(area, Ways(within)) for area, within in different.items()]


def _safe(outline: Outline, variant: Variant) -> None:
    for proof in proofs(variant.ways):
        if proof.path:
            where = outline.places[proof.path[-1].step]
            outline.source.add(where, f"{proof.rule.says}, but{variant.there}: {story(proof.path)}")


def _ends(outline: Outline, variant: Variant, life: Life) -> None:
    for state, path in life.stuck.items():
        outline.source.add(
            ("states", outline.states.index(state), "id"),
            f"no way leads from '{state}' to an end{variant.there}: a case would be stuck there, after {story(path)}",
        )
    if life.unpaid:
        step = next(step for step in variant.ways.process.steps if step in PAYMENTS)
        outline.source.add(
            outline.places[step],
            f"nothing can ever be paid{variant.there}: no path leads as far as 'confirm-payment'",
        )


def _reached(outline: Outline, process: Process, everywhere: Sequence[Reached]) -> None:
    states = set[str]().union(*(reached.states for reached in everywhere))
    taken = set[tuple[str, str]]().union(*(reached.arrows for reached in everywhere))
    led_to = {target for source, _, target in process.arrows if source != target}
    for number, state in enumerate(outline.states):
        if state not in states:
            why = "no case can come to" if state in led_to else "nothing leads to"
            outline.source.add(("states", number, "id"), f"{why} the state '{state}'")
    for source, step, _ in process.arrows:
        if source in states and (source, step) not in taken:
            asked = " or ".join(
                " and ".join(f"'{one}'" for one in sorted(needed)) for needed in needs(process.steps[step])
            )
            outline.source.add(
                (*outline.places[step], "moves", source),
                f"'{step}' can never be taken from '{source}': what it needs never holds there ({asked})",
            )


def _apart(outline: Outline, variants: Sequence[Variant]) -> None:
    """Each pair that must be two people is declared apart, if any case can meet both."""
    apart = [set(declared.steps) for declared in variants[0].ways.process.apart]
    for pair in APART:
        together = any(set(pair) <= set(variant.ways.process.steps) for variant in variants)
        if together and not any(set(pair) <= steps for steps in apart):
            message = f"one person could take both '{pair[0]}' and '{pair[1]}'; declare them under [[apart]]"
            outline.source.add(("apart",), message)
