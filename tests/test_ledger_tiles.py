"""Only nodes over tiles of 256 leaves are kept. Those below are computed, and what is wrong there is named as well."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from noted import append, noted

from grantflow.domain.errors import NotFound
from grantflow.evidence.missing_nodes import missing_nodes
from grantflow.ledger import verifying
from grantflow.ledger.anchors import own_anchors
from grantflow.ledger.book import Ledger
from grantflow.ledger.keys import KeyFile
from grantflow.ledger.merkle import Frontier, Node, root_from_inclusion, subtree
from grantflow.ledger.nodes import hashes_of
from grantflow.ledger.note import Checkpoint, Note
from grantflow.ledger.sealing import LedgerChanged
from grantflow.ledger.verifying import Looked, verify_log
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grantflow.ledger.diagnosis import Fault

pytestmark = pytest.mark.usefixtures("noted_is_known")

SIZE = 600
"""Two whole tiles, a node over both, and 88 leaves more."""
MASKED = {"CIPHER_TOPIC": "noted:Masking", "CIPHER_KEY": "123"}


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "ledger.keys")


def written(store: Store, many: int) -> None:
    stream = uuid4()
    for future in [store.append(append(noted(stream, version))) for version in range(1, many + 1)]:
        future.result()


@contextmanager
def owner(store: Store) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody with every right, and nothing in the way."""
    with psycopg.connect(store.database_url, autocommit=True) as connection:
        for table in ("stored_events", "ledger_leaves", "ledger_nodes", "ledger_checkpoints"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        yield connection


def faults(store: Store) -> list[Fault]:
    with store.connection() as connection:
        anchors, wrong = own_anchors(connection, [])
        return [*wrong, *verify_log(connection, anchors, Looked(), content_of=store.body)]


def grown(store: Store) -> dict[tuple[int, int], bytes]:
    """Every whole node over the leaves that the ledger has, computed one by one."""
    frontier, nodes = Frontier(), {}
    with store.connection() as connection:
        rows = connection.execute("SELECT hash FROM ledger_leaves ORDER BY position").fetchall()
    for place, (leaf,) in enumerate(rows):
        nodes[0, place] = leaf
        nodes |= {(level, index): hashed for level, index, hashed in frontier.add(leaf)}
    return nodes


def test_every_node_is_had_and_only_those_over_whole_tiles_are_kept(store: Store, keys: KeyFile) -> None:
    for more in (1, 254, 1, 1, 255, 88):  # sealed before a tile is whole, when it just is, and after
        written(store, more)
        Ledger(store, keys).seal()
    nodes = grown(store)
    assert len(nodes) > SIZE
    with store.connection() as connection:
        assert dict(zip(nodes, hashes_of(connection, list(nodes)), strict=True)) == nodes
        kept = connection.execute("SELECT level, index FROM ledger_nodes ORDER BY 1, 2").fetchall()
    assert kept == [(8, 0), (8, 1), (9, 0)]
    assert faults(store) == []


def test_every_event_has_a_proof_that_leads_to_the_root(store: Store, keys: KeyFile) -> None:
    written(store, SIZE)
    ledger = Ledger(store, keys)
    root = Checkpoint.read(Note.read(ledger.seal()).text).root
    for position in (1, 2, 255, 256, 257, 511, 512, 513, 599, 600):
        proof = ledger.prove(str(position))
        path = [bytes.fromhex(step) for step in proof.proof]
        assert root_from_inclusion(bytes.fromhex(proof.leaf), position - 1, SIZE, path) == root


@pytest.mark.parametrize("positions", [[1], [300], [1, 257, 600], list(range(200, 580, 3)), []])
def test_a_pack_has_the_nodes_that_lead_from_its_events_to_the_root(
    store: Store, keys: KeyFile, positions: list[int]
) -> None:
    written(store, SIZE)
    Ledger(store, keys).seal()
    nodes = grown(store)
    with store.connection() as connection:
        given = list(missing_nodes(connection, positions, SIZE))
    assert given == [Node(level, index, nodes[level, index]) for level, index, _ in given]
    covered = [at for level, index, _ in given for at in range(index << level, (index + 1) << level)]
    assert sorted([*covered, *(position - 1 for position in positions)]) == list(range(SIZE))
    assert subtree(lambda *place: nodes[place], 0, SIZE)


def test_a_leaf_that_is_gone_is_named_by_whatever_needs_it(store: Store, keys: KeyFile) -> None:
    written(store, SIZE)
    ledger = Ledger(store, keys)
    ledger.seal()
    with owner(store) as connection:
        connection.execute("DELETE FROM ledger_leaves WHERE position = 7")
    with pytest.raises(NotFound, match="position 7 is not sealed any more"):
        ledger.prove("1")
    assert ledger.prove("300").position == 300
    with owner(store) as connection:
        connection.execute("DELETE FROM ledger_leaves WHERE position = 590")
    written(store, 1)
    with pytest.raises(LedgerChanged, match="position 590 is not sealed any more"):
        ledger.seal()
    assert [(fault.kind, fault.position) for fault in faults(store)][:1] == [("ledger-changed", 7)]


@pytest.mark.parametrize("position", [7, 590])
def test_nothing_is_signed_on_top_of_a_leaf_that_was_changed(
    store: Store, keys: KeyFile, position: int
) -> None:
    written(store, SIZE)
    ledger = Ledger(store, keys)
    old = ledger.seal()
    with owner(store) as connection:
        connection.execute("UPDATE ledger_leaves SET hash = sha256(hash) WHERE position = %s", (position,))
    assert [(fault.kind, fault.position) for fault in faults(store)][:1] == [("ledger-changed", position)]
    written(store, 1)
    if position > 512:  # what is in a whole tile is not looked at again when sealing
        with pytest.raises(LedgerChanged, match="does not lead to its checkpoint of 600 events any more"):
            ledger.seal()
        assert ledger.checkpoint() == old
    else:
        assert ledger.consistency(SIZE).new == SIZE + 1


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE ledger_nodes SET hash = sha256(hash) WHERE level = 8 AND index = 1",
        "DELETE FROM ledger_nodes WHERE level = 8 AND index = 1",
        "UPDATE ledger_nodes SET hash = sha256(hash) WHERE level = 9 AND index = 0",
    ],
)
@pytest.mark.parametrize("levels", [8, 12])
def test_a_node_that_was_changed_is_named(
    store: Store, keys: KeyFile, harm: str, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(store, SIZE)
    Ledger(store, keys).seal()
    monkeypatch.setattr(
        "grantflow.ledger.looking.LEVELS", levels
    )  # above these, nodes are looked at one by one
    for module in ("grantflow.ledger.looking", "grantflow.ledger.verifying"):
        monkeypatch.setattr(f"{module}.CHUNK", 1 << levels)
    monkeypatch.setattr(verifying, "LEVELS", levels)
    assert faults(store) == []
    with owner(store) as connection:
        assert connection.execute(harm).rowcount == 1
    (fault,) = faults(store)
    assert fault.kind == "ledger-changed"
    assert "node" in fault.what


@pytest.mark.parametrize("position", [7, 590])
@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        ("UPDATE stored_events SET state = state || '\\x00' WHERE notification_id = {p}", "changed"),
        ("UPDATE ledger_leaves SET hash = sha256(hash) WHERE position = {p}", "ledger-changed"),
        ("UPDATE ledger_leaves SET fields = sha256(fields) WHERE position = {p}", "ledger-changed"),
        ("UPDATE ledger_leaves SET salt = substring(sha256(salt) for 16) WHERE position = {p}", "changed"),
        ("UPDATE ledger_leaves SET topic = 'other@1' WHERE position = {p}", "ledger-changed"),
    ],
)
def test_what_was_done_to_an_encrypted_log_is_named_as_well(
    database_url: str, keys: KeyFile, harm: str, kind: str, position: int
) -> None:
    with Store(database_url, library=MASKED) as store:
        written(store, SIZE)
        Ledger(store, keys).seal()
        assert faults(store) == []
        with owner(store) as connection:
            connection.execute(harm.replace("{p}", str(position)))
        first = faults(store)[0]
    assert (first.kind, first.position) == (kind, position)


