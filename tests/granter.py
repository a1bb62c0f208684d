"""Grants cases from many threads at once, as often as it is told to.

granter.py ADDRESS: for each line on standard input, the identifiers of cases, it grants all of them in the same
instant, a thread each, and answers with a line: a code for each, in their order (`granted`, or the refusal's).
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

from given import IMDI
from steps import AFTER_DEADLINE, grant

from grantflow import logs
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import Refused
from grantflow.service import Request, Service
from grantflow.store import Store

THREADS = 16


def code(service: Service, case: UUID, start: Barrier) -> str:
    """Wait for the others, then grant; what came of it."""
    by = Circumstances(
        at=AFTER_DEADLINE.replace(hour=20),
        person="imdi-decider",
        organisation=IMDI,
        role="decider",
        channel="test",
        command=uuid4().hex,
    )
    request = Request(step="grant", case=case, data=grant().data, by=by)
    start.wait()
    try:
        return service.handle(request).state
    except Refused as refusal:
        return refusal.code


if __name__ == "__main__":
    logs.set_up("error", "json")
    with Store(sys.argv[1]) as store, ThreadPoolExecutor(THREADS) as threads:
        service = Service(store)
        for line in sys.stdin:
            cases = [UUID(case) for case in line.split()]
            start = Barrier(len(cases))
            codes = threads.map(lambda case, start=start: code(service, case, start), cases)
            sys.stdout.write(" ".join(codes) + "\n")
            sys.stdout.flush()
