"""Appends to a log from several stores at once, and says on standard output what it was promised is kept.

appender.py ADDRESS STORES COMMANDS IN-FLIGHT: each command appends to one, two or three streams, in turn.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import TYPE_CHECKING
from uuid import uuid4

from noted import Noted, append, noted

from grantflow.domain.event import EVENT_TYPES
from grantflow.store import Appended, Store

if TYPE_CHECKING:
    from concurrent.futures import Future

EVENT_TYPES[Noted.topic] = Noted
said = threading.Lock()


def settle(key: str, future: Future[Appended]) -> None:
    """Wait for an answer and say it, in one write."""
    positions = future.result().positions
    with said:
        sys.stdout.write(f"{key} {positions[0]} {positions[-1]}\n")
        sys.stdout.flush()


def write(address: str, commands: int, in_flight: int) -> None:
    """Append from a store of one's own, to streams of one's own."""
    with Store(address, readers=1) as store:
        streams = {uuid4(): 0 for _ in range(max(3, in_flight // 4))}
        ids = list(streams)
        waiting: deque[tuple[str, Future[Appended]]] = deque()
        for n in range(commands):
            entries = []
            for stream in (ids[(n + k) % len(ids)] for k in range(n % 3 + 1)):
                streams[stream] += 1
                entries.append(noted(stream, streams[stream]))
            command = append(*entries)
            waiting.append((command.key, store.append(command)))
            if len(waiting) >= in_flight:
                settle(*waiting.popleft())
        while waiting:
            settle(*waiting.popleft())


if __name__ == "__main__":
    address, stores, commands, in_flight = sys.argv[1], *map(int, sys.argv[2:])
    threads = [threading.Thread(target=write, args=(address, commands, in_flight)) for _ in range(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
