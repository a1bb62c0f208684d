"""At the command line: how notices stand, one in full, where mail goes; and the server's password nowhere."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from given import OSLO_KOMMUNE, START
from steps import submitted
from told import Town

from grantflow.cli.commands import run
from grantflow.settings import BadSettings, Settings

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.store import Store

NOW = START + timedelta(days=1)
URL = "smtp://grantflow:hemmelig@mail.example.no:587"


@pytest.fixture
def case(store: Store, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Give a case that somebody was told of, on the database that the command line works on."""
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", store.database_url)
    town = Town(store)
    case = town.case(*submitted())
    town.notifier().turn(NOW)
    return case


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["grantflow", *words])
    with pytest.raises(SystemExit) as ended:
        run()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out + err


def test_the_list_says_how_each_stands_and_one_is_shown_in_full(
    case: UUID, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = said(monkeypatch, capsys, "notices", "list", "--case", str(case))
    assert code == 0
    assert "in the portal" in out
    assert "out of date" in out, "nobody sends a receipt of 2023 today"
    code, out = said(monkeypatch, capsys, "notices", "list", "--status", "in the portal", "--json")
    (one,) = json.loads(out)["items"]
    assert (one["rule"], one["channel"], one["organisation"]) == ("receipt", "portal", OSLO_KOMMUNE)
    code, out = said(monkeypatch, capsys, "notices", "list", "--status", "out of date", "--json")
    (late,) = json.loads(out)["items"]
    assert (late["channel"], late["status"]) == ("email", "out of date")
    code, out = said(monkeypatch, capsys, "notices", "list", "--status", "waits", "--json")
    assert json.loads(out)["items"] == [], "what is shown as out of date does not wait"
    code, out = said(monkeypatch, capsys, "notices", "show", one["id"])
    assert code == 0
    assert "Søknaden er mottatt" in out
    code, out = said(monkeypatch, capsys, "notices", "show", "nothing")
    assert code == 1
    assert "There is no notice 'nothing'" in out


@pytest.mark.usefixtures("case")
def test_a_mailbox_is_registered_listed_and_withdrawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    who = ("--as", "0301-adviser", "--role", "applicant", "--org", OSLO_KOMMUNE)
    code, out = said(monkeypatch, capsys, "contacts", "set", "post@oslo.example.no", *who)
    assert code == 0, out
    code, out = said(monkeypatch, capsys, "contacts", "list", "--org", OSLO_KOMMUNE, "--json")
    assert json.loads(out)["items"] == [
        {"for": "everybody", "address": "post@oslo.example.no", "registered_by": OSLO_KOMMUNE}
    ]
    code, out = said(monkeypatch, capsys, "contacts", "set", "post@oslo.example.no\nBcc: x@y.no", *who)
    assert code == 1
    code, out = said(monkeypatch, capsys, "contacts", "withdraw", "--reason", "Lagt ned.", *who)
    assert code == 0, out
    code, out = said(monkeypatch, capsys, "contacts", "list", "--org", OSLO_KOMMUNE, "--json")
    assert json.loads(out)["items"] == []


def test_the_password_of_the_mail_server_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRANTFLOW_SMTP_URL", URL)
    code, out = said(monkeypatch, capsys, "settings", "--json")
    assert code == 0
    assert "smtp://grantflow:********@mail.example.no:587" in out
    assert "hemmelig" not in out
    settings = Settings.from_env({"GRANTFLOW_SMTP_URL": URL})
    assert "hemmelig" not in f"{settings.smtp!r} {settings.smtp}"
    with pytest.raises(BadSettings) as refused:
        Settings.from_env({"GRANTFLOW_SMTP_URL": URL.replace("smtp:", "http:")})
    assert "hemmelig" not in str(refused.value)
