"""A process that makes processes that deliver, so that a test can kill them: each line it reads is for one more.

It says the number of each, which the test may kill; and how each ended.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

from grantflow.accesses import AccessLog
from grantflow.service import Service
from grantflow.store import Store, Unavailable
from grantflow.webhooks import Deliverer, Targets
from grantflow.webhooks.room import Room

READY = Room  # is there before the first process is made


def deliver(database_url: str) -> None:
    """Take turns until killed."""
    with Store(database_url) as store:
        states = Service(store).states
        deliverer = Deliverer(store, states, AccessLog(store), Targets(("127.0.0.0/8",)))
        while True:
            with suppress(Unavailable):
                deliverer.turn(datetime.now(UTC))
            time.sleep(random.uniform(0.005, 0.03))  # noqa: S311


if __name__ == "__main__":
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            os.close(0)
            os.dup2(2, 1)
            deliver(sys.argv[1])
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
