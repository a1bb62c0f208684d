"""A process as one SVG file that needs nothing else: the ordinary life straight down, its other ends to the right."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import msgspec

from grantflow.domain.process import BEGINNING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from grantflow.drawing.picture import Box, Picture, Way

_WIDTH, _LINE, _PADDING = 300, 15, 12
_GAP, _COLUMN, _MARGIN, _LEFT = 40, 780, 40, 260
_STRAIGHT = 250
"""How far a way to the other column runs straight, under its text."""
_WITHIN, _LABEL, _APART = 46, 58, 20
_INK, _PASSED, _PAPER, _SOFT = "#1b2733", "#0b5c8a", "#ffffff", "#eef2f5"
_STYLE = (
    "text{font:13px system-ui,'Noto Sans',sans-serif;fill:#1b2733}.name{font-weight:700;font-size:15px}"
    ".small{font-size:12px}.title{font-weight:700;font-size:18px}.passed{font-weight:700;fill:#0b5c8a}"
)


class Place(msgspec.Struct, frozen=True):
    """Where a box stands: its left upper corner and size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """Its middle from left to right."""
        return self.x + self.width // 2


class Line(msgspec.Struct, frozen=True):
    """How a way runs, and where its text stands."""

    path: str
    x: int
    y: int
    anchor: str = "start"


_DESCRIBED = {
    "nb": "{} tilstander, {} veier mellom dem",
    "nn": "{} tilstandar, {} vegar mellom dei",
    "en": "{} states, {} ways between them",
}


def svg(picture: Picture) -> str:
    """The picture as SVG text."""
    places, height = _places(picture)
    width = max((place.x + place.width for place in places.values()), default=0) + _MARGIN
    described = _DESCRIBED[picture.language].format(len(picture.boxes) - 1, len(picture.ways))
    parts = [
        _opening(width, height, picture.language),
        f'<title id="title">{escape(picture.title)}</title>',
        f'<desc id="desc">{escape(described)}</desc>',
        f"<style>{_STYLE}</style>",
        _marker("arrow", _INK),
        _marker("arrow-passed", _PASSED),
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>',
        f'<text class="title" x="{_MARGIN}" y="{_MARGIN}">{escape(picture.title)}</text>',
    ]
    parts += [line for way in picture.ways for line in _way(way, places, picture.ways)]
    parts += [line for box in picture.boxes for line in _box(box, places[box.id])]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _places(picture: Picture) -> tuple[Mapping[str, Place], int]:
    """One row a rank: the state that leads on in the first column, the ends of a case in the second."""
    places: dict[str, Place] = {}
    y = _MARGIN * 2
    for rank in sorted({box.rank for box in picture.boxes}):
        row = [box for box in picture.boxes if box.rank == rank]
        leading = [box for box in row if not box.final] or row[:1]
        bottom = y
        for column, boxes in (
            (_LEFT, leading),
            (_LEFT + _COLUMN, [box for box in row if box not in leading]),
        ):
            below = y
            for box in boxes:
                places[box.id] = Place(column, below, _WIDTH, _height(box, picture))
                below += places[box.id].height + _GAP
            bottom = max(bottom, below - _GAP)
        y = bottom + _room(picture.ways, row)
    return places, y


def _room(ways: Sequence[Way], row: Sequence[Box]) -> int:
    """Enough below a row for the texts of the ways that leave it."""
    here = {box.id for box in row}
    lines = sum(len(_lines(way)) for way in ways if way.origin in here or way.target in here)
    return _GAP + lines * _LINE // 2 + _LINE


def _height(box: Box, picture: Picture) -> int:
    """Enough for what stands in it, and for the ways that reach its side."""
    if box.id == BEGINNING:
        return 20
    ends = {other.id for other in picture.boxes if other.final}
    sideways = [
        w for w in picture.ways if box.id in (w.origin, w.target) and (w.origin in ends) != (w.target in ends)
    ]
    return max(_PADDING * 2 + _LINE + len(_within(box)) * _LINE, (len(sideways) + 1) * _APART)


def _within(box: Box) -> list[str]:
    return textwrap.wrap(", ".join(box.within).lower(), _WITHIN)


def _lines(way: Way) -> list[str]:
    return [line for step in way.steps for line in textwrap.wrap(step, _LABEL)]


