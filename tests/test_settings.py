"""What can be set, what is refused, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from grantflow.settings import SETTINGS, BadSettings, Settings


def test_an_empty_environment_gives_the_embedded_database_in_the_present_folder() -> None:
    settings = Settings.from_env({})
    assert settings.home == Path(".grantflow")
    assert settings.database_url == ""
    assert settings.database == "grantflow"
    assert settings.workflows is None
    assert (settings.log_level, settings.log_format) == ("auto", "auto")


def test_what_the_environment_says_holds(tmp_path: Path) -> None:
    said = {
        "GRANTFLOW_HOME": str(tmp_path / "new"),
        "GRANTFLOW_DATABASE": "prove",
        "GRANTFLOW_WORKFLOWS": str(tmp_path),
        "GRANTFLOW_LOG_LEVEL": "Debug",
        "GRANTFLOW_LOG_FORMAT": "JSON",
        "PATH": "/usr/bin",
    }
    settings = Settings.from_env(said)
    assert settings.home == tmp_path / "new"
    assert settings.database == "prove"
    assert settings.workflows == tmp_path
    assert (settings.log_level, settings.log_format) == ("debug", "json")


def test_a_variable_set_to_nothing_is_not_set() -> None:
    assert Settings.from_env({"GRANTFLOW_HOME": " "}) == Settings.from_env({})


def test_the_home_folder_of_the_user_is_understood() -> None:
    assert Settings.from_env({"GRANTFLOW_HOME": "~/grants"}).home == Path.home() / "grants"


def test_an_unknown_variable_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(BadSettings, match=r"GRANTFLOW_DATABSE_URL is not a setting.*GRANTFLOW_DATABASE_URL"):
        Settings.from_env({"GRANTFLOW_DATABSE_URL": "postgresql://somewhere/grants"})


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadSettings) as refusal:
        Settings.from_env(
            {
                "GRANTFLOW_HOME": __file__,
                "GRANTFLOW_LOG_FORMAT": "xml",
                "GRANTFLOW_WORKFLOWS": "/no/such/folder",
                "GRANTFLOW_DATABASE": "a;b",
            }
        )
    for name in ("GRANTFLOW_HOME", "GRANTFLOW_LOG_FORMAT", "GRANTFLOW_WORKFLOWS", "GRANTFLOW_DATABASE "):
        assert name in refusal.value.detail


def test_an_address_that_is_none_is_refused_without_repeating_it() -> None:
    with pytest.raises(BadSettings) as refusal:
        Settings.from_env({"GRANTFLOW_DATABASE_URL": "postgres//grants:hemmelig@db"})
    assert "GRANTFLOW_DATABASE_URL" in refusal.value.detail
    assert "hemmelig" not in refusal.value.detail


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://grants:hemmelig@db.example/grants",
        "postgresql://grants@db.example/grants?password=hemmelig&sslpassword=hemmelig",
        "host=db.example user=grants password=hemmelig",
    ],
)
def test_a_password_is_masked_wherever_it_stands(address: str) -> None:
    settings = Settings.from_env({"GRANTFLOW_DATABASE_URL": address})
    shown = {row.name: row.value for row in settings.rows()}["GRANTFLOW_DATABASE_URL"]
    assert "hemmelig" not in shown
    assert "db.example" in shown
    assert settings.database_url == address


def test_every_setting_is_shown_with_its_source_and_meaning() -> None:
    rows = Settings.from_env({"GRANTFLOW_DATABASE": "mine"}).rows()
    assert [row.name for row in rows] == [setting.name for setting in SETTINGS]
    assert all(row.meaning for row in rows)
    assert [(row.name, row.value) for row in rows if row.source == "environment"] == [
        ("GRANTFLOW_DATABASE", "mine")
    ]
