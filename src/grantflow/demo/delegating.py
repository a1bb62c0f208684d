"""Who may do what: budget authority and lines at the directorate, a municipality's own delegations (R22; fvl § 6)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from grantflow.delegating import Delegate
from grantflow.demo.people import DECIDERS, authority
from grantflow.demo.stage import oslo

if TYPE_CHECKING:
    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Stage

MOST = "3500000.00"
"""What one decision may come to under each decider's authority."""
OLD, NEW = "KS 21/007", "KS 22/118"
"""A municipality's two delegations: one that has run out, and one in force."""


def delegate_budgets(stage: Stage, imdi: Directorate) -> None:
    """Each decider has the year's appropriation in writing, up to an amount; nobody gives it to themselves."""
    delegating, at = stage.app.service.authority, oslo("2023-08-10", "15:00")
    for number in range(DECIDERS):
        asked = Delegate(
            reference=authority(number),
            scope="budget",
            person=imdi.decider(number).person,
            issued_by="direktøren",
            valid_from=date(2023, 1, 1),
            valid_to=date(2024, 12, 31),
            appropriation=stage.call.appropriation,
            limit=MOST,
        )
        stage.apart(at, delegating.delegate, asked, by=imdi.lead())
    own = msgspec.structs.replace(asked, reference="IMDi-2023-099", person=imdi.lead().person)
    with stage.refusing("not-allowed"):
        stage.apart(at, delegating.delegate, own, by=imdi.lead())
    stage.apart(at, delegating.name_superior, imdi.decider(0).person, imdi.head().person, by=imdi.lead())


def delegate_approval(stage: Stage, case: Case) -> None:
    """The municipal director lets an employee approve: one delegation ran out in June, the other is in force."""
    employee = case.by("director")
    director = msgspec.structs.replace(employee, person=f"{employee.organisation}-municipal-director")
    old = Delegate(
        reference=OLD,
        scope="approval",
        person=employee.person,
        issued_by="kommunedirektøren",
        valid_from=date(2021, 1, 1),
        valid_to=date(2023, 6, 30),
    )
    new = msgspec.structs.replace(old, reference=NEW, valid_from=date(2022, 1, 1), valid_to=None)
    for asked in (old, new):
        stage.apart(oslo("2023-08-21", "10:00"), stage.app.service.authority.delegate, asked, by=director)
