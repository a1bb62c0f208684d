"""The words of a notice: a template that can name what is filled in and ask about it, and do nothing else."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2.nodes import Node

LONGEST = 20_000
"""The most characters a template may have, and what comes of it."""
LONGEST_SUBJECT = 200
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
"""Filled-in names, and choices by them: nothing here can loop, call, reckon or reach anything."""
_COMPARING = frozenset({"eq", "ne"})
"""What texts and anything else can be compared by: no other comparison can always be made."""
_BLANKS = re.compile(r"\n{3,}")

# Text, and no page: what people wrote is to be read as they wrote it.
_environment = SandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
for _room in (_environment.globals, _environment.filters, _environment.tests):
    _room.clear()


class BadWordingError(ValueError):
    """A template that can't be used: what is wrong, and at which line of it."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Wording:
    """A template that was read: the names it wants filled in, and the text once they are. BadWordingError otherwise."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            msg = f"the template is longer than {LONGEST} characters"
            raise BadWordingError(msg, 1)
        try:
            tree = _environment.parse(text)
            _look_through(tree)
            self._template = _environment.from_string(tree)
        except TemplateSyntaxError as error:
            raise BadWordingError(error.message or "it can't be read", error.lineno) from error
        except (RecursionError, MemoryError, SyntaxError) as error:
            msg = "the template is nested too deeply"
            raise BadWordingError(msg, 1) from error
        self.names: dict[str, int] = {}
        """Each name with the first line that it stands on."""
        for name in tree.find_all(nodes.Name):
            self.names.setdefault(name.name, name.lineno)
        self.names = {name: line for name, line in self.names.items() if name in _undeclared(tree)}

    def text(self, said: Mapping[str, str]) -> str:
        """The text of a notice, its lines as they were written. ValueError when a name has nothing to be filled in."""
        try:
            put = self._template.render(said)
        except (TemplateError, TypeError) as error:
            raise ValueError(str(error)) from error
        lines = "\n".join(line.rstrip() for line in put.splitlines())
        return _BLANKS.sub("\n\n", lines).strip()[:LONGEST] + "\n"

    def subject(self, said: Mapping[str, str]) -> str:
        """The same as one line."""
        line = " ".join(self.text(said).split())
        return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


@lru_cache(maxsize=1_000)
def wording(text: str) -> Wording:
    """A template, read once."""
    return Wording(text)


def _undeclared(tree: nodes.Template) -> set[str]:
    return meta.find_undeclared_variables(tree)


def _look_through(node: Node) -> None:
    if not isinstance(node, _ALLOWED):
        what = type(node).__name__
        msg = f"a notice can only fill in names and ask about them ({{{{ … }}}}, {{% if … %}}); here it has {what}"
        raise BadWordingError(msg, node.lineno)
    if isinstance(node, nodes.Compare) and any(one.op not in _COMPARING for one in node.ops):
        msg = "a notice compares with == and != only"
        raise BadWordingError(msg, node.lineno)
    for inner in node.iter_child_nodes():
        _look_through(inner)
