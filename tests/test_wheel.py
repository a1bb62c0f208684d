"""The wheel, installed where nothing of the checkout is in sight, has the engine and both public rooms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import grantflow
from grantflow import rooms
from grantflow.definitions import definition_files
from grantflow.domain.call import Call

CHECKOUT = Path(__file__).parent.parent

LOOK = """
import json
from grantflow import definitions, rooms
from grantflow.domain.call import Call

calls = rooms.call_folders(None)
print(json.dumps({
    "rooms": [str(rooms.room(name)) for name in ("workflows", "projections")],
    "calls": [folder.name for folder in calls],
    "read": [Call.read(definitions.definition_files(folder)).digest for folder in calls],
    "projections": [projection.name for projection in rooms.projections()],
    "questions": [question.name for question in rooms.questions()],
}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GRANTFLOW_"))
    }
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=CHECKOUT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it, which borrows the libraries of the one that runs the tests."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, symlinks=True, with_pip=False)
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    run(
        uv,
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        home / "bin/python",
        wheel,
        cwd=home,
    )
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home


@pytest.fixture(scope="module")
def seen(installed: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(installed / "bin/python", "-c", LOOK, cwd=installed))
    return found


def test_both_rooms_are_found_in_the_installed_wheel(installed: Path, seen: dict[str, Any]) -> None:
    for room in seen["rooms"]:
        assert Path(room).is_relative_to(installed.resolve())


def test_the_same_calls_are_read_to_the_same_digests_as_in_the_checkout(seen: dict[str, Any]) -> None:
    folders = rooms.call_folders(None)
    assert seen["calls"] == [folder.name for folder in folders]
    assert seen["read"] == [Call.read(definition_files(folder)).digest for folder in folders]


def test_the_same_read_models_are_found_as_in_the_checkout(seen: dict[str, Any]) -> None:
    assert seen["projections"] == [projection.name for projection in rooms.projections()]
    assert seen["questions"] == [question.name for question in rooms.questions()]


def test_the_command_says_its_version(installed: Path) -> None:
    assert grantflow.__version__ in run(installed / "bin/grantflow", "--version", cwd=installed)


def test_the_wheel_holds_what_it_should_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    info = f"grantflow-{grantflow.__version__}.dist-info/"
    assert {"grantflow/py.typed", "grantflow/schema.sql", f"{info}licenses/LICENSE"} <= set(names)
    assert all(name.startswith(("grantflow/", info)) for name in names)
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name or "/tests/" in name]
