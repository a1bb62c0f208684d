"""The Merkle tree of RFC 9162, section 2.1: roots, and proofs that a leaf is in it or that one size grew from another.

Hashes are 32 bytes (SHA-256). A node is named by its level (0 for leaves) and its index within the level, counted from
the left; only nodes over a whole power of two of leaves are ever stored.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


class Node(NamedTuple):
    """A node over a whole power of two of leaves."""

    level: int
    place: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's data."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over two others."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of the whole subtrees it is made of, the largest first."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            msg = f"a tree of {size} leaves has {size.bit_count()} whole subtrees, not {len(self.peaks)}"
            raise ValueError(msg)

    def add(self, leaf: bytes, level: int = 0) -> Iterator[Node]:
        """One leaf more (or one whole subtree of 2**level leaves); gives the nodes that became whole by it."""
        index, hashed = self.size >> level, leaf
        self.size += 1 << level
        while index & 1:
            hashed = node_hash(self.peaks.pop(), hashed)
            index >>= 1
            level += 1
            yield Node(level, index, hashed)
        self.peaks.append(hashed)

    @property
    def root(self) -> bytes:
        """The root of the tree as it is."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def peaks_of(size: int) -> list[tuple[int, int]]:
    """Where the whole subtrees of a tree stand that its frontier is made of, as (level, index), the largest first."""
    found, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def subtree(get: Callable[[int, int], bytes], start: int, end: int) -> bytes:
    """The hash over the leaves from `start` up to `end`, from stored nodes; `get` takes a level and an index."""
    size = end - start
    if size & (size - 1) == 0 and start % size == 0:
        level = size.bit_length() - 1
        return get(level, start >> level)
    left = _split(size)
    return node_hash(subtree(get, start, start + left), subtree(get, start + left, end))


def inclusion_proof(get: Callable[[int, int], bytes], index: int, size: int) -> list[bytes]:
    """Proof that the leaf at `index` (from 0) is in the tree of this size (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        msg = f"a tree of {size} leaves has no leaf {index}"
        raise ValueError(msg)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(get, middle, end))
            end = middle
        else:
            path.append(subtree(get, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(get: Callable[[int, int], bytes], old: int, new: int) -> list[bytes]:
    """Proof that the tree of the new size begins with the one of the old size (RFC 9162, 2.1.4.1)."""
    if not 0 <= old <= new:
        msg = f"a tree of {new} leaves did not grow from one of {old}"
        raise ValueError(msg)
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(subtree(get, middle, end))
            end = middle
        else:
            path.append(subtree(get, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(subtree(get, start, end))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a proof of inclusion leads to (RFC 9162, 2.1.3.2). ValueError when it is none for this size."""
    if not 0 <= index < size:
        msg = f"a tree of {size} leaves has no leaf {index}"
        raise ValueError(msg)
    place, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            msg = "the proof is too long"
            raise ValueError(msg)
        if place & 1 or place == last:
            root = node_hash(step, root)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            root = node_hash(root, step)
        place >>= 1
        last >>= 1
    if last:
        msg = "the proof is too short"
        raise ValueError(msg)
    return root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not path and (old_root == EMPTY if old == 0 else old_root == new_root)
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        place >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
