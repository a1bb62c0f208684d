"""Read models made anew in this process: one, or all one after another as `grantflow projections rebuild` does."""

from __future__ import annotations

import argparse
import time
from contextlib import closing

from benchmarks.driving import tell
from grantflow import logs
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.store import Store


def main() -> None:
    """Measure, and answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--name", default="")
    given = parser.parse_args()
    logs.set_up("error", "json")
    with closing(Store(given.address)) as store:
        projector = Projector(store, projections())
        took = {}
        for name in [given.name] if given.name else sorted(projector.projections):
            begun = time.perf_counter()
            projector.rebuild(name)
            took[name] = time.perf_counter() - begun
        events = store.last_position()
    seconds = sum(took.values())
    tell({"events": events, "seconds": seconds, "per_second": events / seconds, "took": took})


if __name__ == "__main__":
    main()
