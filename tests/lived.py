"""Honest histories from a real store: whole lives of cases under both calls, and every step in one of them."""

from __future__ import annotations

import os
from collections import Counter
from itertools import product
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from conftest import fresh_database
from living import ENDS, Lives

from grantflow import logs
from grantflow.history import gather
from grantflow.rejudging import Lookups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from walking import Way

    from grantflow.history import History

SEEDS = 10 if os.environ.get("GRANTFLOW_LONG_TESTS") == "1" else 5
FATES = ("grant", *sorted(ENDS))
_ENDED = "close"
"""Taken as a part of other steps, and by nobody on its own."""


class Lived(NamedTuple):
    """What happened, and the documents that were handed in."""

    history: History
    documents: dict[str, bytes]

    @property
    def lookups(self) -> Lookups:
        """All that judging it anew may ask for."""
        return Lookups(self.history, document=self.documents.__getitem__)


def lived(way: Way, server: str, template: str) -> Iterator[Lived]:
    """Ten lives of two cases each; then lives in which each step that nobody took yet is wished for."""
    logs.set_up("error", "json")
    seen: Counter[str] = Counter({_ENDED: 1})

    def machine() -> Lives:
        return Lives(way, lambda: fresh_database(server, template), Counter())

    for seed in range(SEEDS):
        yield _life(machine(), seed, FATES[seed % len(FATES)], "", seen)
    for number, (step, fate) in enumerate(product(way.call.process.steps, FATES * 4)):
        if step not in seen:
            yield _life(machine(), number, fate, step, seen)
    missing = set(way.call.process.steps) - set(seen)
    assert not missing, missing


def _life(machine: Lives, seed: int, fate: str, wish: str, seen: Counter[str]) -> Lived:
    with machine.opened:
        machine.begin(seed)
        machine.begin(seed + 1)
        machine.live(Random(seed), machine.cases[0], fate, wish)  # noqa: S311 - no secret
        machine._it_comes_to_an_end(machine.cases[0])
        store = machine.service.store
        history = gather(store.read(0, 100_000))
        seen.update(entry.event.stamp.step for entry in history.entries)
        kept = {one.digest for case in history.cases for m in case.moments for one in m.after.attachments}
        return Lived(history, {digest: store.get_document(digest)[1] for digest in kept})
