"""What is wrong with a field, in plain words: one sentence a kind of failure, in bokmål, nynorsk and English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jsonschema_rs import ValidationErrorKind as Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jsonschema_rs import ValidationError

    from grantflow.domain.plain import Words

_LONGEST = 200

_TYPES = {
    "string": {"nb": "tekst", "nn": "tekst", "en": "text"},
    "integer": {"nb": "et helt tall", "nn": "eit heilt tal", "en": "a whole number"},
    "number": {"nb": "et tall", "nn": "eit tal", "en": "a number"},
    "boolean": {"nb": "ja eller nei", "nn": "ja eller nei", "en": "true or false"},
    "array": {"nb": "en liste", "nn": "ei liste", "en": "a list"},
    "object": {"nb": "en gruppe av felter", "nn": "ei gruppe av felt", "en": "an object"},
    "null": {"nb": "tomt", "nn": "tomt", "en": "null"},
}
_OR = {"nb": " eller ", "nn": " eller ", "en": " or "}

_MISSING = {"nb": "må fylles ut.", "nn": "må fyllast ut.", "en": "is missing"}
_DATE = {
    "nb": "må være en dato som finnes, skrevet slik: 2023-08-28.",
    "nn": "må vere ein dato som finst, skriven slik: 2023-08-28.",
    "en": "must be a date that exists, written like this: 2023-08-28",
}
_TWICE = {
    "nb": "kan ikke ha det samme to ganger.",
    "nn": "kan ikkje ha det same to gonger.",
    "en": "must not hold the same twice",
}


def in_words(error: ValidationError, hint: Words | None = None) -> Words:  # noqa: C901, PLR0911, PLR0912 - one case a kind
    """The sentence for one failure. `hint` says what a pattern asks for, where the form does (`x-hint`)."""
    kind = error.kind
    match kind:
        case Kind.Required():
            return _MISSING
        case Kind.Type():
            return _type(kind.types)
        case Kind.MinLength() | Kind.Pattern() if not str(error.instance).strip():
            return _MISSING
        case Kind.Pattern() if hint:
            return hint
        case Kind.MinItems():
            return _count(kind.limit, ("må ha minst", "må ha minst", "needs at least"))
        case Kind.MaxItems():
            return _count(kind.limit, ("kan ha høyst", "kan ha høgst", "may have at most"))
        case Kind.MaxLength():
            return _limit(
                "kan ha høyst {} tegn.", "kan ha høgst {} teikn.", "is longer than {} characters", kind.limit
            )
        case Kind.Minimum():
            return _limit("må være minst {}.", "må vere minst {}.", "must be at least {}", kind.limit)
        case Kind.Maximum():
            return _limit("kan være høyst {}.", "kan vere høgst {}.", "must be at most {}", kind.limit)
        case Kind.Enum():
            return _limit(
                "må være en av: {}.", "må vere ein av: {}.", "must be one of: {}", _listed(kind.options)
            )
        case Kind.Constant():
            return _limit("må være {}.", "må vere {}.", "must be {}", kind.expected_value)
        case Kind.Format() if kind.format == "date":
            return _DATE
        case Kind.UniqueItems():
            return _TWICE
        case Kind.AdditionalProperties() | Kind.UnevaluatedProperties():
            unknown = _listed(kind.unexpected)
            return _limit(
                "har ukjente felter: {}.", "har ukjende felt: {}.", "has unknown fields: {}", unknown
            )
    message = error.message
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
    return _limit("passer ikke: {}", "passar ikkje: {}", "does not fit: {}", message)


def _type(types: list[str]) -> Words:
    names = {language: word.join(_TYPES[kind][language] for kind in types) for language, word in _OR.items()}
    return {
        "nb": f"må være {names['nb']}.",
        "nn": f"må vere {names['nn']}.",
        "en": f"must be {names['en']}",
    }


def _count(limit: int, words: tuple[str, str, str]) -> Words:
    nb, nn, en = words
    return {
        "nb": f"{nb} {limit} {'oppføring' if limit == 1 else 'oppføringer'}.",
        "nn": f"{nn} {limit} {'oppføring' if limit == 1 else 'oppføringar'}.",
        "en": f"{en} {limit} {'item' if limit == 1 else 'items'}",
    }


def _limit(nb: str, nn: str, en: str, limit: object) -> Words:
    return {"nb": nb.format(limit), "nn": nn.format(limit), "en": en.format(limit)}


def _listed(options: Sequence[object]) -> str:
    text = ", ".join(str(option) for option in options)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
