"""Nobody's identity number stands in a case: it is found in any text, and said back to nobody.

The numbers here are nobody's: of the year 2039, or with the months that are added for tests.
"""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from given import Given, Step
from steps import ACCOUNT, CONTENT, call_2023, drafted, edited, submitted
from structlog.testing import capture_logs
from variants import by_lead, publish, variant

from grantflow.delegating import Delegate
from grantflow.domain import lifecycle
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.command import COMMANDS
from grantflow.domain.deciding import command_from
from grantflow.domain.errors import IdentityNumber
from grantflow.domain.identity_numbers import holds_one, refuse_identity_numbers
from grantflow.service import Request, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grantflow.store import Store

KNOWN = lifecycle.PHASES
FIRST, SECOND = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


def made_up(day_month_year: str) -> str:
    """The number with the highest individual number that has check digits: of 2039, or of no year at all."""
    for individual in count(999, -1):
        nine = f"{day_month_year}{individual:03d}"
        first = _check_digit(nine, FIRST)
        second = _check_digit(f"{nine}{first}", SECOND)
        if first <= 9 and second <= 9:
            return f"{nine}{first}{second}"
    pytest.fail(f"no number for {day_month_year}")


def _check_digit(digits: str, weights: tuple[int, ...]) -> int:
    """The digit that makes the weighted sum divisible by 11; 10 where none does."""
    return (11 - sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % 11) % 11


NUMBER = made_up("311239")
KINDS = {
    "born": NUMBER,
    "leap-day": made_up("290236"),
    "d-number": made_up("711239"),
    "made-up, month plus 40": made_up("315239"),
    "made-up, month plus 65": made_up("317739"),
    "made-up, month plus 80": made_up("319239"),
    "made-up d-number": made_up("719239"),
}


@pytest.mark.parametrize("number", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("written", ["{}", "Deltaker {}.", "({})", "fnr:{}\n", "æ{}å"])
def test_an_identity_number_is_found_wherever_it_stands_in_a_text(number: str, written: str) -> None:
    assert holds_one(written.format(number))


@pytest.mark.parametrize(
    "between", [" ", "  ", ".", "-", "/", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"]
)
def test_an_identity_number_is_found_as_people_write_it(between: str) -> None:
    assert holds_one(f"Deltaker {NUMBER[:6]}{between}{NUMBER[6:]} har sluttet.")


@pytest.mark.parametrize("between", ["", " ", ".", "/", "-"])
@pytest.mark.parametrize("before", ["", "fnr", "Født "])
def test_an_identity_number_is_found_with_its_date_written_as_one(between: str, before: str) -> None:
    date = between.join((NUMBER[:2], NUMBER[2:4], NUMBER[4:6]))
    assert holds_one(f"{before}{date} {NUMBER[6:]}")


def test_an_identity_number_is_found_in_other_digits_too() -> None:
    assert holds_one(NUMBER.translate({ord("0") + n: 0xFF10 + n for n in range(10)}))


@pytest.mark.parametrize("place", range(11))
def test_a_number_with_one_digit_changed_is_nobodys(place: int) -> None:
    changed = NUMBER[:place] + str((int(NUMBER[place]) + 1) % 10) + NUMBER[place + 1 :]
    assert not holds_one(changed)


@pytest.mark.parametrize(
    "day", ["310239", "000139", "320139", "011339", "010039", "012039", "721239", "290239"]
)
def test_eleven_digits_that_begin_with_no_date_are_no_identity_number(day: str) -> None:
    assert not holds_one(made_up(day))


@pytest.mark.parametrize(
    "text",
    [
        ACCOUNT,
        "12345678903",
        "1234.56.78903",
        "1234 56 78903",
        "86011117947",
        "958935420",
        "958 935 420",
        "NO 958 935 420 MVA",
        "+47 22 12 34 56",
        "900000.00",
        "2023-08-28T21:59:59.999999Z",
        "imdi-2023-tillegg-0001",
        f"{NUMBER}0",
        f"1{NUMBER}",
        f"sha256:ab{NUMBER}cd",
        f"{NUMBER[:6]}\n{NUMBER[6:]}",
        "",
    ],
)
def test_account_numbers_organisation_numbers_digests_and_instants_are_let_through(text: str) -> None:
    assert not holds_one(text)


def test_the_content_of_an_ordinary_case_is_let_through() -> None:
    refuse_identity_numbers(CONTENT)
    refuse_identity_numbers({"digest": Given(call_2023(), *submitted()).case.content_digest})


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"a": NUMBER}, "a"),
        ({"a": {"b": [1, None, True, {"c": NUMBER}]}}, "a.b[3].c"),
        ({"a": ["x", NUMBER]}, "a[1]"),
        (NUMBER, "the text"),
    ],
)
def test_the_refusal_says_where_the_number_stands_and_not_which_it_is(content: Any, path: str) -> None:
    with pytest.raises(IdentityNumber) as refused:
        refuse_identity_numbers(content)
    assert refused.value.detail.startswith(f"{path} holds")
    _says_nothing(refused.value)


