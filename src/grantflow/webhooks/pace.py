"""How fast, how often and how long it is tried: every threshold of the webhooks, declared once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

ANSWER_SECONDS = 10.0
"""How long a receiver may take for all of it: the name, the connection, TLS, and the head of its answer."""
LOCK_SECONDS = 20
"""How long PostgreSQL lets a sending keep its lock while nothing is heard of it: one that was stopped loses it."""
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(hours=1)
FACTOR = 3
JITTER = 0.2
"""A delay is this much shorter or longer, so that what failed together does not come back together."""
TRIED_FOR = timedelta(days=3)
"""How long an event is tried after its first attempt; then it is dead until somebody puts it back."""
PAUSED_AFTER = timedelta(days=2)
PAUSED_FAILURES = 10
"""A subscriber is paused when nothing has come through for so long, and so many attempts have failed in a row."""
RESTED_FAILURES, LONGEST_PAUSE = 3, timedelta(minutes=1)
"""From so many failures in a row on, one that gives no answer is left alone between attempts: for so long at most.

What is answered, be it with a no, costs little: then only the case that failed waits.
"""
SHORTEST_REST, LONGEST_REST = timedelta(seconds=1), timedelta(hours=1)
"""What is heeded of a Retry-After: no less, and no more."""
OLD_SECRET_FOR = timedelta(hours=24)
"""How long the old secret goes on signing beside the new one."""
KEPT_FOR = timedelta(days=30)
"""How long it is remembered that something was delivered."""
AT_ONCE = 32
"""Sendings under way at a time, each with a connection to the database that holds its lock."""
AT_ONCE_TO_ONE = 4
"""How many cases of one subscriber go at a time; one that fails gets one."""
AT_ONCE_TO_FAILING = AT_ONCE // 2
"""With so many under way, none is begun to one that failed the last time: there is always room for those who work."""
NAMES_AT_ONCE = 16
"""Names that are looked up at a time."""

_DIGITS = 9
_MOST_DOUBTS = 20
"""No delay grows after so many attempts: it has been at its longest for long."""


def delay(attempt: int, chance: float | None = None) -> timedelta:
    """How long to wait after the attempt of this number (1 is the first); `chance` (0 to 1) is drawn unless given."""
    drawn = random.random() if chance is None else chance  # noqa: S311 - no secret hangs on it
    longer: timedelta = FIRST_DELAY * FACTOR ** min(max(attempt, 1) - 1, _MOST_DOUBTS)
    return min(longer, LONGEST_DELAY) * (1 + JITTER * (2 * drawn - 1))


def next_attempt(attempt: int, first_at: datetime, now: datetime) -> datetime | None:
    """When to try again after this attempt failed: the last time just when TRIED_FOR is over; None when it is."""
    last = first_at + TRIED_FOR
    return None if now >= last else min(now + delay(attempt), last)


def rest(failures: int, now: datetime) -> datetime | None:
    """Until when one that gives no answer, and has failed so often in a row, is left alone; None where it isn't."""
    if failures < RESTED_FAILURES:
        return None
    return now + min(delay(failures - RESTED_FAILURES + 1), LONGEST_PAUSE)


def is_to_be_paused(failures: int, failing_since: datetime, now: datetime) -> bool:
    """Whether it has failed for so long that somebody has to look at it."""
    return failures >= PAUSED_FAILURES and now - failing_since >= PAUSED_AFTER


def retry_after(header: str, now: datetime) -> datetime | None:
    """Until when a receiver asks to be left alone, within bounds; None when it does not say so in a known form."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        wished = timedelta(seconds=min(int(text[:_DIGITS]), LONGEST_REST.total_seconds()))
    else:
        try:
            then = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        wished = then.replace(tzinfo=then.tzinfo or UTC) - now
    return now + min(max(wished, SHORTEST_REST), LONGEST_REST)
