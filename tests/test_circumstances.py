"""Who asks and when: names and keys that can be stored and read again, and instants with their offset."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from given import OSLO_KOMMUNE, START

from grantflow.domain.circumstances import LONGEST_NAME, Circumstances
from grantflow.domain.errors import BadRequest

WHO: dict[str, Any] = {
    "at": START,
    "person": "p",
    "organisation": OSLO_KOMMUNE,
    "role": "applicant",
    "channel": "portal",
    "command": "c1",
}


@pytest.mark.parametrize("field", sorted(set(WHO) - {"at"}))
@pytest.mark.parametrize("value", ["", "a\nb", "a\0b", "x" * (LONGEST_NAME + 1)])
def test_a_name_or_key_is_neither_empty_nor_unprintable_nor_endless(field: str, value: str) -> None:
    with pytest.raises(BadRequest, match=field):
        Circumstances(**{**WHO, field: value})


def test_the_longest_name_is_a_name() -> None:
    assert Circumstances(**{**WHO, "person": "x" * LONGEST_NAME}).person == "x" * LONGEST_NAME


def test_an_instant_without_its_offset_is_no_instant() -> None:
    with pytest.raises(BadRequest, match="offset"):
        Circumstances(**{**WHO, "at": datetime(2023, 8, 14, 8, tzinfo=UTC).replace(tzinfo=None)})


def test_what_is_told_happened_before_it_is_told_or_in_the_same_instant() -> None:
    for earlier in (START, START - timedelta(days=400)):
        assert Circumstances(**WHO, effective_at=earlier).effective_at == earlier
    with pytest.raises(BadRequest, match="nothing is recorded before it happens"):
        Circumstances(**WHO, effective_at=START + timedelta(microseconds=1))


def test_instants_in_two_offsets_are_compared_as_instants() -> None:
    oslo = timezone(timedelta(hours=2))
    Circumstances(**WHO, effective_at=START.astimezone(oslo))
    with pytest.raises(BadRequest, match="before it happens"):
        Circumstances(**WHO, effective_at=START.astimezone(oslo) + timedelta(seconds=1))
    with pytest.raises(BadRequest, match="'effective_at' has no offset"):
        Circumstances(**WHO, effective_at=(START - timedelta(days=1)).replace(tzinfo=None))
