"""docs/identity.md: its file is one that is read as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from grantflow.identity.issuers import read_issuers

PAGE = (Path(__file__).parent.parent / "docs" / "identity.md").read_text(encoding="utf-8")


def test_the_file_of_issuers_on_the_page_is_read_as_it_stands(tmp_path: Path) -> None:
    found = re.search(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    file = tmp_path / "issuers.toml"
    file.write_text(found[1], encoding="utf-8")
    people, municipalities, programs = read_issuers(file)
    assert people.organisation == "987879696"
    assert municipalities.roles["urn:altinn:resource:tilskudd-soker"] == "applicant"
    assert programs.machine
    assert programs.scopes["imdi:tilskudd.events"] == "events"


def test_the_page_names_every_key_there_is() -> None:
    from grantflow.identity.issuer import Issuer  # noqa: PLC0415 - only for its fields

    for field in Issuer.__struct_fields__:
        assert f"`{field}`" in PAGE or f"[issuers.{field}]" in PAGE, field
