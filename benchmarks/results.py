"""What was measured: rows of ours beside another's, in the same round each time, and figures that stand alone."""

from __future__ import annotations

from statistics import median

import msgspec


class Row(msgspec.Struct, kw_only=True):
    """Ours beside another's. The ratio is the median of the rounds' own ratios."""

    id: str
    what: str
    beside: str
    unit: str
    ours: list[float]
    theirs: list[float]
    higher_is_better: bool = True
    note: str = ""
    ratio: float = 0.0
    ratio_from: float = 0.0
    ratio_to: float = 0.0

    def settled(self) -> Row:
        """The row with its ratios worked out."""
        ratios = [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True) if theirs]
        self.ratio = median(ratios) if ratios else 0.0
        self.ratio_from, self.ratio_to = min(ratios, default=0.0), max(ratios, default=0.0)
        return self


class Figure(msgspec.Struct, kw_only=True):
    """A figure that stands alone."""

    id: str
    what: str
    unit: str
    values: list[float]
    note: str = ""

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return median(self.values)


class Results(msgspec.Struct, kw_only=True):
    """A whole run."""

    made_at: str
    scale: str
    rounds: int
    machine: dict[str, str]
    versions: dict[str, str]
    rows: list[Row] = []
    figures: list[Figure] = []

    def add(self, *found: Row | Figure) -> None:
        """Take in what a section found."""
        for one in found:
            if isinstance(one, Row):
                self.rows.append(one.settled())
            else:
                self.figures.append(one)


def described(value: float) -> str:
    """A number as people read it: three digits that count, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"
