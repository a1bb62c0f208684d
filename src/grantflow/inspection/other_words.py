"""Signs and words of other languages, in an expression that does not compile, and what CEL has in their place."""

from __future__ import annotations

import re

from grantflow.inspection.expression import QUOTED

_CHOICE, _QUOTE = "'test ? yes : no'", "a straight quote"
_INSTEAD = {
    "=": "'=='", "===": "'=='", "!==": "'!='", "<>": "'!='", "=>": "'>='", "=<": "'<='", "&": "'&&'", "|": "'||'",
    "and": "'&&'", "or": "'||'", "not": "'!', as in !(a == b)", "if": _CHOICE, "then": _CHOICE, "else": _CHOICE,
    **dict.fromkeys("“”«»\u2018\u2019", _QUOTE),
}  # fmt: skip
_TOKEN = re.compile(
    rf"(?P<text>{QUOTED})|===|!==|=>|=<|<>|[<>=!]=|&&|\|\||[=&|“”«»\u2018\u2019]|(?<![\w.])(?:and|or|not|if|then|else)\b",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPE = re.compile(r"""\\[^abfnrtvxXuU0-3"'`?\\]""")


def other_words(expression: str) -> list[str]:
    """A sentence for each such sign or word, once."""
    told: list[str] = []
    for found in _TOKEN.finditer(expression):
        token = found[0]
        if found["text"]:
            if token[0] in "\"'" and _ESCAPE.search(token):
                told.append(f"{token} has a single backslash; write r{token}")
        elif token.lower() in _INSTEAD:
            told.append(f"it says '{token}' where CEL says {_INSTEAD[token.lower()]}")
    return list(dict.fromkeys(told))
