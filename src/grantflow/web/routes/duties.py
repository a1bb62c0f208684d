"""Who keeps the duties, for those who look after the service or audit it."""

from __future__ import annotations

from litestar import get

from grantflow.rota import DutyStanding
from grantflow.web.house import TheHouse
from grantflow.web.views import Page


@get("/duties", opt={"right": "see-duties"}, sync_to_thread=True)
def list_duties(house: TheHouse) -> Page[DutyStanding]:
    """Show who keeps which duty and since when, its last run and its next, how far behind it is, its last error."""
    return Page(house.app.duties())


HANDLERS = [list_duties]
