"""Dates and instants: a Norwegian date lasts until midnight in Oslo, whatever the machine's clock is set to."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")


def start_of_day(day: date) -> datetime:
    """The first instant of `day` in Oslo, in UTC."""
    return datetime.combine(day, time(), OSLO).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """The first instant after `day` in Oslo, in UTC: what comes then or later is too late."""
    return start_of_day(day + timedelta(days=1))


def days_later(instant: datetime, days: int) -> datetime:
    """The same time by the clock in Oslo so many days later, in UTC."""
    local = instant.astimezone(OSLO).replace(tzinfo=None) + timedelta(days=days)
    return local.replace(tzinfo=OSLO).astimezone(UTC)


def oslo_date(instant: datetime) -> date:
    """The date it is in Oslo at an instant."""
    return instant.astimezone(OSLO).date()


def clock(instant: datetime) -> str:
    """An instant by the clock in Oslo: `28.08.2023 23.59`, with seconds and milliseconds only where there are some."""
    local = instant.astimezone(OSLO)
    seconds = f"{local:.%S}" if local.second or local.microsecond else ""
    parts = f",{local.microsecond // 1000:03d}" if local.microsecond else ""
    return f"{local:%d.%m.%Y %H.%M}{seconds}{parts}"


def day(instant: datetime) -> str:
    """The date it is in Oslo at an instant: `28.08.2023`."""
    return f"{instant.astimezone(OSLO):%d.%m.%Y}"
