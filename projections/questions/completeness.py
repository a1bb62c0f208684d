"""Whether the log is whole: nothing missing, moved or dated back, and nobody in it who does not belong."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from grantflow.domain.application import NEW, CaseEvent
from grantflow.domain.call import Call
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.event import EVENT_TYPES, Entry
from grantflow.domain.revision import CaseMovedToRevision
from grantflow.domain.roles import DIRECTORATE, MUNICIPAL
from grantflow.history import History
from grantflow.question import Question, Row, row

BEGINS = {
    "case": "application-started",
    "call": "call-published",
    "frame": "frame-opened",
    "person": "person-named",
    "contacts": "contact-registered",
}
"""What the first event of a stream is called; one of authority, or of notices, begins with any of its own."""
MACHINES_OF = {
    "call": {"call-manager"},
    "frame": {"call-manager", "decider"},
    "authority": {"call-manager", "director"},
    "person": {"call-manager"},
    "notices": {"clock", "case-officer", "call-manager"},
    "contacts": MUNICIPAL | {"case-officer", "call-manager"},
}
"""Who writes in the streams that are no case's."""


@dataclass
class Stream:
    """How far a stream has come, read event by event and without folding: what is broken must be readable too."""

    kind: str
    organisations: dict[str, str] = field(default_factory=dict)
    version: int = 0
    at: datetime | None = None
    state: str = NEW
    command: str = ""
    came_from: str = NEW
    area: str = ""
    definition: str = ""


def answer(history: History) -> Iterator[Row]:
    """Every place where the log is not what it would be if it had only ever been added to."""
    yield from _positions(history)
    streams = dict[UUID, Stream]()
    for entry in history.entries:
        stream = streams.get(entry.originator_id)
        if stream is None:
            stream = streams[entry.originator_id] = Stream(entry.event.stream)
            yield from _beginning(entry)
        yield from _place(stream, entry)
        yield from _actor(history, stream, entry)
        _further(stream, entry)


def _positions(history: History) -> Iterator[Row]:
    """Positions rise, and have no gap. An excerpt (to an instant, or of one call) leaves gaps of its own."""
    excerpt = history.as_of is not None or bool(history.call)
    last = 0
    for entry in history.entries:
        if entry.position <= last:
            yield _row("order", entry, f"a position after {last}", f"position {entry.position}")
        elif entry.position > last + 1 and not excerpt:
            yield _row("gap", entry, f"position {last + 1}", f"position {entry.position}")
        last = max(last, entry.position)


def _beginning(entry: Entry) -> Iterator[Row]:
    """Each stream begins with the event that begins its kind."""
    event = entry.event
    name = event.topic.partition("@")[0]
    if event.stream in BEGINS and name != BEGINS[event.stream]:
        yield _row("gap", entry, f"{BEGINS[event.stream]} at the beginning", name or type(event).__name__)


def _place(stream: Stream, entry: Entry) -> Iterator[Row]:
    """The entry is the stream's next, of its kind, of a known topic, and not dated before the one it follows."""
    event, stamp = entry.event, entry.event.stamp
    if entry.originator_version != stream.version + 1:
        kind = "order" if entry.originator_version <= stream.version else "gap"
        yield _row(kind, entry, f"version {stream.version + 1}", f"version {entry.originator_version}")
    if stream.at is not None and stamp.recorded_at < stream.at:
        yield _row("clock", entry, f"not before {stream.at.isoformat()}", stamp.recorded_at.isoformat())
    if stamp.effective_at is not None and stamp.effective_at > stamp.recorded_at:
        told = f"happened at {stamp.effective_at.isoformat()}"
        yield _row("clock", entry, f"happened by {stamp.recorded_at.isoformat()}", told)
    if EVENT_TYPES.get(event.topic) is not type(event):
        yield _row("topic", entry, "an event type that was shipped", event.topic or type(event).__name__)
    if event.stream != stream.kind:
        yield _row("topic", entry, f"an event of a {stream.kind}", f"{event.topic} of a {event.stream}")


def _actor(history: History, stream: Stream, entry: Entry) -> Iterator[Row]:
    """Whoever acted had a role that the step is open to, in the organisation that the role belongs to."""
    event, stamp = entry.event, entry.event.stamp
    known = MUNICIPAL | DIRECTORATE
    if isinstance(event, ApplicationStarted):
        stream.organisations = dict.fromkeys(MUNICIPAL, event.applicant.number)
        stream.organisations |= dict.fromkeys(DIRECTORATE, event.authority)
        stream.area, stream.definition = event.area, event.definition
    elif stream.kind in MACHINES_OF:
        known = frozenset(MACHINES_OF[stream.kind])
        if stream.kind != "contacts":  # more than one organisation can speak of the same
            stream.organisations = stream.organisations or dict.fromkeys(known, stamp.organisation)
    if stream.kind in ("case", *MACHINES_OF) and stamp.role not in known:
        yield _row("actor", entry, f"one of {', '.join(sorted(known))}", f"{stamp.person} as {stamp.role}")
    belongs = stream.organisations.get(stamp.role, stamp.organisation)
    if stamp.organisation != belongs:
        yield _row("actor", entry, f"{stamp.role} of {belongs}", f"{stamp.person} of {stamp.organisation}")
    if isinstance(event, CaseEvent) and stream.definition:
        yield from _step(history.definitions.get(stream.definition), stream, entry)


def _step(call: Call | None, stream: Stream, entry: Entry) -> Iterator[Row]:
    """The step is one of the process that the case was bound to, open to that role, and led on from where it stood."""
    stamp = entry.event.stamp
    if call is None:
        yield _row("definition", entry, "a definition that was published", stream.definition)
        return
    process = call.within(stream.area).process
    step = process.steps.get(stamp.step)
    if step is None or stamp.role not in step.roles:
        open_to = ", ".join(step.roles) if step else "nobody: no such step"
        yield _row("actor", entry, f"{stamp.step} is open to {open_to}", f"{stamp.person} as {stamp.role}")
    came_from = stream.came_from if stamp.command == stream.command else stream.state
    if step is not None and process.target(stamp.step, came_from) is None:
        yield _row("order", entry, f"a step from '{came_from}'", stamp.step)


def _further(stream: Stream, entry: Entry) -> None:
    event, stamp = entry.event, entry.event.stamp
    if isinstance(event, CaseMovedToRevision):
        stream.definition = event.definition
    if stamp.command != stream.command:
        stream.command, stream.came_from = stamp.command, stream.state
    stream.version = max(stream.version, entry.originator_version)
    stream.at = max(stream.at, stamp.recorded_at) if stream.at else stamp.recorded_at
    stream.state = stamp.state


def _row(kind: str, entry: Entry, expected: str, found: str) -> Row:
    return row(
        None,
        [entry],
        kind=kind,
        stream=str(entry.originator_id),
        version=entry.originator_version,
        position=entry.position,
        topic=entry.event.topic,
        expected=expected,
        found=found,
        at=entry.event.stamp.recorded_at.isoformat(),
    )


question = Question(
    number=22,
    name="completeness",
    asks="Is the log whole: no gap, no reorder, no clock going backwards, no unknown actor, topic or definition?",
    law="bestemmelser om økonomistyring 4.3.6, 4.4.7; arkivforskrifta §§ 5, 11",
    columns=("kind", "stream", "version", "position", "topic", "expected", "found", "at"),
    answer=answer,
    breaches=True,
)
