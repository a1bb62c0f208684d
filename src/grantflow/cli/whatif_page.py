"""What would have come out otherwise, for people: the cases that change, and how much would have been granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.cli.output import plain_table
from grantflow.domain.money import kr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from grantflow.whatif import Change, Outcome


def whatif_page(page: Console, outcomes: Sequence[Outcome]) -> None:
    """Print it."""
    changed = [one for one in outcomes if one.changed]
    page.print(f"{len(outcomes)} cases decided anew; {len(changed)} would have come out otherwise.")
    if changed:
        table = plain_table(
            "", "case", "applicant", "state", "score", "rank", "granted", "granted down the ranking", "why"
        )
        for one in changed:
            table.add_row(
                one.number,
                one.applicant,
                _then_now(one.state),
                _then_now(one.score),
                _then_now(one.rank),
                _then_now(one.granted, money=True),
                _then_now(one.by_rank, money=True),
                f"{one.why.step}: {one.why.message}" if one.why else "",
            )
        page.print(table)
    for name, then, now in (
        (
            "Granted in all",
            sum(one.granted.then for one in outcomes),
            sum(one.granted.now for one in outcomes),
        ),
        (
            "Granted down the ranking",
            sum(one.by_rank.then for one in outcomes),
            sum(one.by_rank.now for one in outcomes),
        ),
    ):
        page.print(f"{name}: {kr(then)} then, {kr(now)} now.")
    page.print("Nothing was written.")


def _then_now(change: Change[Any], *, money: bool = False) -> str:
    then, now = (_shown(value, money=money) for value in change)
    return then if then == now else f"{then} → {now}"


def _shown(value: object, *, money: bool) -> str:
    if money and isinstance(value, int):
        return kr(value)
    return "-" if value is None else str(value)
