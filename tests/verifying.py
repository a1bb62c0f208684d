"""verify.py within this process: it is no part of the package, and is read from its file."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packs import KEY

from grantflow import rooms
from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.evidence import Scope, write_pack

if TYPE_CHECKING:
    from types import ModuleType

    from grantflow.store import Store

VERIFIERS = Path(__file__).parents[1] / "src/grantflow/evidence/verifiers"
VERIFY, PAGE = VERIFIERS / "verify.py", VERIFIERS / "verify.html"
CALL = "imdi-2023-tillegg"


def loaded() -> ModuleType:
    """verify.py as a module."""
    spec = importlib.util.spec_from_file_location("verify_pack", VERIFY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_pack"] = module
    spec.loader.exec_module(module)
    return module


verify = loaded()


def codes(pack: bytes, keys: tuple[str, ...] = (KEY,)) -> set[str]:
    """What is wrong with a pack, by verify.py."""
    try:
        return {
            one["code"] for one in verify.verify(BytesIO(pack), [verify.key_of(key) for key in keys]).faults
        }
    except verify.Unreadable as error:
        return {error.code}


class Real(NamedTuple):
    """Packs of a year that was lived, by what they are of, and the log's key."""

    key: str
    packs: dict[str, bytes]


def real_packs(store: Store, folder: Path) -> Real:
    """The demo's year, small, packed in every way."""
    app = App.on(store, folder / "ledger.keys")
    play(app, definition_files(rooms.room("workflows") / "calls" / CALL), Story(6, seed=7))
    note = app.ledger.seal()
    cases = [one for one in store.read(0, 10_000) if getattr(one.event, "applicant", None)]
    ways: dict[str, tuple[Scope, tuple[str, ...]]] = {
        "a call": (Scope(call=CALL), ()),
        "a case": (Scope(case=cases[0].originator_id), ()),
        **{
            f"a call without {left}": (Scope(call=CALL), (left,))
            for left in ("persons", "texts", "documents")
        },
        "a case without much": (Scope(case=cases[-1].originator_id), ("persons", "texts", "digest", "call")),
    }
    packs = {}
    for what, (scope, left_out) in ways.items():
        target = folder / "pack.zip"
        write_pack(store, note, scope, target, left_out=left_out, questions=None if what == "a call" else ())
        packs[what] = target.read_bytes()
        target.unlink()
    return Real(str(verifiers_of(packs["a call"])[0]), packs)


def verifiers_of(pack: bytes) -> list[str]:
    """The keys that a pack brings along."""
    return zipfile.ZipFile(BytesIO(pack)).read("keys.txt").decode().splitlines()
