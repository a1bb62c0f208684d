"""What came of the year, read from the read models: the figures that people and machines are told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.money import kroner

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.stage import Stage

_MONEY = """
    SELECT coalesce(sum(granted_ore), 0)::bigint AS granted, coalesce(sum(paid_ore), 0)::bigint AS paid,
           coalesce(sum(repaid_ore), 0)::bigint AS repaid FROM payments
"""
_STATES = "SELECT state, count(*)::int AS cases FROM case_list GROUP BY state ORDER BY state"
_OVERDUE = "SELECT count(DISTINCT stream)::int AS cases FROM audit_trail WHERE topic = 'marked-overdue@1'"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the year. Amounts are decimal strings in kroner; refusals are counted by code, and by rule."""

    call: str
    frame: str
    granted_total: str
    paid_total: str
    applications: int
    by_state: dict[str, int]
    events: int
    refusals: dict[str, int]
    rules_refused: dict[str, int]
    overdue: int
    repaid_total: str
    database: str = ""


def summary_of(stage: Stage, cases: Sequence[Case]) -> Summary:
    """The figures as they stand, once every read model has seen every event."""
    projector = stage.app.projector
    projector.catch_up()
    money = projector.rows(_MONEY)[0]
    return Summary(
        call=stage.call.id,
        frame=kroner(stage.call.frame),
        granted_total=kroner(money["granted"]),
        paid_total=kroner(money["paid"]),
        applications=len(cases),
        by_state={row["state"]: row["cases"] for row in projector.rows(_STATES)},
        events=stage.app.store.last_position(),
        refusals=_counted(refusal.code for refusal in stage.refusals),
        rules_refused=_counted(rule for refusal in stage.refusals for rule in refusal.rules),
        overdue=projector.rows(_OVERDUE)[0]["cases"],
        repaid_total=kroner(money["repaid"]),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
