"""Somebody changes the database behind the program's back: verifying names what, and where."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from conftest import fresh_database
from living import Lives
from variants import PUBLISHED, delegate_to
from ways import first_way, second_way

from grantflow import embedded, logs
from grantflow.judging import judge
from grantflow.ledger.book import Ledger
from grantflow.ledger.keys import KeyFile
from grantflow.ledger.leaf import Leaf, Place, sealed
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.store import Store
from grantflow.verification import Kept, Verdict, Verification

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_TABLE = (
    "stored_events", "commands", "documents",
    "ledger_leaves", "ledger_nodes", "ledger_checkpoints", "ledger_cosignatures", "ledger_keys",
)  # fmt: skip
HONEST = 1_000 if os.environ.get("GRANTFLOW_LONG_TESTS") == "1" else 6
TILE = 256
WAYS, FATES = (first_way(), second_way()), ("grant", "grant", "reject", "dismiss", "withdraw")


class World(NamedTuple):
    """A log with everything in it, sealed three times; what was kept outside; and where some events stand.

    The cases are in the first 256 events, over which the ledger keeps a node; what comes after has none yet.
    """

    server: str
    template: str
    keys: Path
    notes: tuple[str, ...]
    at: dict[str, int]
    last: int


@pytest.fixture(scope="module")
def world(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Some lives, lived once for all the tests here."""
    logs.set_up("error", "json")
    keys = tmp_path_factory.mktemp("keys") / "ledger.keys"
    name = f"world_{uuid4().hex}"
    address = embedded.database(server, name, template=template)

    @contextmanager
    def database() -> Iterator[str]:
        yield address

    notes: list[str] = []
    lives = Lives(first_way(), database, Counter())
    ledger = Ledger(lives.service.store, KeyFile(keys))
    for number in range(3):
        lives.begin(number)
        lives.live(Random(number), lives.cases[number], "grant", "attach")  # noqa: S311 - no secret
        if number == 2:
            for more in range(TILE + 8 - lives.service.store.last_position()):
                delegate_to(lives.service, f"BDM {more}", f"person {more}", at=lives.now)
        notes.append(ledger.seal())
    lives.projector.catch_up()
    last = lives.service.store.last_position()
    at = {entry.event.topic: entry.position for entry in reversed(lives.service.store.read(0, 10_000))}
    lives.opened.close()
    yield World(server, name, keys, tuple(notes), at, last)
    embedded.drop(server, name)


@contextmanager
def tampered(world: World, *statements: str) -> Iterator[Store]:
    """The same log in a database of its own, in which somebody with every right has done something."""
    name = f"tampered_{uuid4().hex}"
    address = embedded.database(world.server, name, template=world.template)
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            for table in EVERY_TABLE:
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
            for statement in statements:
                done = connection.execute(statement)
                assert done.rowcount != 0, f"nothing was changed by {statement}"
        with Store(address) as store:
            yield store
    finally:
        embedded.drop(world.server, name)


def verified(store: Store, kept: Kept = Kept()) -> Verdict:  # noqa: B008 - immutable
    return Verification(store, Projector(store, projections()), kept).run()


def test_an_honest_log_has_no_fault(world: World) -> None:
    with tampered(world) as store:
        verdict = verified(store)
    assert verdict.faults == ()
    assert (verdict.events, verdict.sealed, verdict.cases) == (world.last, world.last, 3)
    assert verdict.checkpoints == 3
    assert verdict.read_models > 5
    assert verdict.documents > 0


