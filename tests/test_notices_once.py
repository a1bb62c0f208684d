"""Each notice is made once and each mail goes once, whatever crashes, comes twice, or was down for a week."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from given import DEADLINE, REPORT_DEADLINE, START, Given, Step
from mail_server import mail_server
from noted import append
from steps import paid, submitted
from told import Town, by_officer, faults_of, keys

from grantflow.deadlines import sweep
from grantflow.domain.application import CaseEvent
from grantflow.domain.event import Entry
from grantflow.domain.notice import NoticeMade, NoticeSent, NoticeSkipped
from grantflow.notifying import making
from grantflow.notifying.keeping import Keeping
from grantflow.notifying.making import Making
from grantflow.notifying.smtp import Session
from grantflow.notifying.tables import Tables
from grantflow.outcomes import Unavailable
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any
    from uuid import UUID

    from mail_server import MailServer

    from grantflow.notifying import Notifier
    from grantflow.store import Store

NOW = START + timedelta(days=1)
POST = "integrering@oslo.example.no"
DAY = timedelta(days=1)
ESCALATED = datetime(2024, 2, 22, 8, tzinfo=UTC)
"""When a superior is told that the report is missing."""
RETURN = Step("return-report", {"reason": "Bilag mangler."}, role="case-officer")


class Crashed(BaseException):
    """The process is gone."""


@pytest.fixture
def town(store: Store) -> Town:
    return Town(store)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path / "mail") as server:
        yield server


def happened(town: Town, case: UUID) -> Counter[str]:
    """How many of each kind of events there are about a case's notices."""
    return Counter(event.topic.partition("@")[0] for event in town.events(case))


