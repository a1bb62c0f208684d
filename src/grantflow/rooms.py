"""Finds the two public rooms, `workflows` and `projections`: in an installed wheel, or at the checkout's top."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from grantflow.domain.errors import NotFound
from grantflow.projection import Projection
from grantflow.question import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

_HERE = Path(__file__).resolve().parent

Held = TypeVar("Held", Projection, Question)
"""What a module of the room `projections` holds one of."""


def room(name: str) -> Path:
    """The folder of a public room. FileNotFoundError when this is neither a wheel nor a checkout."""
    for top in (_HERE, _HERE.parent.parent):
        folder = top / name
        if folder.is_dir():
            return folder
    msg = f"The folder '{name}' is in neither of {_HERE} and {_HERE.parent.parent}."
    raise FileNotFoundError(msg)


def call_folders(added: Path | None) -> Sequence[Path]:
    """Every call's folder: those that ship, then those in `added` (GRANTFLOW_WORKFLOWS; calls only, code never)."""
    tops = [room("workflows") / "calls"]
    if added is not None:
        tops.append(added)
    return [found.parent for top in tops for found in sorted(top.glob("*/call.toml"))]


def call_named(named: str, added: Path | None) -> Path:
    """The folder of the call of this name. NotFound where there is none, or are two."""
    known = {folder.resolve(): folder for folder in call_folders(added)}.values()
    found = [folder for folder in known if folder.name == named.rstrip("/")]
    if len(found) > 1:
        msg = f"Two calls are called {named!r}: {' and '.join(map(str, found))}. Name the folder."
        raise NotFound(msg)
    if not found:
        names = ", ".join(folder.name for folder in known)
        msg = f"There is no folder {named[:200]!r} here, and no call of that name. There are: {names}."
        raise NotFound(msg)
    return found[0]


def projections(folder: Path | None = None) -> Sequence[Projection]:
    """Every read model in the room `projections` (or in `folder`), in the order of their files' names.

    A module holds one value, `projection`. TypeError when it does not, ValueError when two have one name.
    """
    found = _held(folder or room("projections"), "projection", Projection)
    _unlike("read models", "name", [projection.name for projection in found])
    return found


def questions(folder: Path | None = None) -> Sequence[Question]:
    """Every question in the room's folder `projections/questions` (or in `folder`), by their numbers.

    A module holds one value, `question`. TypeError when it does not, ValueError when two have one name or number.
    """
    found = _held(folder or room("projections") / "questions", "question", Question)
    _unlike("questions", "name", [question.name for question in found])
    _unlike("questions", "number", [str(question.number) for question in found])
    return sorted(found, key=lambda question: question.number)


def _unlike(what: str, which: str, known: Sequence[str]) -> None:
    if len(set(known)) < len(known):
        msg = f"Two {what} have the same {which}: {', '.join(sorted(known))}."
        raise ValueError(msg)


def _held(folder: Path, what: str, kind: type[Held]) -> list[Held]:
    """What each module of a folder holds under this name, in the order of the files' names."""
    return [_value(path, what, kind) for path in sorted(folder.glob("[a-z]*.py"))]


def _value(path: Path, what: str, kind: type[Held]) -> Held:
    name = f"grantflow_{what}_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        msg = f"{path} can't be loaded as a module."
        raise ImportError(msg)
    module = module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and structs look for what their annotations name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    value = getattr(module, what, None)
    if not isinstance(value, kind):
        msg = f"{path} must hold one value `{what}` that is a grantflow.{what}.{kind.__name__}."
        raise TypeError(msg)
    return value
