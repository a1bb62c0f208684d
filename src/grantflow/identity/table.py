"""A table of the issuers' file: reads values of the right kind, and notes each that isn't, with where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Table:
    """A table and its place in the file. What is wrong goes into `faults`; what is read instead is empty."""

    def __init__(self, values: dict[str, Any], place: str, faults: list[str]) -> None:
        self.values = values
        self._place = place
        self._faults = faults

    def fault(self, name: str, what: str) -> None:
        """Note what is wrong with a value."""
        self._faults.append(f"{self._at(name)} {what}")

    def only(self, names: Collection[str]) -> None:
        """Note every key that is none of these."""
        for name in self.values:
            if name not in names:
                self.fault(name, f"is not known; there are {', '.join(names)}")

    def flag(self, name: str) -> bool:
        """A true or false; false when absent."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            self.fault(name, "must be true or false")
        return value is True

    def text(self, name: str, *, needed: bool = False) -> str:
        """A text of one line; empty when absent."""
        value = self.values.get(name)
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or not value or not value.isprintable() or value != value.strip():
            self.fault(name, "must be a text of one line")
            return ""
        return value

    def texts(self, name: str, *, needed: bool = False, of: Sequence[str] = ()) -> tuple[str, ...] | None:
        """One text or a list of them, each one of `of` where that is given; None when absent."""
        value = self.values.get(name)
        if value is None and not needed:
            return None
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not found or not all(isinstance(one, str) and one for one in found):
            self.fault(name, "must be a text, or a list of texts")
            return None
        for one in found:
            if of and one not in of:
                self.fault(name, f"holds {one!r}; there are {', '.join(of)}")
        return tuple(found)

    def words(self, name: str, meanings: Sequence[str], *, needed: bool = False) -> dict[str, str]:
        """A table from the issuer's words to ours."""
        inner = self.table(name)
        if needed and not inner.values:
            self.fault(name, f"must say which of the issuer's words means which of {', '.join(meanings)}")
        for word, meaning in inner.values.items():
            if meaning not in meanings:
                inner.fault(word, f"is {meaning!r}; there are {', '.join(meanings)}")
        return {word: meaning for word, meaning in inner.values.items() if meaning in meanings}

    def table(self, name: str) -> Table:
        """A table in this one; an empty one when absent."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            self.fault(name, f"must be a table [{self._place.partition('[')[0]}.{name}]")
            value = {}
        return Table(value, self._at(name), self._faults)

    def tables(self, name: str) -> list[Table]:
        """The tables of a list, numbered from 1 as people count."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fault(name, f"must be tables [[{name}]]")
            return []
        return [Table(one, f"{name}[{number}]", self._faults) for number, one in enumerate(value, start=1)]

    def _at(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name
