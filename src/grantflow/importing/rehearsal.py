"""What would come of commands that are not stored: each is decided on what would have come of those before it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal, TypeAlias

from grantflow.domain.errors import Refused
from grantflow.domain.frame import fold_frame
from grantflow.states import case_stream, frame_stream
from grantflow.store import KeyReused, Unavailable

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.service import Proposal, Request, Service

What: TypeAlias = Literal["done", "repeated", "refused", "untold"]
"""What became of a line, or would become of it; `untold` where that can't be known."""

KEYS = 20_000
"""So many keys are remembered; a line that has the key of one longer ago is taken for new."""
_MARKS = 1 << 26
"""So many marks for cases, a bit each. Two cases that share one make the dry run say less, and nothing wrong."""


class Rehearsal:
    """Decides without storing. It remembers as many cases as the service does, and tells nothing of those it forgot.

    `service` is its own: what would have happened is put among the states that it remembers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._keys: OrderedDict[str, bytes] = OrderedDict()
        self._marks = bytearray(_MARKS // 8)
        self.begun = False
        """Whether any case would have begun: what its number would be, nobody knows."""

    def answer(self, request: Request) -> What | Refused:
        """`done`, `repeated`, or `untold` where it can't be known; or the refusal."""
        cases = self._service.states.cases
        if request.key in self._keys:
            return "repeated" if self._keys[request.key] == request.body else KeyReused()
        case = request.case or case_stream(request.key)
        if self._marked(case) and (request.case is None or cases.get(case) is None):
            return "untold"
        try:
            proposal = self._service.propose(request, keep=False)
        except Unavailable:
            raise
        except Refused as refusal:
            return refusal
        cases.put(case, proposal.after)
        self._spend(proposal)
        self._mark(case)
        self._keys[request.key] = proposal.append.body
        if len(self._keys) > KEYS:
            self._keys.popitem(last=False)
        self.begun = self.begun or request.case is None
        return "done"

    def _spend(self, proposal: Proposal) -> None:
        states, call = self._service.states, proposal.after.call
        spent = [entry for entry in proposal.append.entries if entry.originator_id == frame_stream(call)]
        if spent:
            states.frames.put(frame_stream(call), fold_frame(states.frame(call), spent))

    def _marked(self, case: UUID) -> bool:
        byte, bit = divmod(case.int % _MARKS, 8)
        return bool(self._marks[byte] & (1 << bit))

    def _mark(self, case: UUID) -> None:
        byte, bit = divmod(case.int % _MARKS, 8)
        self._marks[byte] |= 1 << bit
