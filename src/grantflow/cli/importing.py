"""The command `import`; what it does is in `import_run`, which is heavy."""

from __future__ import annotations

from typing import Annotated

import typer

from grantflow.cli.asking import Json

EXAMPLES = (
    "Examples: grantflow import commands.jsonl --dry-run / grantflow import commands.jsonl --refused refused.jsonl "
    "--json / producer | grantflow import -"
)


def bring_in(
    file: Annotated[str, typer.Argument(help="Commands, one JSON object a line; - for standard input.")],
    refused: Annotated[
        str, typer.Option(help="Write every refused line's number, key and reasons here, as JSON lines.")
    ] = "",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing, and say what would happen.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take commands in bulk: one JSON object a line, in their order. The same file again changes nothing.

    A line has "key" (an idempotency key of that person's own), "step", "person", "role" and "organisation"; for the
    step start "call", else "case": an id, a number, or {"key": …}, the one begun under that key ({"key": …, "person":
    …} by somebody else); "data", the step's content; and "happened_at", if that was earlier. Who acts is what the line
    says, so only trusted people and scripts may run this.

    A refused line is told with its number and refuses only itself. It is tried again when the file comes again. After a
    crash, run it again: what is in the log is not stored twice.

    A dry run decides each line on what would have come of those before it. It can't know what others will have done
    meanwhile, what time it will be, or what number a case will get; nor, after 2000 other cases or 20000 other keys,
    what would have become of a case or a key. Of such lines it says that they can't be told, or takes a key for new.

    Exit 0 when every line is done, now or before; 3 when some were refused; 1 when the file can't be read or the
    database is away, and then how far it came.
    """
    from grantflow.cli.import_run import run_import

    run_import(file, refused, dry_run=dry_run, as_json=as_json)
