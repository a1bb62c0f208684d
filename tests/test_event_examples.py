"""Every event ever shipped stays readable, in the bytes it was stored in: a frozen example of each says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_origin, get_type_hints
from uuid import UUID, uuid4

import msgspec
import pytest
from freeze_events import EXAMPLES, file_of
from noted import STAMP, append

from grantflow.domain.announcement import Announcement, CallEvent, fold_announcement
from grantflow.domain.application import Application, CaseEvent, evolve
from grantflow.domain.authority import Authorities, AuthorityEvent, fold_authorities
from grantflow.domain.contact import ContactEvent, Contacts, fold_contacts
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.event import EVENT_TYPES, Entry, Event, body_of
from grantflow.domain.frame import Commitment, Frame, FrameCommitted, FrameEvent, fold_frame
from grantflow.domain.notice import NoticeEvent, Notices, fold_notices
from grantflow.domain.parts import Instalment
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.person import Person, PersonEvent, fold_person
from grantflow.mapper import EventMapper
from grantflow.projection import Projection, Table
from grantflow.projector import Projector

if TYPE_CHECKING:
    from grantflow.projection import Pen
    from grantflow.store import Store

CASE = UUID(int=1)
TOPICS = sorted(EVENT_TYPES)
OLDER = [topic for topic in TOPICS if f"{topic[:-1]}{int(topic[-1]) + 1}" in EVENT_TYPES]


def read(topic: str) -> Event:
    """The example as the store reads it."""
    return EventMapper().entry(CASE, 1, topic, file_of(topic).read_bytes()).event


def unsaid(value: Any, path: str = "") -> list[str]:
    """The fields of a struct, and of the structs in it, that were left at their default."""
    if isinstance(value, list | tuple):
        return [name for item in value for name in unsaid(item, path)]
    if not isinstance(value, msgspec.Struct):
        return []
    said, missing = msgspec.to_builtins(value), []
    for name, kind in get_type_hints(type(value)).items():
        if name not in value.__struct_fields__:
            continue
        one_value_only = get_origin(kind) is Literal and len(kind.__args__) == 1
        if name not in said and not one_value_only:
            missing.append(f"{path}{name}")
        missing += unsaid(getattr(value, name), f"{path}{name}.")
    return missing


def test_every_type_has_its_example_and_every_example_its_type() -> None:
    """A new event is shipped with its example: .venv/bin/python tests/freeze_events.py."""
    assert {path.name for path in EXAMPLES.iterdir()} == {file_of(topic).name for topic in EVENT_TYPES}


@pytest.mark.parametrize("topic", TOPICS)
def test_an_example_is_read_and_written_again_to_the_byte(topic: str) -> None:
    stored = file_of(topic).read_bytes()
    as_shipped = msgspec.json.decode(stored, type=EVENT_TYPES[topic])
    assert body_of(as_shipped) == stored
    newest = read(topic)
    assert newest.upcast() == newest, "what is read is the newest version"
    row = EventMapper().to_stored_event(Entry(CASE, 1, newest))
    again = EventMapper().entry(CASE, 1, row.topic, row.state).event
    assert again == newest
    if newest.topic == topic:
        assert row.state == stored


@pytest.mark.parametrize("topic", TOPICS)
def test_an_example_fills_in_every_field_so_that_a_new_one_needs_a_new_version(topic: str) -> None:
    assert unsaid(msgspec.json.decode(file_of(topic).read_bytes(), type=EVENT_TYPES[topic])) == []


@pytest.mark.parametrize("topic", OLDER)
def test_an_older_version_is_read_as_the_newest_and_what_it_said_stands_in_it(topic: str) -> None:
    newest = read(topic)
    assert newest.topic == max(t for t in TOPICS if t.startswith(f"{topic.partition('@')[0]}@"))
    said = msgspec.json.decode(file_of(topic).read_bytes())
    assert lost(said, msgspec.json.decode(body_of(newest))) == []


def lost(said: Any, stands: Any, path: str = "") -> list[str]:
    """What an older version said that does not stand in the same place in the newer one."""
    if isinstance(said, dict):
        there = stands if isinstance(stands, dict) else {}
        return [at for name in said for at in lost(said[name], there.get(name), f"{path}.{name}")]
    if isinstance(said, list) and isinstance(stands, list) and len(said) == len(stands):
        return [
            at for n, (a, b) in enumerate(zip(said, stands, strict=True)) for at in lost(a, b, f"{path}[{n}]")
        ]
    return [] if said == stands else [path]


def test_what_was_granted_paid_and_reserved_before_there_were_parts_was_so_in_one_part() -> None:
    granted, committed = read("application-granted@1"), read("frame-committed@1")
    assert isinstance(granted, ApplicationGranted)
    assert granted.instalments == (Instalment(granted.amount_ore),)
    assert [condition.blocking for condition in granted.conditions] == [False]
    paying = [read(f"payment-{step}@1") for step in ("attested", "authorised", "confirmed")]
    assert [getattr(event, "instalment", None) for event in paying] == [1, 1, 1]
    assert isinstance(paying[2], PaymentConfirmed)
    assert paying[2].outstanding_ore == 0
    assert isinstance(committed, FrameCommitted)
    assert fold_frame(Frame(id=CASE), [Entry(CASE, 1, committed)]).commitments == {
        committed.case: Commitment(committed.amount_ore)
    }


@pytest.mark.parametrize("topic", TOPICS)
def test_what_an_example_tells_can_be_folded_into_its_stream(topic: str) -> None:
    event = read(topic)
    entry = Entry(CASE, 1, event)
    match event:
        case CaseEvent():
            case = evolve(Application(id=CASE), entry)
            assert (case.version, case.state) == (1, event.stamp.state)
        case FrameEvent():
            assert fold_frame(Frame(id=CASE), [entry]).version == 1
        case CallEvent():
            assert fold_announcement(Announcement(id=CASE), [entry]).version == 1
        case AuthorityEvent():
            assert fold_authorities(Authorities(id=CASE), [entry]).version == 1
        case NoticeEvent():
            assert fold_notices(Notices(id=CASE), [entry]).version == 1
        case ContactEvent():
            assert fold_contacts(Contacts(id=CASE), [entry]).version == 1
        case PersonEvent():
            assert fold_person(Person(id=CASE), [entry]).version == 1
        case _:
            pytest.fail(f"{topic} belongs to no stream")


class JottedFirst(Event, frozen=True, kw_only=True):
    """A note as it was written first: one text."""

    topic = "test-jotted@1"

    text: str

    def upcast(self) -> Event:
        title, _, body = self.text.partition(": ")
        return Jotted(title=title, body=body, stamp=self.stamp)


class Jotted(Event, frozen=True, kw_only=True):
    """A note as it is written today: a title, and a body."""

    topic = "test-jotted@2"

    title: str
    body: str


for kind in (JottedFirst, Jotted):
    del EVENT_TYPES[kind.topic]  # known only to the tests below


@pytest.fixture
def jotted_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (JottedFirst, Jotted):
        monkeypatch.setitem(EVENT_TYPES, kind.topic, kind)


OLD = JottedFirst(text="Møte: alle kom", stamp=STAMP)
NEW = Jotted(title="Møte", body="alle kom", stamp=STAMP)


@pytest.mark.usefixtures("jotted_is_known")
def test_a_row_of_an_older_version_is_read_as_the_newest_wherever_it_is_read(store: Store) -> None:
    stream = uuid4()
    position = store.append(append(Entry(stream, 1, OLD))).result().positions[0]
    store.append(append(Entry(stream, 2, NEW))).result()
    assert [entry.event for entry in store.load(stream)] == [NEW, NEW]
    assert [entry.event for entry in store.read(0, 10)] == [NEW, NEW]
    assert store.entry(position).event == NEW


@pytest.mark.usefixtures("jotted_is_known")
def test_the_row_itself_stays_as_it_was_stored(store: Store) -> None:
    stream = uuid4()
    store.append(append(Entry(stream, 1, OLD))).result()
    store.load(stream)
    with store.connection() as connection:
        row = connection.execute("SELECT topic, state FROM stored_events").fetchone()
    assert row == (OLD.topic, body_of(OLD))


@pytest.mark.usefixtures("jotted_is_known")
def test_a_read_model_sees_only_the_newest_version(store: Store) -> None:
    def jotted(pen: Pen, entry: Entry) -> None:
        assert isinstance(entry.event, Jotted)
        pen.add("jotted", position=entry.position, title=entry.event.title)

    table = Table(columns={"position": "bigint", "title": "text NOT NULL"}, key=("position",))
    titles = Projection(name="jotted", question="Titles?", tables={"jotted": table}, on={Jotted: jotted})
    store.append(append(Entry(uuid4(), 1, OLD))).result()
    store.append(append(Entry(uuid4(), 1, NEW))).result()
    projector = Projector(store, [titles])
    projector.catch_up()
    assert [row["title"] for row in projector.rows("SELECT title FROM jotted")] == ["Møte", "Møte"]
    assert projector.check("jotted") == []
