"""Cases that have come to their report, to be given by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from given import Given
from steps import call_2023, countersign, paid, report, sign

if TYPE_CHECKING:
    from grantflow.domain.parts import Report


def report_of(given: Given) -> Report:
    """The report in the case."""
    assert given.case.report is not None
    return given.case.report


def delivered(**changes: dict[str, Any]) -> Given:
    """A paid case with report and accounts in it, not yet signed."""
    return Given(call_2023(), *paid(), report(**changes))


def signed(**changes: dict[str, Any]) -> tuple[Given, str]:
    """The same, signed by the project lead; and the digest that was signed."""
    given = delivered(**changes)
    digest = report_of(given).digest
    return given.and_then(sign(digest)), digest


def reported(**changes: dict[str, Any]) -> Given:
    """A case whose report both have signed."""
    given, digest = signed(**changes)
    return given.and_then(countersign(digest))
