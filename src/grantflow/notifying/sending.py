"""Sends the mails that wait: several at a time, so that none holds up another, and tells what became of each."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

import structlog

from grantflow.domain.notice import NoticeFailed, NoticeSent
from grantflow.domain.noticing import stamp
from grantflow.notifying.mail import mail, message_id
from grantflow.notifying.smtp import LostError, NotTakenError, UnreachableError
from grantflow.turns import going_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from grantflow.domain.event import Stamp
    from grantflow.domain.notice import Notice, NoticeEvent
    from grantflow.notifying.keeping import Keeping
    from grantflow.notifying.smtp import Mailer, Session
    from grantflow.notifying.tables import Tables, Waiting
    from grantflow.states import States

log = structlog.get_logger(__name__)

AT_ONCE = 4
_BEAT_SECONDS = 0.5
MOST = 500
"""The most notices that one turn looks at."""
GIVE_UP = timedelta(days=3)
"""How long a mail is tried, from the first time that it was not taken over."""
PAUSES = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, 180, 480, 1_440))
"""How long to wait after each attempt; the last of them from then on."""
_LONGEST_REST = 3
"""The server is left alone for no longer than after so many attempts: new mails wait for it as well."""
NO_ADDRESS = timedelta(minutes=10)
"""How soon it is looked again for an address; a new one is noticed at once."""


class Parcel(NamedTuple):
    """The notices that go in one mail, to one mailbox."""

    address: str
    waiting: Sequence[Waiting]
    notices: Sequence[Notice]


class Sending:
    """Sends what waits in the outbox. `alive` says whether we are still the one who sends."""

    def __init__(self, states: States, tables: Tables, keeping: Keeping, mailer: Mailer) -> None:
        self._states, self._tables, self._keeping, self._mailer = states, tables, keeping, mailer
        self._rests_until: datetime | None = None
        self._in_vain = 0

    def send(self, now: datetime, alive: Callable[[], bool]) -> int:
        """Try what can be tried now; how many mails were handed over. While the server can't be reached, it rests."""
        if self._rests_until is not None and now < self._rests_until:
            return 0
        parcels = list(self._parcels(self._tables.due(now, MOST), now))
        if not parcels:
            return 0
        gone = Event()
        share = [parcels[n::AT_ONCE] for n in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE, "grantflow-mail") as threads:
            try:
                sent = _all([threads.submit(self._each, some, now, gone, alive) for some in share])
            except BaseException:
                gone.set()  # no further mail is begun
                raise
        self._in_vain = self._in_vain + 1 if gone.is_set() and not sent else 0
        self._rests_until = (
            now + _pause(min(self._in_vain, _LONGEST_REST), "server") if self._in_vain else None
        )
        return sent

    @property
    def rests_until(self) -> datetime | None:
        """Until when the server is left alone, because it could not be reached."""
        return self._rests_until

    def _parcels(self, due: Sequence[Waiting], now: datetime) -> Iterator[Parcel]:
        """What can be sent, put together: a day's digest, or the same notice to several roles with one mailbox."""
        gathered: dict[tuple[str, ...], list[Waiting]] = {}
        addressless, expired = [], []
        for one in due:
            if now >= one.expires_at:
                expired.append(one)
                continue
            contacts = self._states.contacts(one.organisation)
            address = contacts.address(one.organisation, one.role, one.authority)
            if not address:
                addressless.append(one.notice)
                continue
            about = (one.send_at.isoformat(),) if one.gathered else (str(one.case_id), one.rule, one.about)
            key = (address, one.organisation, one.language, one.gathered, str(one.round), *about)
            gathered.setdefault(key, []).append(one)
        self._keeping.keep([self._given_up(one, now, _out_of_date(one)) for one in expired])
        self._tables.postpone(addressless, now + NO_ADDRESS)
        for key, together in gathered.items():
            together.sort(key=lambda one: (one.send_at, str(one.notice)))
            notices = [self._states.notices(one.case_id).notices[one.notice] for one in together]
            if all(notice.waits for notice in notices):
                yield Parcel(key[0], together, notices)

    def _each(self, parcels: Sequence[Parcel], now: datetime, gone: Event, alive: Callable[[], bool]) -> int:
        """Send some, one after another on one connection; how many were handed over."""
        sent = 0
        with self._mailer.session() as session:
            for parcel in parcels:
                if gone.is_set() or not alive():
                    break
                events, reached = self._tried(session, parcel, now)
                if not reached:
                    gone.set()
                sent += isinstance(events[0], NoticeSent)
                self._keeping.keep(events)
        return sent

    def _tried(self, session: Session, parcel: Parcel, now: datetime) -> tuple[Sequence[NoticeEvent], bool]:
        """Try one mail: what is to be told of it, and whether the server could be reached."""
        sender, reached = self._mailer.sender, True
        try:
            answer = session.send(mail(parcel.notices, parcel.address, sender, now), parcel.address)
        except NotTakenError as refusal:
            told = self._failed(parcel, now, str(refusal), permanent=refusal.permanent)
        except LostError as error:
            told = self._failed(parcel, now, f"the connection was lost on the way: {error}")
        except UnreachableError as error:
            reached = False
            log.warning("mail-server-unreachable", reason=str(error))
            told = self._failed(parcel, now, f"the mail server could not be reached: {error}")
        else:
            log.info("mail-sent", notices=len(parcel.notices))
            told = self._sent(parcel, now, answer)
        return told, reached

    def _sent(self, parcel: Parcel, now: datetime, answer: str) -> list[NoticeEvent]:
        message = message_id(parcel.notices, self._mailer.sender)
        return [
            NoticeSent(
                call=notice.made.call,
                case=one.case_id,
                notice=one.notice,
                attempt=one.attempts + 1,
                address=parcel.address,
                message=message,
                answer=answer,
                together=len(parcel.notices),
                stamp=_stamp(one, "sent", now),
            )
            for one, notice in zip(parcel.waiting, parcel.notices, strict=True)
        ]

    def _failed(
        self, parcel: Parcel, now: datetime, reason: str, *, permanent: bool = False
    ) -> list[NoticeEvent]:
        message = message_id(parcel.notices, self._mailer.sender)
        told: list[NoticeEvent] = []
        for one, notice in zip(parcel.waiting, parcel.notices, strict=True):
            limit = min((one.first_failed_at or now) + GIVE_UP, one.expires_at)
            again = min(now + _pause(one.attempts + 1, message), limit)
            told.append(
                NoticeFailed(
                    call=notice.made.call,
                    case=one.case_id,
                    notice=one.notice,
                    attempt=one.attempts + 1,
                    address=parcel.address,
                    reason=reason,
                    again_at=None if permanent or now >= limit else again,
                    stamp=_stamp(one, "failed", now),
                )
            )
        log.warning("mail-not-taken", notices=len(told), reason=reason, permanent=permanent)
        return told

    def _given_up(self, one: Waiting, now: datetime, reason: str) -> NoticeEvent:
        notice = self._states.notices(one.case_id).notices[one.notice]
        return NoticeFailed(
            call=notice.made.call,
            case=one.case_id,
            notice=one.notice,
            attempt=one.attempts,
            address="",
            reason=reason,
            stamp=_stamp(one, "expired", now),
        )


def _all(under_way: Sequence[Future[int]]) -> int:
    """Wait for all of them, saying meanwhile that the turn goes on; the sum of what they give."""
    while wait(under_way, timeout=_BEAT_SECONDS).not_done:
        going_on()
    return sum(future.result() for future in under_way)


def _out_of_date(one: Waiting) -> str:
    return f"not sent by {one.expires_at.isoformat()}, and out of date since"


def _stamp(one: Waiting, what: str, now: datetime) -> Stamp:
    """Keyed by notice, round and attempt: what became of an attempt is told once."""
    attempt = one.attempts + (what != "expired")
    state = "failed" if what == "expired" else what
    return stamp(one.authority, f"{what}/{one.notice}/{one.round}.{attempt}", state, now)


def _pause(attempt: int, about: str) -> timedelta:
    """How long to wait after this attempt: longer each time, and not the same for all."""
    drawn = int.from_bytes(hashlib.sha256(f"{about} {attempt}".encode()).digest()[:2]) / 0xFFFF
    return PAUSES[min(attempt, len(PAUSES)) - 1] * (0.8 + 0.4 * drawn)
