"""A follower that reads on from the last position it saw misses nothing, whoever writes, and however many."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from grantflow.store import Store

pytestmark = pytest.mark.usefixtures("noted_is_known")

APPENDER = str(Path(__file__).with_name("appender.py"))
PROCESSES, STORES, COMMANDS = 4, 4, 3_126
EVENTS = PROCESSES * STORES * COMMANDS * 2  # one, two or three each, in turn


def test_sixteen_connections_write_100_000_events_and_a_follower_misses_none(store: Store) -> None:
    command = [sys.executable, APPENDER, store.database_url, str(STORES), str(COMMANDS), "16"]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(PROCESSES)]
    try:
        seen, versions, lengths = 0, defaultdict[UUID, int](int), set()
        while seen < EVENTS:
            assert store.wait(seen, seconds=20) > seen, f"nothing came after {seen}"
            entries = store.read(seen, 5_000)
            lengths.add(len(entries))
            for entry in entries:
                seen += 1
                versions[entry.originator_id] += 1
                assert entry.position == seen
                assert entry.originator_version == versions[entry.originator_id]
        assert [process.wait(20) for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert seen == store.last_position() == EVENTS >= 100_000
    assert len(lengths) > 10, "it was not reading while they wrote"