def _says_nothing(refusal: IdentityNumber) -> None:
    """Neither its sentence nor its failures hold any part of the number that would tell whose it is."""
    told = refusal.detail + msgspec.json.encode(refusal.failures).decode()
    assert NUMBER[:6] not in told
    assert NUMBER[6:] not in told


def texts(kind: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places in a command's content where somebody can write text of their own."""
    match type(kind).__name__:
        case "StructType":
            for field in kind.fields:
                yield from texts(field.type, (*path, field.encode_name))
        case "UnionType":
            for inner in kind.types:
                yield from texts(inner, path)
        case "DictType":
            yield from texts(kind.value_type, (*path, "any"))
        case "VarTupleType" | "ListType":
            yield from texts(kind.item_type, (*path, 0))
        case "StrType" | "AnyType":
            yield path


WRITTEN = [
    (step, path)
    for step, kind in COMMANDS.items()
    for path in dict.fromkeys(texts(msgspec.inspect.type_info(kind)))
    if path[0] not in kind.numbers
]


@pytest.mark.parametrize(
    ("step", "path"), WRITTEN, ids=[f"{step}-{'.'.join(map(str, path))}" for step, path in WRITTEN]
)
def test_no_text_of_any_step_takes_an_identity_number(step: str, path: tuple[str | int, ...]) -> None:
    content: Any = f"Gjelder {NUMBER}."
    for part in reversed(path):
        content = [content] if part == 0 else {part: content}
    with pytest.raises(IdentityNumber) as refused:
        command_from(step, content)
    named = "".join(f"[{part}]" if part == 0 else f".{part}" for part in path)[1:]
    assert [failure.path for failure in refused.value.failures] == [named]
    _says_nothing(refused.value)


def test_only_an_account_number_and_the_bytes_of_a_document_are_not_looked_through() -> None:
    exempt = {(step, name) for step, kind in COMMANDS.items() for name in kind.numbers | kind.binary}
    assert exempt == {("register-account", "account"), ("attach", "content")}


def test_a_step_that_a_call_declares_itself_takes_none_either() -> None:
    with pytest.raises(IdentityNumber, match="svar"):
        command_from("faglig-vurdering", {"svar": [NUMBER]})


def test_a_draft_is_not_saved_with_one_and_the_refusal_names_the_field() -> None:
    given = Given(call_2023(), *drafted())
    refusal = given.when(edited("project", method=f"Spør {NUMBER}.")).refused(IdentityNumber)
    assert [failure.path for failure in refusal.failures] == ["content.method"]
    assert given.case.content == CONTENT


def test_a_document_is_not_named_with_one() -> None:
    attach = Step("attach", {"filename": f"{NUMBER}.pdf", "media_type": "application/pdf", "content": ""})
    Given(call_2023(), *drafted()).when(attach).refused(IdentityNumber)


def test_it_reaches_neither_the_store_nor_the_log(store: Store) -> None:
    service = Service(store)
    call = publish(service, "numbers", "8000000.00")
    before, by = store.last_position(), by_lead("hostile")
    applicant = Circumstances(
        at=by.at, person="a", organisation="958935420", role="applicant", channel="test", command="a"
    )
    revision = variant("numbers", "9000000.00")
    hostile: dict[str, Callable[[], object]] = {
        "area": lambda: service.handle(
            Request(step="start", call=call.id, data={"area": NUMBER}, by=applicant)
        ),
        "question": lambda: service.calls.answer_question(call.id, f"Gjelder det {NUMBER}?", "Nei.", by),
        "answer": lambda: service.calls.answer_question(call.id, "Gjelder det meg?", f"Ja, {NUMBER}.", by),
        "grounds": lambda: service.calls.revise(revision, f"Etter {NUMBER}.", by),
        "person": lambda: service.authority.delegate(delegation(person=NUMBER), by),
        "issued_by": lambda: service.authority.delegate(delegation(issued_by=f"Kari {NUMBER}"), by),
        "reason": lambda: service.authority.revoke("IMDi-2023-014", f"{NUMBER} har sluttet.", by),
        "subordinate": lambda: service.authority.name_superior(NUMBER, "imdi-head", by),
        "superior": lambda: service.authority.name_superior("imdi-decider", NUMBER, by),
    }
    for where, ask in hostile.items():
        with capture_logs() as lines, pytest.raises(IdentityNumber) as refused:
            ask()
        assert [failure.path for failure in refused.value.failures] == [where]
        _says_nothing(refused.value)
        assert NUMBER not in str(lines)
    assert store.last_position() == before


def delegation(**terms: Any) -> Delegate:
    """An authority that would be recorded but for what is wrong with it."""
    usual: dict[str, Any] = {
        "reference": "IMDi-1",
        "scope": "budget",
        "person": "p",
        "issued_by": "direktøren",
    }
    rest = {"valid_from": date(2023, 1, 1), "appropriation": "kap. 671"}
    return Delegate(**(usual | rest | terms))
