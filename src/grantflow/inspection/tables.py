"""Small readers of tables that may hold anything, and the checks that every file shares: texts, names, references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from grantflow.inspection.source import Source, Where

    Table = Mapping[str, Any]

LANGUAGES = ("nb", "nn")
"""Both forms of Norwegian, always (språklova §§ 14, 15)."""


def text(table: Table, key: str) -> str:
    """The text at a key; empty when there is none."""
    value = table.get(key)
    return value if isinstance(value, str) else ""


def within(value: object, key: str) -> dict[str, Any]:
    """The table at a key of a table; empty when there is none."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def listed(table: Table, key: str) -> list[tuple[int, str]]:
    """The texts in the list at a key, each with its number from 0; what is no text is left out."""
    value = table.get(key)
    items = value if isinstance(value, list) else []
    return [(number, item) for number, item in enumerate(items) if isinstance(item, str)]


def texts(table: Table, key: str) -> list[str]:
    """The texts in the list at a key."""
    return [item for _, item in listed(table, key)]


def names(tables: Iterable[tuple[Where, Table]]) -> list[str]:
    """The ids of a list of tables."""
    return [name for name in (text(table, "id") for _, table in tables) if name]


def quoted(some: Iterable[str], last: str = "and") -> str:
    """Names as a sentence lists them: `'a', 'b' and 'c'`."""
    *others, final = (f"'{name}'" for name in some)
    return f"{', '.join(others)} {last} {final}" if others else final


def check_texts(source: Source, where: Where, table: Table, key: str) -> None:
    """A text by language must be there in both forms of Norwegian."""
    given = table.get(key)
    if not isinstance(given, dict):
        return
    for language in LANGUAGES:
        if not text(given, language).strip():
            source.add((*where, key), f"'{key}' has no text in {language}; both nb and nn are needed")


def check_unique(source: Source, key: str) -> None:
    """No two tables of a list have the same id."""
    seen: set[str] = set()
    for where, table in source.tables(key):
        name = text(table, "id")
        if name in seen:
            source.add((*where, "id"), f"'{name}' stands twice in {key}")
        if name:
            seen.add(name)


def check_known(  # noqa: PLR0913, PLR0917 - where it stands, what it names, and what there is
    source: Source, where: Where, table: Table, key: str, known: Collection[str], missing: str
) -> None:
    """Each name in a list must be known; `missing` begins the sentence of one that isn't: `there is no state`."""
    for number, name in listed(table, key):
        if name not in known:
            source.add((*where, key, number), f"{missing} '{name}'{nearest(name, known)}")
