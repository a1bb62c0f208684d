"""Searches a process backwards: from what must not happen to what must have come before, as far as the beginning.

Going back over an arrow, what it adds is no longer asked for, and what it needs is. So a search only ever speaks of the
steps that matter to its question, however many others there are. Where no situation leads back to the beginning, the
question is answered with no, for every path there is.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.guards import Taken
from grantflow.domain.process import BEGINNING
from grantflow.inspection.arrows import NOTHING, Arrow, Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from grantflow.inspection.forwards import Reached

MOST = 2_000
"""How many situations are looked at for the shortest path, before one that is longer will do."""


class Situation(msgspec.Struct, frozen=True):
    """A case in a state, where at least these steps have been taken, and none of those that must be absent."""

    state: str
    taken: Taken = NOTHING
    absent: Taken = NOTHING

    def covers(self, other: Situation) -> bool:
        """Whether every case that fits the other fits this one (of the same state)."""
        return self.taken <= other.taken and self.absent <= other.absent


class Aim(msgspec.Struct, frozen=True):
    """What a search looks for: a situation, and the arrows that are taken from there on."""

    situation: Situation
    onward: Path = ()


class Found(msgspec.Struct, frozen=True):
    """What a search came to: the path into its aim, None where there is none, and how many situations it looked at."""

    path: Path | None
    situations: int


def before(arrow: Arrow, after: Situation) -> Iterator[Situation]:
    """The situations from which an arrow leads to one where `after` holds: one for each of its alternatives."""
    taken = after.taken - arrow.adds
    if arrow.adds & after.absent or taken & arrow.undoes:
        return
    absent = after.absent - arrow.undoes
    for needed in arrow.needs:
        if not (taken | needed) & absent:
            yield Situation(arrow.source, taken | needed, absent)


class Backwards:
    """The arrows of one process, ready to be searched from any aim."""

    def __init__(self, arrows: Sequence[Arrow], reached: Reached) -> None:
        self._reached = reached
        self._into: dict[str, list[Arrow]] = {}
        for arrow in arrows:
            self._into.setdefault(arrow.target, []).append(arrow)
        self._steps_left = _StepsLeft(arrows)

    def shortest(self, aims: Iterable[Aim]) -> Found:
        """The shortest path from the beginning to one of the aims.

        Whether there is any is settled first, and always. Should the shortest take too long to find, that one will do.
        """
        listed = list(aims)
        any_path = self._search(listed, shortest=False)
        if any_path.path is None:
            return any_path
        best = self._search(listed, shortest=True)
        looked_at = any_path.situations + best.situations
        return Found(best.path or any_path.path, looked_at)

    def _before(self, arrow: Arrow, after: Situation) -> Iterator[Situation]:
        """What is before an arrow, as far as some case can have taken that much there."""
        for situation in before(arrow, after):
            if self._reached.possible(situation.state, situation.taken):
                yield situation

    def _search(self, aims: Sequence[Aim], *, shortest: bool) -> Found:
        """Best first: the fewest steps in all, or merely the fewest steps that are still asked for."""
        waiting: list[tuple[int, int, int, Situation, Path]] = []
        for aim in aims:
            if not self._reached.possible(aim.situation.state, aim.situation.taken):
                continue
            heappush(waiting, self._ranked(aim.situation, aim.onward, len(waiting), shortest=shortest))
        seen: dict[str, list[tuple[Situation, int]]] = {}
        count, situations = len(waiting), 0
        while waiting and not (shortest and situations > MOST):
            *_, here, onward = heappop(waiting)
            if here.state == BEGINNING:
                if not here.taken:
                    return Found(onward, situations)
                continue
            known, length = seen.setdefault(here.state, []), len(onward)
            if any(other.covers(here) and (most <= length or not shortest) for other, most in known):
                continue
            known.append((here, length))
            situations += 1
            for arrow in self._into.get(here.state, ()):
                for earlier in self._before(arrow, here):
                    count += 1
                    heappush(waiting, self._ranked(earlier, (arrow, *onward), count, shortest=shortest))
        return Found(None, situations)

    def _ranked(
        self, here: Situation, onward: Path, count: int, *, shortest: bool
    ) -> tuple[int, int, int, Situation, Path]:
        asked = self._steps_left.asked(here)
        first = len(onward) + self._steps_left.at_least(here) if shortest else asked
        return first, asked, count, here, onward

    def enough(self, states: Iterable[str]) -> tuple[dict[str, list[Taken]], int]:
        """For each state, the least that must have been taken there for a case to come to one of `states` in the end.

        One of the sets must be covered; a state that isn't there leads to none. And how many situations that took.
        """
        waiting = [(0, number, Situation(state)) for number, state in enumerate(states)]
        count, situations = len(waiting), 0
        known: dict[str, list[Taken]] = {}
        while waiting:
            *_, here = heappop(waiting)
            least = known.setdefault(here.state, [])
            if any(other <= here.taken for other in least):
                continue
            least[:] = [other for other in least if not here.taken <= other] + [here.taken]
            situations += 1
            for arrow in self._into.get(here.state, ()):
                for earlier in self._before(arrow, here):
                    count += 1
                    heappush(waiting, (self._steps_left.asked(earlier), count, earlier))
        return known, situations


class _StepsLeft:
    """How many steps at least still lie between the beginning and a situation: never too many."""

    def __init__(self, arrows: Sequence[Arrow]) -> None:
        self._moves = [arrow for arrow in arrows if arrow.source != arrow.target]
        self._behind = {
            arrow.step: frozenset.intersection(*arrow.needs) if arrow.needs else NOTHING for arrow in arrows
        }
        self._all_behind: dict[Taken, Taken] = {}
        self._distances: dict[Taken, dict[str, int]] = {}
        self._weights = {step: len(self._with_all_behind(frozenset({step}))) for step in self._behind}

    def asked(self, here: Situation) -> int:
        """How much is still asked for: each step weighs as much as it has steps behind it, itself included."""
        return sum(self._weights.get(step, 1) for step in here.taken) + len(here.absent)

    def at_least(self, here: Situation) -> int:
        """Each step that is asked for, each one behind those, and the arrows of other steps that lead to the state."""
        steps = self._with_all_behind(here.taken)
        if steps not in self._distances:
            self._distances[steps] = self._ways(steps)
        return len(steps) + self._distances[steps].get(here.state, len(self._moves))

    def _with_all_behind(self, taken: Taken) -> Taken:
        if taken not in self._all_behind:
            steps, grown = NOTHING, taken
            while grown != steps:
                steps = grown
                grown = steps.union(*(self._behind.get(step, NOTHING) for step in steps))
            self._all_behind[taken] = steps
        return self._all_behind[taken]

    def _ways(self, counted: Taken) -> dict[str, int]:
        """The fewest arrows from the beginning to each state, not counting those of steps that are counted already."""
        distances = {BEGINNING: 0}
        changed = True
        while changed:
            changed = False
            for arrow in self._moves:
                if arrow.source in distances:
                    distance = distances[arrow.source] + (arrow.step not in counted)
                    if distance < distances.get(arrow.target, len(self._moves) + 1):
                        distances[arrow.target] = distance
                        changed = True
        return distances
