"""docs/calls.md as the tests read it: its blocks with the notes above them, its tables, and the worked calls."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from grantflow.definitions import definition_files
from grantflow.domain import lifecycle as _with_every_command  # noqa: F401
from grantflow.domain.call import Call

CHECKOUT = Path(__file__).parent.parent
WORKED = CHECKOUT / "docs" / "calls"
NAMES = ("sprakkafe-2027", "samarbeid-2027", "skisser-2027")
PAGE = (CHECKOUT / "docs" / "calls.md").read_text(encoding="utf-8")
ROGALAND = "971045698"
GROUNDS = {"rule": "Utlysningen.", "facts": "Planen er god.", "considerations": "Blant de beste."}
CONFIRMED = {"legal_basis": True, "budget_cover": True, "economically_sound": True}
_FENCED = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(msgspec.Struct, frozen=True):
    """A fenced block of the page: what kind it is, what the invisible note above it says, and its text."""

    kind: str
    note: str
    text: str


def blocks(kind: str = "", note: str = "") -> list[Block]:
    """The page's blocks of a kind whose note begins so, in order."""
    found = [Block(one["kind"], one["note"] or "", one["text"]) for one in _FENCED.finditer(PAGE)]
    return [one for one in found if kind in ("", one.kind) and one.note.startswith(note)]


@cache
def worked(name: str) -> Call:
    """A worked call, read from its folder once."""
    return Call.read(definition_files(WORKED / name))


def written(folder: Path, block: Block) -> str:
    """Do with the files of a folder as a block says: change one, write one, or add to one. Gives its name, if any."""
    how, _, name = block.note.partition(": ")
    if block.kind == "diff":
        name = block.text.split()[1]
        _change(folder / name, block.text)
    elif how == "file":
        (folder / name).write_text(block.text, encoding="utf-8")
    elif how == "append":
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(block.text)
    else:
        return ""
    return name


def _change(file: Path, diff: str) -> None:
    """The lines that go out are there once, in a row; those that come in may be more or fewer."""
    text = "\n" + file.read_text(encoding="utf-8")
    for taken, put in re.findall(r"((?:^-(?!-).*\n)+)((?:^\+.*\n)*)", diff, re.MULTILINE):
        old, new = (re.sub(r"^[-+]", "", lines, flags=re.MULTILINE) for lines in (taken, put))
        assert text.count(f"\n{old}") == 1, old
        text = text.replace(f"\n{old}", f"\n{new}")
    file.write_text(text[1:], encoding="utf-8")


def made_on_the_page(folder: Path, name: str) -> Path:
    """The call that the page makes under this name, out of the worked call that it copies."""
    (made_of,) = re.findall(rf"^\$ cp -r docs/calls/([^/\s]+) {name}$", PAGE, re.MULTILINE)
    shutil.copytree(WORKED / made_of, folder / name)
    for inner in re.findall(rf"^\$ cp -r docs/calls/(\S+)/forms {name}$", PAGE, re.MULTILINE):
        shutil.copytree(WORKED / inner / "forms", folder / name / "forms")
    for block in blocks():
        about = block.text.split()[1] if block.kind == "diff" else block.note.rpartition(": ")[2]
        if about.startswith(f"{name}/"):
            written(folder, block)
    return folder / name


def without(process: str, step: str) -> str:
    """A process.toml without one step, wherever it is named."""
    kept = re.sub(rf'^  {{ id = "{step}".*\n', "", process, flags=re.MULTILINE)
    assert kept != process, step
    return kept


def section(heading: str) -> str:
    """The page's text from a heading to the next of any level."""
    found = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", BARE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{len(found)} sections are called {heading}"
    return str(found[0])


BARE = _FENCED.sub("", PAGE)
"""The page without its blocks, where lines may begin with anything."""


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a text, by what stands in backticks in their first cell."""
    cells = (
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| `")
    )
    return {re.split("`", one[0])[1]: [cell.strip(" |") for cell in one] for one in cells}


def in_ticks(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def at(day: int, month: int = 2, hour: int = 8) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)