STEPS: list[tuple[type, str]] = [
    (Keeping, "keep"),
    (Tables, "advancing"),
    (Tables, "plan"),
    (Tables, "put"),
    (Tables, "due"),
    (Tables, "taken"),
    (Making, "follow"),
    (Session, "send"),
]
"""What a turn is made of, step by step."""


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("kind", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_crash_at_any_step_leaves_each_notice_made_once_and_each_mail_known_as_one(  # noqa: PLR0917
    town: Town,
    post: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    kind: type,
    name: str,
    when: str,
    times: int,
) -> None:
    """The process is gone before or after the step's first, second or third time; the next one goes on."""
    case = town.case(*submitted())
    town.mailbox(POST)
    real, count = getattr(kind, name), Counter[str]()

    def crashing(*given: Any, **named: Any) -> Any:
        count[name] += 1
        if when == "before" and count[name] == times:
            raise Crashed
        done = real(*given, **named)
        if when == "after" and count[name] == times:
            raise Crashed
        return done

    monkeypatch.setattr(kind, name, crashing)
    for _ in range(4):
        try:
            town.notifier(post).turn(NOW)
        except Crashed:
            continue
    monkeypatch.undo()
    town.notifier(post).turn(NOW)
    town.notifier(post).turn(NOW + DAY)
    assert happened(town, case) == {"notice-made": 2, "notice-sent": 1}
    mails = post.mails()
    assert len({mail["Message-ID"] for mail in mails}) == 1
    assert len(mails) == (2 if (name, when) == ("send", "after") and times == 1 else 1) or name == "keep"
    assert faults_of(town.store) == []


@pytest.mark.parametrize("batch", [1, 3])
def test_what_comes_due_at_once_in_many_cases_is_all_made(
    town: Town, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Also when it is more than is looked at together."""
    monkeypatch.setattr(making, "BATCH", batch)
    cases = [town.case(*paid(), organisation=one) for one in town.municipalities(5)]
    town.notifier().turn(ESCALATED - DAY)
    assert not any(happened(town, case)["notice-made"] for case in cases)
    town.notifier().turn(ESCALATED)
    assert [happened(town, case)["notice-made"] for case in cases] == [2] * 5, "in the portal and by mail"
    assert town.notifier().turn(ESCALATED + DAY) is None


def test_any_number_of_notifiers_at_once_make_and_send_each_once(town: Town, post: MailServer) -> None:
    cases = [town.case(*submitted(), organisation=one) for one in town.municipalities(30)]
    for one in town.municipalities(30):
        town.mailbox(f"post@k{one}.no", one)
    notifiers = [town.notifier(post) for _ in range(4)]

    def turns(notifier: Notifier) -> None:
        for second in range(6):
            notifier.turn(NOW + timedelta(seconds=second))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(turns, notifiers))
    assert {tuple(sorted(happened(town, case).items())) for case in cases} == {
        (("notice-made", 2), ("notice-sent", 1))
    }
    assert len(post.mails()) == len(cases)
    assert faults_of(town.store) == []


@pytest.mark.parametrize("later", [DAY, 31 * DAY])
def test_without_the_lock_and_with_an_empty_memory_nothing_is_made_twice_all_the_same(
    town: Town, monkeypatch: pytest.MonkeyPatch, later: timedelta
) -> None:
    """The lock saves work: it is the keys that let each thing be made once, and what was made is never too late."""
    cases = [town.case(*submitted(), organisation=one) for one in town.municipalities(8)]
    town.notifier().turn(NOW)
    with town.store.connection() as connection:
        connection.execute("UPDATE notice_position SET position = 0")
        connection.execute("DELETE FROM notice_agenda")
        connection.execute("DELETE FROM notice_outbox")
    monkeypatch.setattr(Making, "_batch", _forgetful(Making._batch))
    with ThreadPoolExecutor(3) as threads:
        makers = [town.notifier()._making for _ in range(3)]
        list(threads.map(lambda making: making.follow(NOW + later), makers))
    assert [happened(town, case) for case in cases] == [{"notice-made": 2}] * len(cases)
    assert faults_of(town.store) == []


def _forgetful(real: Callable[..., bool]) -> Callable[..., bool]:
    """A batch that is read again by whoever comes."""

    def batch(making: Making, before: int, entries: list[Any], now: datetime) -> bool:
        real(making, before, entries, now)
        return making._tables.position() < making._store.last_position()

    return batch


def test_a_worker_that_was_down_for_a_week_tells_each_thing_once_and_leaves_out_what_is_too_late(
    town: Town, post: MailServer
) -> None:
    """Down from 27 August to 3 September: the reminder of 27 August is not sent after the deadline."""
    projector = Projector(town.store, projections())
    submitted_one, draft = town.case(*submitted()), town.begun()
    town.mailbox(POST)
    notifier = town.notifier(post)
    for day in (21, 25):
        at = datetime(2023, 8, day, 7, tzinfo=UTC)
        sweep(at, town.service, projector)
        notifier.turn(at)
    first = datetime(2023, 9, 3, 7, tzinfo=UTC)
    sweep(datetime(2023, 8, 27, 7, tzinfo=UTC), town.service, projector)  # reminded, and nobody there to tell
    sweep(first, town.service, projector)
    for hour in range(3):
        town.notifier(post).turn(first + timedelta(hours=hour))
    assert keys(town.notices(draft)) == [
        ("application-reminder", "applicant", "portal"),
        ("application-reminder", "applicant", "email"),
        ("lapsed", "applicant", "portal"),
    ]
    skipped = [event for event in town.events(draft) if isinstance(event, NoticeSkipped)]
    assert [(one.rule, one.reason) for one in skipped] == [
        ("application-reminder", f"out of date since {DEADLINE.isoformat()}")
    ]
    assert happened(town, submitted_one) == {"notice-made": 2, "notice-sent": 1}
    assert Counter(mail["Subject"] for mail in post.mails()) == {
        "Søknaden er mottatt: Rett i jobb": 1,
        "Søknadsfristen er 28.08.2023": 1,
    }
    assert faults_of(town.store) == []


def test_the_superior_is_told_three_weeks_after_the_deadline_while_the_report_is_missing(town: Town) -> None:
    lacking, late = town.case(*paid()), town.case(*paid(), *town.reported(REPORT_DEADLINE + 10 * DAY))
    notifier = town.notifier()
    instant = ESCALATED
    assert notifier.turn(REPORT_DEADLINE + 11 * DAY) == instant
    before = notifier.turn(instant - timedelta(microseconds=1))
    assert before == instant
    assert not any(one.made.rule == "report-escalation" for one in town.notices(lacking))
    notifier.turn(instant)
    notifier.turn(instant + DAY)
    told = [one.made for one in town.notices(lacking) if one.made.rule == "report-escalation"]
    assert [(one.to, one.channel) for one in told] == [("superior", "portal"), ("superior", "email")]
    assert "21 dager forsinket" in told[0].text
    assert not any(one.made.rule == "report-escalation" for one in town.notices(late))
    assert faults_of(town.store) == []


def test_a_case_that_is_given_more_time_is_told_by_the_new_limit(town: Town) -> None:
    case = town.begun_and(*paid())
    notifier = town.notifier()
    notifier.turn(REPORT_DEADLINE - 3 * DAY)
    town.service.handle(
        Request(
            step="extend-deadline",
            case=case,
            data={"deadline": "report", "until": "2024-02-15", "reason": "Sykdom."},
            by=by_officer("more-time", REPORT_DEADLINE - 2 * DAY),
        )
    )
    notifier.turn(datetime(2024, 2, 22, 8, tzinfo=UTC))
    assert not any(one.made.rule == "report-escalation" for one in town.notices(case))
    notifier.turn(datetime(2024, 3, 7, 8, tzinfo=UTC))
    assert [one.made.rule for one in town.notices(case)].count("report-escalation") == 2
    assert faults_of(town.store) == []


def test_what_was_looked_at_and_not_stored_is_planned_by_the_next_turn(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same notifier goes on after the database was away, or the duty was another's for a while."""
    *steps, last_one = paid()
    case = town.case(*steps)
    notifier, real = town.notifier(), Making._look_at
    assert notifier.turn(REPORT_DEADLINE) is None
    _go_on(town, case, *steps, last_one)
    last = town.store.last_position()

    def away(making: Making, entry: Entry, *rest: Any) -> None:
        real(making, entry, *rest)
        if entry.position == last:
            msg = "away"
            raise Unavailable(msg)

    monkeypatch.setattr(Making, "_look_at", away)
    with pytest.raises(Unavailable):
        notifier.turn(REPORT_DEADLINE)
    monkeypatch.undo()
    assert notifier.turn(REPORT_DEADLINE) == ESCALATED


def test_what_another_has_planned_meanwhile_is_not_what_was_planned_here(town: Town) -> None:
    """Planned here, taken out by another when the report came; when it is sent back, it is to be planned anew."""
    at = REPORT_DEADLINE - 10 * DAY
    steps = (*paid(), *town.reported(at))
    case, here, other = town.case(*paid()), town.notifier(), town.notifier()
    assert here.turn(at) == ESCALATED
    _go_on(town, case, *steps)
    assert other.turn(at) is None
    _go_on(town, case, *steps, RETURN)
    assert here.turn(at) == ESCALATED


def _go_on(town: Town, case: UUID, *steps: Step) -> None:
    """Let what is new among these steps be taken in a case."""
    known = town.service.states.case(case).version
    events = [event for event in Given(town.call, *steps).events if isinstance(event, CaseEvent)]
    entries = [Entry(case, n, event) for n, event in enumerate(events, start=1)]
    town.store.append(append(*entries[known:])).result()


def test_what_is_told_names_the_case_as_it_was_and_not_as_it_became(town: Town) -> None:
    """A notice that is made late speaks of the event that it is about."""
    case = town.case(*paid())
    town.notifier().turn(datetime(2023, 9, 10, tzinfo=UTC))
    receipt = next(one.made for one in town.notices(case) if one.made.rule == "receipt")
    assert receipt.version < town.service.states.case(case).version
    assert "900 000" in receipt.text.replace("\N{NO-BREAK SPACE}", " ")
    kinds = [type(event) for event in town.events(case)]
    assert kinds.count(NoticeMade) == len(kinds)
    assert NoticeSent not in kinds
