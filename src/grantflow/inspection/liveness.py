"""What must be able to happen: every state is come to, every arrow taken, money paid, and every case ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.inspection.arrows import Path
from grantflow.inspection.backwards import Aim, Situation
from grantflow.inspection.safety import PAYMENTS, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.guards import Taken
    from grantflow.inspection.ways import Ways


class Life(msgspec.Struct, frozen=True):
    """Where cases can be stuck and by which way, whether money can be paid, and how many situations that took."""

    stuck: dict[str, Path]
    unpaid: bool
    situations: int


def life_of(ways: Ways) -> Life:
    """Looks for dead ends in everything that cases can come to."""
    enough, situations = ways.backwards.enough(sorted(ways.ends))
    stuck: dict[str, Path] = {}
    for state in ways.process.states:
        if state in ways.reached.states:
            nearest = ways.backwards.shortest(_stuck_in(state, enough.get(state, [])))
            situations += nearest.situations
            if nearest.path is not None:
                stuck[state] = nearest.path
    pays = bool(PAYMENTS & set(ways.process.steps))
    paid = any(step == "confirm-payment" for _, step in ways.reached.arrows)
    return Life(stuck, unpaid=pays and not paid, situations=ways.reached.situations + situations)


def _stuck_in(state: str, enough: list[Taken]) -> Iterator[Aim]:
    """The situations in a state from which no end is reached: something is missing of each set that would be enough."""
    for absent in without(enough):
        yield Aim(Situation(state, absent=absent))
