"""What can be wrong with the deadlines: steps and states that aren't there, a clock with nothing to do, odd orders."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from grantflow.domain.command import WHEN_PASSED
from grantflow.inspection.tables import check_known, quoted, text, texts

if TYPE_CHECKING:
    from grantflow.inspection.outline import Outline
    from grantflow.inspection.source import Source, Where

Table = dict[str, Any]

_REPORTING = {"submit-report", "countersign-accounts"}
_NOTICES = {"reminders_days_before": "remind", "follow_ups_days_after": "follow-up"}


def check_deadlines(source: Source, process: Outline | None) -> None:
    """Check each deadline by itself, beside the process, and the order of those that applications and reports have."""
    for where, deadline in source.tables("deadlines"):
        _days(source, where, deadline)
        if process is not None:
            check_known(source, where, deadline, "steps", process.steps, "the process has no step")
            check_known(source, where, deadline, "states", process.states, "the process has no state")
            _clock(source, where, deadline, process)
    _order(source)


def _days(source: Source, where: Where, deadline: Table) -> None:
    for key in _NOTICES:
        days = deadline.get(key)
        numbers = [day for day in days if isinstance(day, int)] if isinstance(days, list) else []
        if any(day <= 0 for day in numbers) or len(set(numbers)) < len(numbers):
            source.add((*where, key), f"'{key}' must be different whole numbers of days above zero")
    if deadline.get("passed") == "lapse" and deadline.get("follow_ups_days_after"):
        source.add((*where, "follow_ups_days_after"), "nothing is followed up in a case that has lapsed")
    if deadline.get("steps") == []:
        source.add((*where, "steps"), f"the deadline '{text(deadline, 'id')}' bounds no step")
    day, year = deadline.get("date"), source.value.get("year")
    if isinstance(day, date) and isinstance(year, int) and abs(day.year - year) > 1:
        source.add((*where, "date"), f"{day} is far from the grant year {year}")


def _clock(source: Source, where: Where, deadline: Table, process: Outline) -> None:
    """The steps that the clock takes are in the process, and lead out of the states where a case waits."""
    passed, name = text(deadline, "passed"), text(deadline, "id")
    step = WHEN_PASSED.get(passed, "")
    if step and step not in process.steps:
        source.add((*where, "passed"), f"'{passed}' needs the step '{step}', and the process has none")
    elif step:
        for number, state in enumerate(texts(deadline, "states")):
            if state in process.states and state not in process.moves(step):
                source.add(
                    (*where, "states", number),
                    f"'{step}' does not lead out of '{state}', so '{name}' never passes there",
                )
    for key, notice in _NOTICES.items():
        if deadline.get(key) and notice not in process.steps:
            source.add((*where, key), f"'{key}' needs the step '{notice}', and the process has none")
        elif deadline.get(key):
            deaf = [
                state for state in _noticed(notice, deadline, process) if state not in process.moves(notice)
            ]
            if deaf:
                message = f"'{notice}' is not possible in {quoted(deaf)}, where cases wait for '{name}'"
                source.add((*where, key), f"{message}: nothing would ever be sent there")


def _noticed(notice: str, deadline: Table, process: Outline) -> list[str]:
    """The states in which a case must be told of a deadline: where it waits, or is once it was marked overdue."""
    passing = process.moves(WHEN_PASSED.get(text(deadline, "passed"), ""))
    waits = [state for state in texts(deadline, "states") or passing if state in process.open_states]
    return (
        list(dict.fromkeys(passing.get(state, state) for state in waits)) if notice == "follow-up" else waits
    )


def _order(source: Source) -> None:
    """No report is due before the applications are."""
    applying = [one for _, one in source.tables("deadlines") if "submit" in texts(one, "steps")]
    for where, report in source.tables("deadlines"):
        for application in applying if _REPORTING & set(texts(report, "steps")) else ():
            before, after = _instant(report), _instant(application)
            if before and after and before < after and _meet(report, application):
                message = f"'{text(report, 'id')}' is due before '{text(application, 'id')}'"
                source.add((*where, "date"), f"{message}: a report before the application")


def _instant(deadline: Table) -> datetime | None:
    day, hour = deadline.get("date"), deadline.get("time")
    if not isinstance(day, date) or isinstance(day, datetime):
        return None
    return datetime.combine(day, hour if isinstance(hour, time) else time.max).replace(tzinfo=None)


def _meet(one: Table, other: Table) -> bool:
    """Whether both can hold for one application: in some area that they share."""
    areas, others = set(texts(one, "areas")), set(texts(other, "areas"))
    return not areas or not others or bool(areas & others)
