"""Every way there is through a process, ready to be asked about: forwards and backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.inspection.arrows import arrows_of
from grantflow.inspection.backwards import Backwards
from grantflow.inspection.forwards import reached

if TYPE_CHECKING:
    from grantflow.domain.process import Process


class Ways:
    """The arrows of a process, what cases can come to over them, and the search back from there."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.arrows = arrows_of(process)
        self.reached = reached(self.arrows)
        self.backwards = Backwards(self.arrows, self.reached)
        self.ends = frozenset(state.id for state in process.states.values() if state.final)
