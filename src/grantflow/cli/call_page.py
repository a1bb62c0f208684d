"""A call as people read it: money, areas, deadlines, rules, criteria, and what was settled and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.cli.output import console, plain_table, table_of
from grantflow.domain.calendar import clock
from grantflow.domain.money import kr

if TYPE_CHECKING:
    from grantflow.domain.announcement import Announcement
    from grantflow.domain.call import Call


def call_page(call: Call, announcement: Announcement) -> None:
    """Print all that matters about a published call."""
    out = console()
    out.print(call.names["nb"], style="bold")
    out.print(f"{call.id}, definition {call.digest[:12]}, frame {kr(call.frame)}")
    _areas(call)
    deadlines = plain_table("Deadlines", "deadline", "too late from", "for the steps", "binds", "what then")
    for deadline in call.deadlines.values():
        steps = ", ".join(deadline.steps)
        deadlines.add_row(deadline.id, clock(deadline.limit), steps, deadline.binds, deadline.passed)
    out.print(deadlines)
    rules = plain_table("Rules", "rule", "id", "source", "says")
    for rule in call.rules:
        where = f" ({', '.join((*rule.areas, *rule.stages))})" if rule.areas or rule.stages else ""
        rules.add_row(rule.rule, rule.id, rule.source, rule.message["nb"] + where)
    out.print(rules)
    criteria = plain_table("Criteria", "criterion", "weight", "points")
    for criterion in call.criteria:
        where = ", ".join((*criterion.areas, *criterion.stages))
        criteria.add_row(
            criterion.name["nb"] + (f" ({where})" if where else ""),
            f"{criterion.weight} %",
            f"{criterion.minimum}-{criterion.maximum}",
        )
    out.print(criteria)
    settled = [{"question": a.question, "settled": a.settled} for a in call.assumptions]
    for title, of in (("Settled ambiguities", settled), ("Questions and answers", _answers(announcement))):
        if of:
            out.print(table_of(of, title))


def _areas(call: Call) -> None:
    if not call.areas:
        return
    areas = plain_table("Areas", "area", "who may apply", "its part of the frame")
    for area in call.areas.values():
        part = call.sub_frame(area.id)
        areas.add_row(
            f"{area.name['nb']} ({area.id})",
            ", ".join(area.applicants),
            "the rest" if part is None else kr(part),
        )
    console().print(areas)


def _answers(announcement: Announcement) -> list[dict[str, str]]:
    return [{"question": a.question, "answer": a.answer} for a in announcement.answers]