TAMPERINGS = {
    one["what"]: one
    for one in tomllib.loads(Path(__file__).with_name("tamperings.toml").read_text("utf-8"))["tampering"]
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_whatever_is_tampered_with_is_named(world: World, what: str) -> None:
    done = TAMPERINGS[what]
    at = {
        "{p}": world.at["application-granted@2"],
        "{q}": world.at["case-assessed@1"],
        "{last}": world.last,
    }
    with tampered(world, *(filled(statement, at) for statement in done["sql"])) as store:
        verdict = verified(store)
    assert verdict.faults, "not found"
    first = verdict.faults[0]
    assert first.kind == done["kind"], verdict.faults[:3]
    if "at" in done:
        assert first.position == int(filled(done["at"], at)), first


@pytest.mark.parametrize("what", [what for what, done in TAMPERINGS.items() if done.get("anywhere")])
def test_it_is_named_too_where_no_node_stands_above_it_yet(world: World, what: str) -> None:
    done, at = TAMPERINGS[what], {"{p}": world.last - 3, "{last}": world.last}
    with tampered(world, *(filled(statement, at) for statement in done["sql"])) as store:
        faults = verified(store).faults
    assert (faults[0].kind, faults[0].position) == (done["kind"], world.last - 3), faults[:3]


def filled(text: str, at: dict[str, int]) -> str:
    """The text with its places filled in."""
    for place, position in at.items():
        text = text.replace(place, str(position))
    return text


def test_a_log_that_was_cut_and_sealed_anew_is_found_by_whoever_kept_a_checkpoint(world: World) -> None:
    cut = world.at["frame-committed@2"]
    everything_after = (
        f"DELETE FROM commands WHERE last_position >= {cut}",  # noqa: S608
        f"DELETE FROM stored_events WHERE notification_id >= {cut}",  # noqa: S608
        "DELETE FROM ledger_leaves",
        "DELETE FROM ledger_nodes",
        "DELETE FROM ledger_checkpoints",
    )
    with tampered(world, *everything_after) as store:
        Ledger(store, KeyFile(world.keys)).seal()
        store_says = Verification(store, Projector(store, []), Kept()).run(rules=False)
        kept = Kept(checkpoints=(("the copy of 2023", world.notes[-1]),))
        verdict = Verification(store, Projector(store, []), kept).run(rules=False)
    assert store_says.faults == ()
    assert [fault.kind for fault in verdict.faults] == ["truncated"]
    assert verdict.faults[0].position == cut


def test_an_event_that_was_dated_back_before_it_was_sealed_is_named(world: World) -> None:
    with tampered(world) as store:
        delegate_to(Service(store), "BDM forged", "somebody", at=PUBLISHED)
        Ledger(store, KeyFile(world.keys)).seal()
        verdict = verified(store)
    assert [(fault.kind, fault.position) for fault in verdict.faults] == [("backdated", world.last + 1)]


@pytest.mark.parametrize("processes", ["one", "several"])
def test_an_event_that_was_sealed_with_a_wrong_digest_of_its_fields_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    where = world.at["application-granted@2"]

    def lied(place: Place, state: bytes, content: bytes, salt: bytes) -> Leaf:
        told = content.replace(b"decider", b"someone") if place.position == where else content
        return sealed(place, state, told, salt)

    monkeypatch.setattr("grantflow.ledger.sealing.sealed", lied)
    if processes == "several":
        monkeypatch.setattr("grantflow.ledger.fields.ALONE", 0)
    forgotten = ("DELETE FROM ledger_leaves", "DELETE FROM ledger_nodes", "DELETE FROM ledger_checkpoints")
    with tampered(world, *forgotten) as store:
        Ledger(store, KeyFile(world.keys)).seal()
        event = store.entry(where).id
        verdict = verified(store)
    assert [(fault.kind, fault.position, fault.event) for fault in verdict.faults] == [
        ("ledger-changed", where, event)
    ]
    assert "digest of fields" in verdict.faults[0].what


def test_a_long_log_is_judged_by_several_processes_and_says_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = "convert_to(replace(convert_from(state, 'UTF8'), '\"points\":', '\"points\":9'), 'UTF8')"
    changed = f"UPDATE stored_events SET state = {another} WHERE topic LIKE 'criterion-scored@%'"  # noqa: S608
    with tampered(world, changed) as store:
        alone = judge(store, lambda *_: None)
        by_one = list(alone.faults())
        monkeypatch.setattr("grantflow.judging.ALONE", 0)
        shared = judge(store, lambda *_: None)
        by_several = list(shared.faults())
    assert len(by_one) > 1
    assert shared.cases == alone.cases == 3
    assert sorted(by_several, key=attrgetter("position")) == sorted(by_one, key=attrgetter("position"))


def test_an_event_put_in_past_the_program_is_named_by_the_command_that_is_missing(world: World) -> None:
    forged = (
        "INSERT INTO stored_events SELECT originator_id, originator_version + 1, topic, state, notification_id + 1 "
        "FROM stored_events ORDER BY notification_id DESC LIMIT 1"
    )
    with tampered(world, forged) as store:
        Ledger(store, KeyFile(world.keys)).seal()
        verdict = Verification(store, Projector(store, []), Kept()).run(rules=False)
    assert [(fault.kind, fault.position) for fault in verdict.faults] == [("command", world.last + 1)]


def test_a_log_that_was_changed_and_sealed_anew_is_found_by_whoever_kept_a_checkpoint(world: World) -> None:
    another = "convert_to(replace(convert_from(state, 'UTF8'), 'decider', 'nobody'), 'UTF8')"
    where = f"notification_id = {world.at['application-granted@2']}"
    changed = (
        f"UPDATE stored_events SET state = {another} WHERE {where}",  # noqa: S608
        "DELETE FROM ledger_leaves",
        "DELETE FROM ledger_nodes",
        "DELETE FROM ledger_checkpoints",
    )
    with tampered(world, *changed) as store:
        Ledger(store, KeyFile(world.keys)).seal()
        kept = Kept(checkpoints=tuple((f"copy {n}", note) for n, note in enumerate(world.notes)))
        verdict = Verification(store, Projector(store, []), kept).run(rules=False)
    assert [fault.kind for fault in verdict.faults] == ["forked"] * 3


def test_a_log_that_was_sealed_anew_with_another_key_is_found_by_whoever_kept_the_key(
    world: World, tmp_path: Path
) -> None:
    forgotten = ("DELETE FROM ledger_checkpoints", "DELETE FROM ledger_keys WHERE kind = 'signer'")
    key = KeyFile(world.keys).signers("")[0].verifier
    with tampered(world, *forgotten) as store:
        Ledger(store, KeyFile(tmp_path / "other.keys")).seal()
        assert Verification(store, Projector(store, []), Kept()).run(rules=False).faults == ()
        verdict = Verification(store, Projector(store, []), Kept(keys=(key,))).run(rules=False)
    assert [fault.kind for fault in verdict.faults] == ["checkpoint"]
    assert "not signed by any key that is trusted here" in verdict.faults[0].what


@pytest.mark.timeout(3_000)
def test_an_honest_log_raises_no_alarm_however_it_came_about(
    server: str, template: str, tmp_path: Path
) -> None:
    logs.set_up("error", "json")
    for seed in range(HONEST):
        chance = Random(seed)  # noqa: S311 - no secret
        lives = Lives(chance.choice(WAYS), lambda: fresh_database(server, template), Counter())
        ledger = Ledger(lives.service.store, KeyFile(tmp_path / "ledger.keys"))
        for number in range(chance.randint(1, 3)):
            lives.begin(chance.randrange(4))
            lives.live(chance, lives.cases[number], chance.choice(FATES))
            if chance.random() < 0.7:
                ledger.seal()
        with lives.opened:
            assert verified(lives.service.store).faults == (), seed
