"""A call's real cases decided anew under other rules: who would have ended where, with what. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from grantflow.domain.frame import Frame, fold_frame
from grantflow.rejudging.lookups import NOBODY, parts_of
from grantflow.whatif.again import Life, Why, live_again
from grantflow.whatif.ranking import granted, ranks, recommended, score, shares

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from grantflow.domain.call import Call
    from grantflow.domain.money import Ore
    from grantflow.history import History

__all__ = ["Change", "Outcome", "Why", "whatif"]

T = TypeVar("T")


class Change(NamedTuple, Generic[T]):
    """A value as it came to be, and as it would be now."""

    then: T
    now: T


@dataclass(frozen=True)
class Outcome:
    """One case, then and now. Amounts in øre; `rank` is by score, among those at the same stage in the same area.

    `granted` goes by the grants as they were decided. `by_rank` is what the frame would come to if it went down the
    ranking instead, to those who were recommended, the last one cut.
    """

    case: UUID
    number: str
    applicant: str
    area: str
    state: Change[str]
    score: Change[Decimal | None]
    rank: Change[int | None]
    granted: Change[Ore]
    by_rank: Change[Ore]
    why: Why | None

    @property
    def changed(self) -> bool:
        """Whether anything would be otherwise."""
        pairs = (self.state, self.score, self.rank, self.granted, self.by_rank)
        return any(then != now for then, now in pairs)


def whatif(history: History, call: Call) -> list[Outcome]:
    """What would have become of the cases of this call's id under this definition, with one frame for all of them.

    Everybody does again what they did, in the order of the log, on the content they had, and so does the clock. A step
    that is refused now is left out, and those after it are tried on the case as it then is. Nobody does anything new,
    but that a draft which can't be submitted any more lapses at its deadline. A grant takes its money when the real
    one did, so a smaller frame is spent on those who were granted first. A document is taken as it was, whatever may be
    attached now, and a move to a revision left out: there is this definition only.
    """
    lives = {case.id: Life(case) for case in history.cases if case.case.call == call.id}
    live_again(history, call, lives)
    then = {case: life.then.case for case, life in lives.items()}
    now = {case: life.case for case, life in lives.items()}
    frame = fold_frame(Frame(id=NOBODY), history.frames.get(call.id, ()))
    ranked = Change(ranks(then), ranks(now))
    shared = Change(
        shares(recommended(then, history.call_of), frame.limit_ore, frame.areas),
        shares(recommended(now, lambda _: call), call.frame, parts_of(call)),
    )
    return [
        Outcome(
            case=case,
            number=life.then.number,
            applicant=then[case].applicant.name,
            area=then[case].area,
            state=Change(then[case].state, now[case].state),
            score=Change(score(then[case]), score(now[case])),
            rank=Change(ranked.then.get(case), ranked.now.get(case)),
            granted=Change(granted(then[case]), granted(now[case])),
            by_rank=Change(shared.then.get(case, 0), shared.now.get(case, 0)),
            why=life.why,
        )
        for case, life in lives.items()
    ]
