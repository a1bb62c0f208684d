"""What the command line loads before it is needed: only what the answer takes, so that help comes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).parent / "grantflow")
HEAVY = {
    "apscheduler",
    "asyncio",
    "cel",
    "cryptography",
    "eventsourcing",
    "uvicorn",
    "httpx",
    "jinja2",
    "jsonschema_rs",
    "litestar",
    "prompt_toolkit",
    "psycopg",
    "structlog",
}
"""What commands work with. A command that needs some of it imports it when it runs, and not before."""
OF_OURS = {
    "grantflow.app",
    "grantflow.domain.call",
    "grantflow.sayings",
    "grantflow.service",
    "grantflow.store",
}
"""Modules of ours that bring much of it with them."""


def loaded_by(*words: str) -> set[str]:
    """The modules that the real command imports: Python names each on standard error when it is asked to."""
    asked = [sys.executable, "-X", "importtime", COMMAND, *words]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("case", "--help"),
        ("case", "show", "--help"),
        ("call", "publish", "--help"),
        ("ledger", "verify", "--help"),
        ("import", "--help"),
        ("replay", "--help"),
        ("serve", "--help"),
    ],
)
def test_help_loads_nothing_that_only_a_commands_work_needs(words: tuple[str, ...]) -> None:
    loaded = loaded_by(*words)
    assert "grantflow.cli.commands" in loaded, "what was loaded can be read"
    assert not HEAVY & {name.partition(".")[0] for name in loaded}
    assert not OF_OURS & loaded


def test_the_version_is_told_without_even_the_commands() -> None:
    loaded = loaded_by("--version")
    assert "grantflow" in loaded
    assert not {"typer", "rich", "msgspec", "grantflow.cli.commands"} & loaded
