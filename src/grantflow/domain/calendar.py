"""Dates and instants: a Norwegian date lasts until midnight in Oslo, whatever the machine's clock is set to."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")

_MONTHS = (
    "januar", "februar", "mars", "april", "mai", "juni",
    "juli", "august", "september", "oktober", "november", "desember",
)  # fmt: skip


def start_of_day(day: date) -> datetime:
    """The first instant of `day` in Oslo, in UTC."""
    return datetime.combine(day, time(), OSLO).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """The first instant after `day` in Oslo, in UTC: what comes then or later is too late."""
    return start_of_day(day + timedelta(days=1))


def oslo_date(instant: datetime) -> date:
    """The date it is in Oslo at an instant."""
    return instant.astimezone(OSLO).date()


def in_words(day: date) -> str:
    """A date as Norwegians write it: `28. august 2023`."""
    return f"{day.day}. {_MONTHS[day.month - 1]} {day.year}"


def at_clock(instant: datetime) -> str:
    """An instant by the clock in Oslo, day first: `28.08.2023 23:59:59`."""
    return f"{instant.astimezone(OSLO):%d.%m.%Y %H:%M:%S}"
