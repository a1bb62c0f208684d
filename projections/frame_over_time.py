"""How the frame was used: every commitment, in order, with what was left afterwards."""

from grantflow.domain.event import Entry
from grantflow.domain.frame import FrameAdjusted, FrameCommitted, FrameOpened, FrameReleased
from grantflow.projection import Pen, Projection, Table


def opened(pen: Pen, entry: Entry) -> None:
    """The whole frame is left."""
    if isinstance(entry.event, FrameOpened):
        _row(pen, entry, None, 0, 0, entry.event.limit_ore)


def committed(pen: Pen, entry: Entry) -> None:
    """A grant took its part."""
    event = entry.event
    if isinstance(event, FrameCommitted):
        _row(pen, entry, str(event.case), event.amount_ore, event.committed_ore, event.left_ore)


def released(pen: Pen, entry: Entry) -> None:
    """A reversal or reduction gave back."""
    event = entry.event
    if isinstance(event, FrameReleased):
        _row(pen, entry, str(event.case), -event.amount_ore, event.committed_ore, event.left_ore)


def adjusted(pen: Pen, entry: Entry) -> None:
    """A revision of the call changed what there is to grant."""
    event = entry.event
    if isinstance(event, FrameAdjusted):
        _row(pen, entry, None, event.limit_ore - event.previous_ore, event.committed_ore, event.left_ore)


def _row(pen: Pen, entry: Entry, case: str | None, *ore: int) -> None:
    amount, total, left = ore
    pen.add(
        "frame_over_time",
        position=entry.position,
        frame=entry.originator_id,
        at=entry.event.stamp.recorded_at,
        case_id=case,
        amount_ore=amount,
        committed_ore=total,
        left_ore=left,
    )


projection = Projection(
    name="frame_over_time",
    question="How much of the frame was committed, when, and to whom?",
    tables={
        "frame_over_time": Table(
            columns={
                "position": "bigint",
                "frame": "uuid NOT NULL",
                "at": "timestamptz NOT NULL",
                "case_id": "uuid",
                "amount_ore": "bigint NOT NULL",
                "committed_ore": "bigint NOT NULL",
                "left_ore": "bigint NOT NULL",
            },
            key=("position",),
            indexes=(("frame", "position"),),
        )
    },
    on={
        FrameOpened: opened,
        FrameCommitted: committed,
        FrameReleased: released,
        FrameAdjusted: adjusted,
    },
)
