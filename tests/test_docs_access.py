"""docs/access.md says what the service goes by: it is made of the same table."""

from __future__ import annotations

from pathlib import Path

from grantflow.domain.roles import CALLERS
from grantflow.domain.step_roles import ROLES_OF
from grantflow.web.access_page import MADE_BY, page
from grantflow.web.rights import RIGHTS

PAGE = Path(__file__).parent.parent / "docs" / "access.md"


def test_the_page_is_what_the_table_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"the table has changed; make the page anew: {MADE_BY}"


def test_the_page_names_every_right_role_and_step() -> None:
    told = page()
    for named in (*RIGHTS, *ROLES_OF):
        assert f"| `{named}`" in told
    for role in CALLERS:
        assert f"\n| {role} |" in told
