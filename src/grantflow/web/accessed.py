"""Who read what: written down, durably, before the answer is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.access import Access
from grantflow.web.asking import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from grantflow.domain.access import Did
    from grantflow.web.caller import Caller
    from grantflow.web.house import House


def noted(
    house: House,
    caller: Caller,
    did: Did,
    what: str,
    *,
    case: UUID | None = None,
    call: str = "",
    cases: Sequence[UUID] = (),
    count: int = 0,
) -> None:
    """Write down that the caller is about to be shown a case, the cases of a list, or so many that none is named."""
    access = Access(
        at=house.clock(),
        person=caller.identity.person,
        organisation=caller.identity.organisation,
        role=", ".join(caller.identity.roles),
        channel=CHANNEL,
        did=did,
        what=what,
        case=case,
        call=call or None,
        request=caller.request_id or None,
        cases=tuple(cases),
        count=count,
    )
    house.app.accesses.record([access]).result()