def test_where_no_checkpoint_speaks_of_a_leaf_yet_the_fields_decide(store: Store, keys: KeyFile) -> None:
    written(store, 300)
    Ledger(store, keys).seal()
    with owner(store) as connection:
        connection.execute("DELETE FROM ledger_checkpoints")
        connection.execute("UPDATE ledger_leaves SET hash = sha256(hash) WHERE position = 280")
        connection.execute(
            "UPDATE stored_events SET state = "
            "convert_to(replace(convert_from(state, 'UTF8'), 'note', 'mote'), 'UTF8') WHERE notification_id = 290"
        )
    found = [(fault.kind, fault.position) for fault in faults(store)]
    assert found == [("ledger-changed", 280), ("changed", 290)]


def test_an_event_that_was_changed_has_no_proof_any_more(store: Store, keys: KeyFile) -> None:
    written(store, 5)
    ledger = Ledger(store, keys)
    ledger.seal()
    with owner(store) as connection:
        connection.execute("UPDATE stored_events SET state = state || ' '::bytea WHERE notification_id = 3")
    with pytest.raises(NotFound, match="What was sealed at position 3 is not there any more"):
        ledger.prove("3")


def test_the_proof_of_an_encrypted_event_is_asked_for_by_the_digest_in_its_receipt(
    database_url: str, keys: KeyFile
) -> None:
    with Store(database_url, library=MASKED) as store:
        written(store, 3)
        digest = store.digest(2)
        assert Ledger(store, keys).prove("2", digest=digest).digest == digest
