"""What came of the year, read from the read models: the figures that people and machines are told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from grantflow.accesses import with_reads
from grantflow.domain.money import kroner
from grantflow.evidence.answers import Answered
from grantflow.history import gather
from grantflow.ledger.note import Checkpoint, Note
from grantflow.rooms import questions
from grantflow.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grantflow.app import App
    from grantflow.demo.cases import Case
    from grantflow.demo.stage import Stage
    from grantflow.projector import Projector

_MONEY = """
    SELECT coalesce(sum(granted_ore), 0)::bigint AS granted, coalesce(sum(paid_ore), 0)::bigint AS paid,
           coalesce(sum(repaid_ore), 0)::bigint AS repaid FROM payments
"""
_STATES = "SELECT state, count(*)::int AS cases FROM case_list GROUP BY state ORDER BY state"
_EVENTS = "SELECT topic, count(*)::int AS events FROM audit_trail GROUP BY topic ORDER BY topic"
_OVERDUE = "SELECT count(DISTINCT stream)::int AS cases FROM audit_trail WHERE topic = 'marked-overdue@1'"
_AREAS = """
    SELECT area, count(*)::int AS applications, coalesce(sum(granted_ore), 0)::bigint AS granted
    FROM case_list GROUP BY area ORDER BY area
"""


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """What the auditor found: how many rows each question has, how many of them are breaches, and the log's faults.

    `sealed` is how many events the ledger's checkpoint speaks of; `faults` what verifying everything found.
    """

    sealed: int
    faults: int
    rows: dict[str, int]
    breaches: dict[str, int]


class AreaSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One area of the second call: its part of the frame (null: none of its own), and what was granted of it."""

    frame: str | None
    granted_total: str
    applications: int


class AreasSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the call with areas, area by area. Amounts are decimal strings in kroner."""

    call: str
    frame: str
    by_area: dict[str, AreaSummary]
    by_state: dict[str, int]
    events: int
    events_by_type: dict[str, int]
    refusals: dict[str, int]
    overdue: int
    audit: Audited | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the year. Amounts are decimal strings in kroner; refusals are counted by code, and by rule."""

    call: str
    frame: str
    granted_total: str
    paid_total: str
    applications: int
    by_state: dict[str, int]
    events: int
    events_by_type: dict[str, int]
    refusals: dict[str, int]
    rules_refused: dict[str, int]
    overdue: int
    repaid_total: str
    audit: Audited | None = None
    second_call: AreasSummary | None = None
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
        by_state=_by_state(projector),
        events=stage.app.store.last_position(),
        events_by_type=_by_type(projector),
        refusals=_counted(refusal.code for refusal in stage.refusals),
        rules_refused=_counted(rule for refusal in stage.refusals for rule in refusal.rules),
        overdue=projector.rows(_OVERDUE)[0]["cases"],
        repaid_total=kroner(money["repaid"]),
    )


def areas_summary_of(stage: Stage) -> AreasSummary:
    """The figures of the call with areas, once every read model has seen every event."""
    projector, call = stage.app.projector, stage.call
    projector.catch_up()
    rows = {row["area"]: row for row in projector.rows(_AREAS)}
    by_area = {}
    for area in call.areas:
        part, row = call.sub_frame(area), rows.get(area, {"granted": 0, "applications": 0})
        by_area[area] = AreaSummary(
            frame=None if part is None else kroner(part),
            granted_total=kroner(row["granted"]),
            applications=row["applications"],
        )
    return AreasSummary(
        call=call.id,
        frame=kroner(call.frame),
        by_area=by_area,
        by_state=_by_state(projector),
        events=stage.app.store.last_position(),
        events_by_type=_by_type(projector),
        refusals=_counted(refusal.code for refusal in stage.refusals),
        overdue=projector.rows(_OVERDUE)[0]["cases"],
    )


def audited(app: App) -> Audited:
    """Seal the log, verify everything, and ask every question of the auditor's."""
    note = app.ledger.seal()
    verdict = Verification(app.store, app.projector).run()
    history = with_reads(app.store, gather(app.store.everything()))
    answers = [Answered(question, list(question.answer(history))) for question in questions()]
    return Audited(
        sealed=Checkpoint.read(Note.read(note).text).size,
        faults=len(verdict.faults),
        rows={answer.question.name: len(answer.rows) for answer in answers},
        breaches={answer.question.name: len(answer.breaches) for answer in answers if answer.breaches},
    )


def _by_state(projector: Projector) -> dict[str, int]:
    return {row["state"]: row["cases"] for row in projector.rows(_STATES)}


def _by_type(projector: Projector) -> dict[str, int]:
    return {row["topic"]: row["events"] for row in projector.rows(_EVENTS)}


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
