"""Finds the two public rooms, `workflows` and `projections`: in an installed wheel, or at the checkout's top."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from grantflow.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

_HERE = Path(__file__).resolve().parent


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


def projections(folder: Path | None = None) -> Sequence[Projection]:
    """Every read model in the room `projections` (or in `folder`), in the order of their files' names.

    A module holds one value, `projection`. TypeError when it does not, ValueError when two have one name.
    """
    found = [_projection(path) for path in sorted((folder or room("projections")).glob("[a-z]*.py"))]
    names = [projection.name for projection in found]
    if len(set(names)) < len(names):
        msg = f"Two read models have the same name: {', '.join(sorted(names))}."
        raise ValueError(msg)
    return found


def _projection(path: Path) -> Projection:
    name = f"grantflow_projection_{path.stem}"
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
    projection = getattr(module, "projection", None)
    if not isinstance(projection, Projection):
        msg = f"{path} must hold one value `projection` that is a grantflow.projection.Projection."
        raise TypeError(msg)
    return projection
