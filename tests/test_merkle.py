"""The tree agrees with one written by others, for every small size and for random large ones."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from grantflow.ledger.merkle import (
    EMPTY,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    peaks_of,
    root_from_inclusion,
    subtree,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL, LARGE = 300, 2**17


class Grown:
    """A tree of ours with its nodes in a dictionary, beside the same one of theirs."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self.leaves = [sha256(f"{seed}/{number}".encode()).digest() for number in range(size)]
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.roots = [EMPTY]
        frontier = Frontier()
        for number, data in enumerate(self.leaves):
            hashed = leaf_hash(data)
            self.nodes[0, number] = hashed
            for level, place, node in frontier.add(hashed):
                self.nodes[level, place] = node
            self.roots.append(frontier.root)

    @property
    def get(self) -> Callable[[int, int], bytes]:
        return lambda level, place: self.nodes[level, place]

    def theirs(self) -> InmemoryTree:
        tree = InmemoryTree(algorithm="sha256")
        for data in self.leaves:
            tree.append_entry(data)
        return tree


@pytest.fixture(scope="module")
def small() -> Grown:
    return Grown(SMALL)


@pytest.fixture(scope="module")
def theirs(small: Grown) -> InmemoryTree:
    return small.theirs()


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root == sha256(b"").digest()


def test_every_root_is_theirs(small: Grown, theirs: InmemoryTree) -> None:
    assert [theirs.get_root(size) for size in range(1, SMALL + 1)] == small.roots[1:]


def test_every_frontier_can_be_taken_up_again_from_the_stored_nodes(small: Grown) -> None:
    for size in range(SMALL + 1):
        assert Frontier(size, [small.get(*place) for place in peaks_of(size)]).root == small.roots[size]
        if size:
            assert subtree(small.get, 0, size) == small.roots[size]


def test_every_proof_of_inclusion_leads_to_the_root_and_is_theirs(small: Grown, theirs: InmemoryTree) -> None:
    for size in range(1, SMALL + 1):
        for index in range(size):
            path = inclusion_proof(small.get, index, size)
            leaf = small.get(0, index)
            assert root_from_inclusion(leaf, index, size, path) == small.roots[size]
    for size in (1, 2, 3, 7, 64, 100, 255, 256, 257, SMALL):
        for index in range(size):
            proof = theirs.prove_inclusion(index + 1, size)
            assert [bytes(one) for one in proof.path[1:]] == inclusion_proof(small.get, index, size)


def test_every_proof_of_consistency_holds_and_is_accepted_by_nobody_else(small: Grown) -> None:
    for new in range(SMALL + 1):
        for old in range(new + 1):
            path = consistency_proof(small.get, old, new)
            assert is_consistent(old, small.roots[old], new, small.roots[new], path)
            if old not in (0, new):
                assert not is_consistent(old, small.roots[old - 1], new, small.roots[new], path)
                assert not is_consistent(old, small.roots[old], new, small.roots[new - 1], path)


@given(size=st.integers(2, SMALL), data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_proof_with_one_bit_turned_proves_nothing(small: Grown, size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(small.get, index, size)
    at = data.draw(st.integers(0, len(path) * 256 - 1))
    wrong = bytearray(path[at // 256])
    wrong[at % 256 // 8] ^= 1 << at % 8
    path[at // 256] = bytes(wrong)
    assert root_from_inclusion(small.get(0, index), index, size, path) != small.roots[size]


@given(size=st.integers(2, SMALL), data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_proof_for_another_place_or_of_another_length_proves_nothing(
    small: Grown, size: int, data: st.DataObject
) -> None:
    index, other = data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True))
    path = inclusion_proof(small.get, index, size)
    for place, steps in ((other, path), (index, path[:-1]), (index, [*path, path[0]])):
        try:
            assert root_from_inclusion(small.get(0, index), place, size, steps) != small.roots[size]
        except ValueError:
            continue


@pytest.mark.parametrize("seed", range(3))
def test_random_large_trees_and_their_proofs_are_theirs(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - no secret
    size = LARGE if seed == 0 else chance.randrange(2**15, LARGE)
    ours = Grown(size, seed)
    theirs = ours.theirs()
    assert theirs.get_root() == ours.roots[-1]
    for _ in range(40):
        index = chance.randrange(size)
        proof = theirs.prove_inclusion(index + 1, size)
        path = inclusion_proof(ours.get, index, size)
        assert [bytes(one) for one in proof.path[1:]] == path
        assert root_from_inclusion(ours.get(0, index), index, size, path) == theirs.get_root(size)
        old = chance.randrange(1, size)
        assert theirs.get_root(old) == ours.roots[old]
        assert is_consistent(
            old, ours.roots[old], size, ours.roots[size], consistency_proof(ours.get, old, size)
        )
