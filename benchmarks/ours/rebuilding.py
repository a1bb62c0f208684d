"""Read models made anew in this process: one, all together as `grantflow projections rebuild` does, or one by one."""

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
    parser.add_argument("--each", action="store_true", help="afterwards each alone, too")
    given = parser.parse_args()
    logs.set_up("error", "json")
    with closing(Store(given.address)) as store:
        projector = Projector(store, projections())
        names = [given.name] if given.name else sorted(projector.projections)
        begun = time.perf_counter()
        projector.rebuild(*names)
        seconds = time.perf_counter() - begun
        took = {}
        for name in names if given.each else ():
            begun = time.perf_counter()
            projector.rebuild(name)
            took[name] = time.perf_counter() - begun
        events = store.last_position()
    tell({"events": events, "seconds": seconds, "per_second": events / seconds, "took": took})


if __name__ == "__main__":
    main()
