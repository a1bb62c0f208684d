"""Appends to a case and lets the read models follow, over and over, until it is killed.

projecting.py ADDRESS CALL: says `ready` once, and then each case whose command was acknowledged.
"""

from __future__ import annotations

import sys
from itertools import count
from uuid import uuid4

from given import OSLO_KOMMUNE, START

from grantflow import logs
from grantflow.domain.deciding import Circumstances
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request, Service
from grantflow.store import Store

if __name__ == "__main__":
    logs.set_up("error", "json")
    with Store(sys.argv[1]) as store:
        service, projector = Service(store), Projector(store, projections())
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in count():
            by = Circumstances(
                at=START,
                person="adviser",
                organisation=OSLO_KOMMUNE,
                role="applicant",
                channel="test",
                command=uuid4().hex,
            )
            receipt = service.handle(Request(step="start", call=sys.argv[2], by=by))
            sys.stdout.write(f"{receipt.case}\n")
            sys.stdout.flush()
            projector.catch_up()
