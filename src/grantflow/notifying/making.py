"""Makes notices: reads the log on from where it was, and looks at what has come due by the calendar."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import structlog

from grantflow.domain.application import Application, CaseEvent, evolve, fold
from grantflow.domain.contact import ContactEvent
from grantflow.domain.notice import NoticeEvent, NoticeSkipped
from grantflow.domain.noticing import by_deadline, on_event, told
from grantflow.turns import going_on

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry
    from grantflow.domain.noticing import Occasion
    from grantflow.notifying.keeping import Keeping
    from grantflow.notifying.tables import Tables
    from grantflow.states import States
    from grantflow.store import Store

log = structlog.get_logger(__name__)

BATCH = 1_000
_REMEMBERED = 5_000


class _Found:
    """What a stretch of the log leads to."""

    def __init__(self) -> None:
        self.made: list[NoticeEvent] = []
        self.plans: list[tuple[UUID, datetime, list[Occasion]]] = []
        """For each event of a case: what comes from then on by the calendar."""
        self.told: dict[UUID, UUID] = {}
        """The notices that something is said of, each with its case."""
        self.contacts: set[str] = set()


class Making:
    """Makes what the log calls for. Each batch: what it leads to is stored under keys, then the position moves on."""

    def __init__(self, store: Store, states: States, tables: Tables, keeping: Keeping) -> None:
        self._store, self._states, self._tables, self._keeping = store, states, tables, keeping
        self._cases: OrderedDict[UUID, Application] = OrderedDict()
        self._planned: dict[UUID, frozenset[tuple[str, str]]] = {}
        """What was last planned in each of these cases, as long as nobody else has moved on from `_at`."""
        self._at: int | None = None
        """The position that was last stored here; None while a stretch is not stored, and when that failed."""

    def follow(self, now: datetime) -> None:
        """Make what every event until the end of the log leads to."""
        while True:
            before = self._tables.position()
            going_on()
            entries = self._store.read(before, BATCH)
            if not entries or not self._batch(before, entries, now):
                return

    def take_due(self, now: datetime) -> int:
        """Make what is due by the calendar, where it still holds; how many there were."""
        taken = 0
        while due := self._tables.agenda(now, BATCH):
            made: list[NoticeEvent] = []
            for row in due:
                going_on()
                case = self._states.case(row["case_id"])
                for one in by_deadline(self._call(case), case):
                    if (one.rule.id, one.about) == (row["rule"], row["about"]):
                        made += self._notices(one, now)
            self._keeping.keep(made)
            self._tables.taken(due)
            taken += len(due)
        return taken

    def _batch(self, before: int, entries: list[Entry], now: datetime) -> bool:
        """One stretch of the log; False where somebody else has read it meanwhile."""
        if before != self._at:
            self._planned = {}
        self._at = None
        found = _Found()
        for entry in entries:
            going_on()
            self._look_at(entry, found, now)
        self._keeping.keep(found.made)
        with self._tables.advancing(before, entries[-1].position) as connection:
            if connection is None:
                return False
            for stream, after, occasions in found.plans:
                self._tables.plan(connection, stream, occasions, after)
            notices = {stream: self._states.notices(stream).notices for stream in set(found.told.values())}
            for notice, stream in found.told.items():
                authority = self._call(self._states.case(stream, fresh=False)).authority
                self._tables.put(connection, authority, notice, notices[stream].get(notice))
            for organisation in found.contacts:
                self._tables.look_again(connection, organisation, now)
        self._at = entries[-1].position
        return True

    def _look_at(self, entry: Entry, found: _Found, now: datetime) -> None:
        event = entry.event
        if isinstance(event, CaseEvent):
            case = self._case(entry)
            call = self._call(case)
            if call.notices is not None:
                for one in on_event(call, case, entry):
                    found.made += self._notices(one, now)
                self._plan(case.id, event.stamp.recorded_at, list(by_deadline(call, case)), found)
        elif isinstance(event, NoticeEvent) and not isinstance(event, NoticeSkipped):
            found.told[getattr(event, "notice", event.case)] = event.case
        elif isinstance(event, ContactEvent):
            found.contacts.add(event.organisation)

    def _plan(self, case: UUID, after: datetime, held: list[Occasion], found: _Found) -> None:
        """Plan what comes in a case, where that is not what was planned already."""
        same = frozenset((one.rule.id, one.about) for one in held)
        if self._planned.get(case) != same:
            found.plans.append((case, after, held))
            self._planned[case] = same

    def _notices(self, occasion: Occasion, now: datetime) -> list[NoticeEvent]:
        """What an occasion leads to, dated no earlier than anything that it follows on."""
        case, notices = occasion.case, self._states.notices(occasion.case.id)
        at = max([now, *(one for one in (case.recorded_at, notices.recorded_at) if one is not None)])
        found = told(self._call(case), occasion, at)
        if isinstance(found, NoticeSkipped):
            about = (occasion.rule.id, occasion.about)
            if any((one.made.rule, one.made.about) == about for one in notices.notices.values()):
                return []  # it was made in time, and the log is read once more
            log.warning("notice-skipped", rule=occasion.rule.id, due=occasion.since.isoformat())
            return [found]
        return [*found]

    def _call(self, case: Application) -> Call:
        return self._states.call(case.call, case.definition).within(case.area, case.stage)

    def _case(self, entry: Entry) -> Application:
        """The case as it was right after an entry."""
        stream, version = entry.originator_id, entry.originator_version
        known = self._cases.get(stream)
        if known is None and version == 1:
            known = Application(id=stream)
        if known is not None and known.version == version - 1:
            case = evolve(known, entry)
        else:
            case = fold(
                stream, [one for one in self._store.load(stream) if one.originator_version <= version]
            )
        self._cases[stream] = case
        self._cases.move_to_end(stream)
        while len(self._cases) > _REMEMBERED:
            forgotten, _ = self._cases.popitem(last=False)
            self._planned.pop(forgotten, None)
        return case