def _box(box: Box, place: Place) -> Iterator[str]:
    if box.id == BEGINNING:
        yield f'<circle cx="{place.middle}" cy="{place.y + 10}" r="9" fill="{_INK}"/>'
        return
    colour, thick = (_PASSED, 4) if box.passed else (_INK, 1.5)
    yield (
        f'<rect x="{place.x}" y="{place.y}" width="{place.width}" height="{place.height}" rx="10" fill="{_SOFT}" '
        f'stroke="{colour}" stroke-width="{thick}" data-state="{escape(box.id)}" '
        f'data-passed="{str(box.passed).lower()}"/>'
    )
    if box.final:
        yield (
            f'<rect x="{place.x + 4}" y="{place.y + 4}" width="{place.width - 8}" height="{place.height - 8}" rx="7" '
            f'fill="none" stroke="{colour}" stroke-width="1"/>'
        )
    y = place.y + _PADDING + _LINE - 2
    yield f'<text class="name" x="{place.middle}" y="{y}" text-anchor="middle">{escape(box.name)}</text>'
    for line in _within(box):
        y += _LINE
        yield f'<text class="small" x="{place.middle}" y="{y}" text-anchor="middle">{escape(line)}</text>'


def _way(way: Way, places: Mapping[str, Place], ways: Sequence[Way]) -> Iterator[str]:
    origin, target = places[way.origin], places[way.target]
    if target.x != origin.x:
        line = _across(way, places, ways)
    else:
        line = _down(origin, target) if target.y > origin.y else _back(origin, target)
    colour, thick, marker = (_PASSED, 3, "arrow-passed") if way.passed else (_INK, 1.2, "arrow")
    yield (
        f'<path d="{line.path}" fill="none" stroke="{colour}" stroke-width="{thick}" marker-end="url(#{marker})" '
        f'data-way="{escape(way.origin)} {escape(way.target)}" data-passed="{str(way.passed).lower()}"/>'
    )
    style, y = "small passed" if way.passed else "small", line.y
    for text in _lines(way):
        yield f'<text class="{style}" x="{line.x}" y="{y}" text-anchor="{line.anchor}">{escape(text)}</text>'
        y += _LINE


def _down(origin: Place, target: Place) -> Line:
    top, bottom = origin.y + origin.height, target.y
    return Line(f"M{origin.middle} {top}V{bottom - 2}", origin.middle + 8, (top + bottom) // 2 - 2)


def _back(origin: Place, target: Place) -> Line:
    """Upwards, with its text on the left."""
    x, start, end = origin.x + 60, origin.y, target.y + target.height
    return Line(f"M{x} {start}V{end + 2}", x - 8, (start + end) // 2 - _LINE, "end")


def _across(way: Way, places: Mapping[str, Place], ways: Sequence[Way]) -> Line:
    """To the other column or from it; the ways that leave or reach a side share it evenly."""
    origin, target = places[way.origin], places[way.target]
    y1, y2 = (_on_side(way, end, places, ways) for end in (way.origin, way.target))
    if target.x > origin.x:
        x1, x2 = origin.x + origin.width, target.x - 2
        near = x1 + _STRAIGHT
        return Line(f"M{x1} {y1}H{near}C{near + 80} {y1} {x2 - 80} {y2} {x2} {y2}", x1 + 10, y1 - 4)
    x1, x2 = origin.x, target.x + target.width + 2
    far = x2 + _STRAIGHT
    return Line(f"M{x1} {y1}C{x1 - 80} {y1} {far + 80} {y2} {far} {y2}H{x2}", x2 + 10, y2 - 4)


def _on_side(way: Way, end: str, places: Mapping[str, Place], ways: Sequence[Way]) -> int:
    sharing = [w for w in ways if end in (w.origin, w.target) and places[w.origin].x != places[w.target].x]
    return places[end].y + (sharing.index(way) + 1) * places[end].height // (len(sharing) + 1)


def _opening(width: int, height: int, language: str) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    read_by = f'xml:lang="{language}" role="img" aria-labelledby="title desc"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {read_by}>'


def _marker(name: str, colour: str) -> str:
    return (
        f'<defs><marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8Z" fill="{colour}"/></marker></defs>'
    )
