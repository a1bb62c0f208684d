"""Finds the two public rooms, `workflows` and `projections`: in an installed wheel, or at the checkout's top."""

from __future__ import annotations

import os
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


def call_folders() -> Sequence[Path]:
    """Every call's folder: those that ship, then those under GRANTFLOW_WORKFLOWS (calls only; code never)."""
    tops = [room("workflows") / "calls"]
    extra = os.environ.get("GRANTFLOW_WORKFLOWS")
    if extra:
        tops.append(Path(extra))
    return [folder for top in tops if top.is_dir() for folder in sorted(top.iterdir()) if folder.is_dir()]


def projections() -> Sequence[Projection]:
    """Every read model that stands in the room `projections`, by name. A module holds one value, `projection`."""
    return [_projection(path) for path in sorted(room("projections").glob("[a-z]*.py"))]


def _projection(path: Path) -> Projection:
    spec = spec_from_file_location(f"grantflow_projection_{path.stem}", path)
    if spec is None or spec.loader is None:
        msg = f"{path} can't be loaded as a module."
        raise ImportError(msg)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    projection = getattr(module, "projection", None)
    if not isinstance(projection, Projection):
        msg = f"{path} must hold one value `projection` that is a grantflow.projection.Projection."
        raise ImportError(msg)
    return projection
