"""What verifying found, for people: what was looked at, and what is wrong, the first thing first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.cli.output import plain_table

if TYPE_CHECKING:
    from rich.console import Console

    from grantflow.verification import Verdict


def verdict_page(page: Console, verdict: Verdict, *, log_only: bool) -> None:
    """Print it."""
    looked = plain_table("Looked at", "what", "how many")
    looked.columns[1].justify = "right"
    for what, count in (
        ("events in the log", verdict.events),
        ("of them sealed in the ledger", verdict.sealed),
        ("checkpoints that hold", verdict.checkpoints),
        ("documents", verdict.documents),
        *(() if log_only else (("cases judged anew", verdict.cases), ("read models", verdict.read_models))),
    ):
        looked.add_row(what, f"{count:,}".replace(",", "\u00a0"))
    page.print(looked)
    if verdict.faults:
        table = plain_table("What is wrong", "kind", "position", "event", "what")
        for fault in verdict.faults:
            table.add_row(fault.kind, str(fault.position or ""), fault.event, fault.what)
        page.print(table)
        page.print(
            f"{len(verdict.faults)}{' or more' if verdict.more else ''} faults; look at the first one first."
        )
    else:
        page.print("Nothing is wrong.")
    if verdict.events > verdict.sealed:
        page.print(
            f"{verdict.events - verdict.sealed} events are not sealed yet: nothing proves that they stay as they are. "
            "`grantflow work` seals within a second."
        )
    if not verdict.trusted_keys:
        page.print(
            "The checkpoints were held against the keys that this database names itself. Whoever can change the "
            "database can change those too: give the key (--key) and a checkpoint (--against) that you have kept."
        )
