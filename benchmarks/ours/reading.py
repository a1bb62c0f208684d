"""The audit trail of a case, and a case as it stood at an instant, for cases taken at random."""

from __future__ import annotations

import argparse
import random
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from benchmarks.driving import quantile, tell
from grantflow import logs
from grantflow.domain.standing import standing
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

TRAIL = "SELECT * FROM audit_trail WHERE stream = %(case)s ORDER BY version"
CASES = "SELECT case_id FROM case_list ORDER BY md5(case_id::text || %s) LIMIT %s"


def main() -> None:
    """Measure, and answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--reads", type=int, required=True)
    parser.add_argument("--seed", default="")
    given = parser.parse_args()
    logs.set_up("error", "json")
    with closing(Store(given.address)) as store:
        projector = Projector(store, projections())
        with projector.reading() as connection:
            cases = [case for (case,) in connection.execute(CASES, (given.seed, given.reads)).fetchall()]
        draw = random.Random(given.seed)  # noqa: S311 - any case is as good as another
        known = {case: draw.choice(store.load(case)).event.stamp.recorded_at for case in cases[:200]}

        def at_an_instant(case: UUID) -> object:
            return standing(case, store.load(case), known[case])

        told = {
            "trail": _timed(lambda case: projector.rows(TRAIL, {"case": case}), cases),
            "instant": _timed(at_an_instant, list(known) * (1 + len(cases) // len(known))),
        }
        tell(told | {"cases": [str(case) for case in cases], "instants": [str(at) for at in known.values()]})


def _timed(read: Callable[[UUID], object], cases: list[UUID]) -> dict[str, Any]:
    took = []
    for case in cases:
        begun = time.perf_counter()
        read(case)
        took.append(time.perf_counter() - begun)
    took.sort()
    return {"p50_ms": quantile(took, 0.5) * 1_000, "p99_ms": quantile(took, 0.99) * 1_000}


if __name__ == "__main__":
    main()
