"""Which hash a leaf was sealed with, the one kept or the one its event leads to: what stands above it says so."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from grantflow.ledger.merkle import Frontier
from grantflow.ledger.nodes import TILE, TILE_LEVEL, frontier_of, hashes_of, root_of, split
from grantflow.ledger.note import Checkpoint, Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from grantflow.connections import Connection

FEW = 6
"""So many leaves of one tile are told apart one by one; where there are more, only all of them together."""
_HASHES = (
    "SELECT string_agg(hash, '' ORDER BY position), count(*) FROM ledger_leaves "
    "WHERE position > %s AND position <= %s"
)
_NEWEST = "SELECT note FROM ledger_checkpoints WHERE size > %s AND size <= %s ORDER BY size DESC, number DESC LIMIT 1"


def sealed_by_their_events(
    connection: Connection, doubted: Mapping[int, bytes], sealed: int
) -> dict[int, bool]:
    """Say of positions, each with the hash that its event leads to, if that was sealed (True) or what is kept (False).

    The node over a whole tile decides, and where the tile is not whole the newest checkpoint. A position is not in the
    answer where neither choice leads to what is above, or nothing stands there yet.
    """
    tiles: dict[int, dict[int, bytes]] = {}
    for position, hashed in doubted.items():
        start = (position - 1) // TILE * TILE
        tiles.setdefault(start, {})[position - start - 1] = hashed
    return {
        start + place + 1: by_event
        for start, within in tiles.items()
        for place, by_event in _in_tile(connection, start, within, sealed).items()
    }


def _in_tile(connection: Connection, start: int, doubted: dict[int, bytes], sealed: int) -> dict[int, bool]:
    kept = _kept(connection, start, min(start + TILE, sealed))
    leads = _whole_tile(connection, start) if len(kept) == TILE else _unfinished(connection, start, len(kept))
    if leads is None:
        return {}
    size, fits = leads
    places = [place for place in sorted(doubted) if place < size]
    for chosen in _choices(len(places)):
        by_event = dict(zip(places, chosen, strict=True))
        if fits([doubted[at] if by_event.get(at) else hashed for at, hashed in enumerate(kept[:size])]):
            return by_event
    return {}


def _choices(many: int) -> Iterable[tuple[bool, ...]]:
    """Every way to believe some of so many events: none of them first."""
    return product((False, True), repeat=many) if many <= FEW else [(False,) * many, (True,) * many]


def _kept(connection: Connection, start: int, end: int) -> list[bytes]:
    """The hashes of a tile's leaves as they are kept; none where one of them is gone."""
    hashes, count = connection.execute(_HASHES, (start, end), binary=True).fetchone() or (b"", 0)
    whole = split(hashes or b"")
    return whole if len(whole) == count == end - start else []


Leads = tuple[int, "Callable[[Sequence[bytes]], bool]"]
"""How many leaves of a tile are spoken for, and whether so many hashes lead to what speaks for them."""


def _whole_tile(connection: Connection, start: int) -> Leads | None:
    (node,) = hashes_of(connection, [(TILE_LEVEL, start >> TILE_LEVEL)])
    return None if node is None else (TILE, lambda hashes: root_of(hashes) == node)


def _unfinished(connection: Connection, start: int, leaves: int) -> Leads | None:
    row = connection.execute(_NEWEST, (start, start + leaves)).fetchone()
    try:
        checkpoint = Checkpoint.read(Note.read(row[0] if row else "").text)
        before = frontier_of(connection, start)
    except (ValueError, LookupError):
        return None

    def fits(hashes: Sequence[bytes]) -> bool:
        frontier = Frontier(before.size, before.peaks)
        for hashed in hashes:
            for _ in frontier.add(hashed):
                pass
        return frontier.root == checkpoint.root

    return checkpoint.size - start, fits
