"""A process as a search walks it: each arrow with what must have been taken before it, and what it adds and undoes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.guards import IN_PARTS, Taken, needs, undoes

if TYPE_CHECKING:
    from grantflow.domain.process import Process

NOTHING: Taken = frozenset()


class Arrow(msgspec.Struct, frozen=True, eq=False):
    """A step from one state to another, once one of `needs` is taken: `undoes` no longer is then, and `adds` is."""

    source: str
    step: str
    target: str
    needs: tuple[Taken, ...]
    undoes: Taken
    adds: Taken
    opens: str = ""

    def open_to(self, taken: Taken) -> bool:
        """Whether it can be taken in a case where these steps have been."""
        return any(one <= taken for one in self.needs)

    def after(self, taken: Taken) -> Taken:
        """What counts as taken once it is."""
        return (taken - self.undoes) | self.adds


Path = tuple[Arrow, ...]
"""Arrows one after the other."""


def arrows_of(process: Process) -> tuple[Arrow, ...]:
    """Every arrow of a process, in declared order. A step in parts leads on with the last, and stays until then."""
    steps = process.steps.values()
    arrows = []
    for step in steps:
        alternatives, undone = needs(step), undoes(step, steps)
        for source, target in step.moves.items():
            whole = frozenset({step.id})
            arrows.append(Arrow(source, step.id, target, alternatives, undone, whole, step.opens))
            if step.id in IN_PARTS:
                arrows.append(Arrow(source, step.id, source, alternatives, IN_PARTS[step.id], NOTHING))
    return tuple(arrows)


def story(path: Path) -> str:
    """A path as people read it: `new -start-> draft -submit-> submitted`."""
    return path[0].source + "".join(f" -{arrow.step}-> {arrow.target}" for arrow in path) if path else ""
