"""Walks a process forwards, to see which states cases come to, which arrows they can take, and at which stages.

What a step needs is always that others have been taken, never that they have not. So of all the ways into a state only
those need to be followed on which the most has been taken: whatever can be done at all can be done there.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.guards import Taken
from grantflow.domain.process import BEGINNING
from grantflow.inspection.arrows import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grantflow.inspection.arrows import Arrow


class Reached(msgspec.Struct, frozen=True):
    """What cases can come to: states, arrows as (from, step), and (step, stage), where the first stage has no name.

    `most` has for each state the sets of what can have been taken there, without those that are part of another.
    """

    states: set[str]
    arrows: set[tuple[str, str]]
    stages: set[tuple[str, str]]
    most: dict[str, list[Taken]]
    situations: int

    def possible(self, state: str, taken: Taken) -> bool:
        """Whether some case in a state can have taken all of these."""
        return any(taken <= most for most in self.most.get(state, ()))


def reached(arrows: Iterable[Arrow]) -> Reached:
    """Everything that some case can come to from the beginning."""
    out_of: dict[str, list[Arrow]] = {}
    for arrow in arrows:
        out_of.setdefault(arrow.source, []).append(arrow)
    most: dict[tuple[str, str], list[Taken]] = {}
    found = Reached({BEGINNING}, set(), set(), {}, 0)
    waiting: list[tuple[int, int, str, str, Taken]] = [(0, 0, BEGINNING, "", NOTHING)]
    count = situations = 0
    while waiting:
        *_, state, stage, taken = heappop(waiting)
        known = most.setdefault((state, stage), [])
        if any(taken <= other for other in known):
            continue
        known[:] = [other for other in known if not other <= taken] + [taken]
        situations += 1
        for arrow in out_of.get(state, ()):
            if not arrow.open_to(taken):
                continue
            found.states.add(arrow.target)
            found.arrows.add((arrow.source, arrow.step))
            found.stages.add((arrow.step, stage))
            count += 1
            onward = arrow.after(taken)
            heappush(waiting, (-len(onward), count, arrow.target, arrow.opens or stage, onward))
    for (state, _), sets in most.items():
        found.most.setdefault(state, []).extend(sets)
    return msgspec.structs.replace(found, situations=situations)
