"""The ledger: checkpoints, and proofs for whoever has a receipt or an older checkpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from litestar import Response, get
from litestar.params import Parameter

from grantflow.domain.announcement import CallEvent
from grantflow.domain.application import CaseEvent
from grantflow.domain.errors import BadRequest, NotFound
from grantflow.following import outside
from grantflow.ledger.book import Consistency, Inclusion
from grantflow.shielding import shown
from grantflow.web.accessed import noted
from grantflow.web.caller import caller_of
from grantflow.web.cases import no_such_case, seen
from grantflow.web.house import AnyRequest, TheHouse

if TYPE_CHECKING:
    from grantflow.domain.event import Event
    from grantflow.web.caller import Caller

_EVENT = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[.][1-9][0-9]{0,14}$"


@get("/ledger/checkpoint", opt={"right": "read-calls"}, sync_to_thread=True, media_type="text/plain")
def checkpoint(house: TheHouse) -> Response[str]:
    """Give the newest checkpoint: a signed note. Keep it where nobody here can change it."""
    return Response(house.app.ledger.checkpoint(), media_type="text/plain; charset=utf-8")


@get("/ledger/proofs/inclusion", opt={"right": "read-case"}, sync_to_thread=True)
def inclusion(
    request: AnyRequest,
    house: TheHouse,
    event: Annotated[
        str, Parameter(pattern=_EVENT, description="The event, as its receipt names it (STREAM.VERSION).")
    ],
    digest: Annotated[
        str,
        Parameter(
            pattern="^([0-9a-f]{64})?$", description="The digest in the receipt, held against what is stored."
        ),
    ] = "",
) -> Inclusion:
    """Exchange a receipt for a proof that the event is in the log, which anybody can check.

    Of a case, a call, or what your own organisation has done else (delegations, mailboxes); auditors: of all events.
    """
    if re.fullmatch(_EVENT, event) is None:
        msg = "'event' must be as a receipt names it: STREAM.VERSION."
        raise BadRequest(msg)
    stream, _, version = event.partition(".")
    caller, named = caller_of(request), UUID(stream)
    entries = house.app.store.load(named, int(version) - 1)[:1]
    if entries and not isinstance(entries[0].event, CaseEvent):
        if not _theirs(caller, entries[0].event):
            raise no_such_case()
        return house.app.ledger.prove(event, digest=digest)
    found = seen(house, caller, stream)
    if not entries or not shown(
        entries[0].event, found.call, outside=outside(caller.identity.roles, found.related)
    ):
        msg = "There is no such event."
        raise NotFound(msg)
    noted(house, caller, "read", f"proof {event}", case=named)
    return house.app.ledger.prove(event, digest=digest)


def _theirs(caller: Caller, event: Event) -> bool:
    """Whether somebody may know of an event that is in no case: what a call says, what their organisation has done."""
    return (
        "auditor" in caller.identity.roles
        or isinstance(event, CallEvent)
        or event.stamp.organisation == caller.identity.organisation
    )


@get("/ledger/proofs/consistency", opt={"right": "read-calls"}, sync_to_thread=True)
def consistency(
    house: TheHouse,
    old: Annotated[int, Parameter(ge=0, le=2**53, description="The size of the checkpoint you have.")],
    new: Annotated[
        int, Parameter(ge=0, le=2**53, description="The size of a later one; 0 for the newest.")
    ] = 0,
) -> Consistency:
    """Prove that the log only grew between two checkpoints."""
    return house.app.ledger.consistency(old, new or None)


HANDLERS = [checkpoint, inclusion, consistency]
