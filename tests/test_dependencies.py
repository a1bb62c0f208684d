"""What the program imports is what it asks for, locked with hashes, and each has a reason written down."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

CHECKOUT = Path(__file__).parent.parent
LOCKS = ("runtime.txt", "dev.txt")


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(*, extras: bool = False) -> set[str]:
    """What every installation has; with `extras`, what some ask for beside it too."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"].values() if extras else ())]
    return {normal(re.split(r"[\[<>=~!; ]", line)[0]) for lines in lists for line in lines}


def imported(paths: Iterable[Path]) -> dict[str, str]:
    """Each foreign package that is imported, and one file that does."""
    found: dict[str, str] = {}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                found.setdefault(name.partition(".")[0], path.name)
    return {
        package: file
        for package, file in found.items()
        if package not in sys.stdlib_module_names and package != "grantflow"
    }


def test_what_the_engine_imports_is_what_it_asks_for() -> None:
    distributions = packages_distributions()
    asked = asked_for(extras=True)
    for package, file in imported((CHECKOUT / "src").rglob("*.py")).items():
        owners = {normal(owner) for owner in distributions[package]}
        assert owners & asked, f"{file} imports {package}, which pyproject.toml does not ask for"


def test_every_dependency_has_its_reason_written_down() -> None:
    reasons = (CHECKOUT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert not {name for name in asked_for(extras=True) if f"`{name}" not in reasons}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked_with_hashes_and_without_naming_an_index(lock: str) -> None:
    text = (CHECKOUT / "requirements" / lock).read_text(encoding="utf-8")
    pinned = {normal(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    assert asked_for() <= pinned
    assert "://" not in text
    assert "index" not in text
    for entry in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry
