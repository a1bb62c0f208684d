"""The commands about evidence: checkpoints, proofs, witnesses, a pack for the auditor, and verifying it all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grantflow.cli.asking import Json, content, text_of
from grantflow.cli.noting import noted
from grantflow.cli.opening import case_id, opened
from grantflow.cli.output import (
    console,
    counting,
    table_of,
    waiting,
    write,
    write_json,
    write_one,
)
from grantflow.cli.verdict_page import verdict_page
from grantflow.domain.errors import BadRequest

if TYPE_CHECKING:
    from grantflow.ledger.note import Verifier

ledger = typer.Typer(no_args_is_help=True, help="The ledger: evidence that holds without trusting us.")
Event = Annotated[
    str, typer.Argument(help="The event as a receipt names it (STREAM.VERSION), or its position.")
]
CHECK_FAILED = 3


@ledger.command(epilog="Example: grantflow ledger checkpoint")
def checkpoint(*, as_json: Json = False) -> None:
    """Seal what is new, and print the newest checkpoint: a signed note. Keep it where nobody here can change it."""
    with opened() as app:
        note = app.ledger.seal()
    if as_json:
        write_json({"note": note})
    else:
        write(note)


@ledger.command(
    epilog="Examples: grantflow ledger prove 2ee71a8c-….12 / grantflow ledger prove 2ee71a8c-….12 --receipt r.json"
)
def prove(
    event: Event,
    receipt: Annotated[
        str, typer.Option(help="The receipt for it: a JSON file, or - for standard input.")
    ] = "",
    *,
    as_json: Json = False,
) -> None:
    """Prove that an event is in the log: exchange a receipt for a proof that anybody can check."""
    digest = str(content(receipt).get("digest", "")) if receipt else ""
    if receipt and not digest:
        msg = "The receipt has no 'digest': give it as it was printed with --json."
        raise BadRequest(msg)
    with opened() as app:
        proof = app.ledger.prove(event, digest=digest)
    write_one(proof, as_json=as_json)


@ledger.command(epilog="Example: grantflow ledger consistency 1200")
def consistency(
    old: Annotated[int, typer.Argument(help="The size of the checkpoint you have.")],
    new: Annotated[
        int | None, typer.Argument(help="The size of a later one; the newest unless said.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Prove that the log only grew between two checkpoints."""
    with opened() as app:
        proof = app.ledger.consistency(old, new)
    write_one(proof, as_json=as_json)


@ledger.command(
    epilog="Examples: grantflow ledger verify / grantflow ledger verify --key KEY --against checkpoint-2023-12-31.txt"
)
def verify(
    key: Annotated[
        list[str], typer.Option(help="A public key you have kept; may be given more than once.")
    ] = [],  # noqa: B006
    against: Annotated[list[str], typer.Option(help="A checkpoint you have kept; more than once, too.")] = [],  # noqa: B006
    *,
    log_only: Annotated[
        bool, typer.Option("--log-only", help="Hashes, order and checkpoints alone: fast.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Recompute everything, and name what is wrong; exit 3 when anything is. Changes nothing."""
    from grantflow.verification import Kept, Verification

    kept = Kept(tuple(map(_verifier, key)), tuple((Path(path).name, text_of(path)) for path in against))
    with opened() as app, counting() as told:
        verification = Verification(app.store, app.projector, kept, told)
        verdict = verification.run(rules=not log_only, read_models=not log_only)
    if as_json:
        write_json(verdict)
    else:
        verdict_page(console(), verdict, log_only=log_only)
    raise SystemExit(CHECK_FAILED if verdict.faults else 0)


@ledger.command(
    epilog="Examples: grantflow ledger pack --call imdi-2023-tillegg -o call.zip / "
    "grantflow ledger pack --case imdi-2023-tillegg-0007 --without persons --without texts -o case.zip"
)
def pack(
    output: Annotated[
        str, typer.Option("-o", "--output", help="The file to write; it must not be there yet.")
    ],
    call: Annotated[str, typer.Option(help="The evidence of a whole call.")] = "",
    case: Annotated[str, typer.Option(help="The evidence of one case.")] = "",
    without: Annotated[
        list[str], typer.Option(help="Leave out persons, texts, documents or a field such as stamp.person.")
    ] = [],  # noqa: B006
    *,
    as_json: Json = False,
) -> None:
    """Write everything about a call or a case into one file that verifies without us, in a browser or with Python."""
    from grantflow.evidence.pack import write_pack
    from grantflow.evidence.selecting import Scope

    if bool(call) == bool(case):
        msg = "Name a call (--call ID) or a case (--case ID)."
        raise BadRequest(msg)
    with opened() as app, waiting(f"Packing {call or case}"):
        scope = Scope(call=call) if call else Scope(case=case_id(app, case))
        packed = write_pack(app.store, app.ledger.seal(), scope, Path(output), left_out=without)
        count = 0 if scope.case else packed.cases
        noted(app, "exported", "pack", case=scope.case, call=call or None, count=count)
    write_one(packed, as_json=as_json)


@ledger.command(
    epilog="Examples: grantflow ledger keys / grantflow ledger keys --add / grantflow ledger keys --retire 1f2e3d4c"
)
def keys(
    retire: Annotated[str, typer.Option(help="Let this key sign no more, by the hash in it.")] = "",
    *,
    add: Annotated[
        bool, typer.Option("--add", help="Make one more key; from now on it signs as well.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the public keys of the ledger and of its witnesses; add one, or let one sign no more."""
    with opened() as app:
        origin = app.ledger.seal().partition("\n")[0]
        if add:
            app.ledger.keys.add(origin)
        if retire:
            app.ledger.keys.retire(retire)
        app.ledger.seal()
        signing = {signer.verifier for signer in app.ledger.keys.signers(origin)}
        known = app.ledger.known_keys()
    rows: list[dict[str, Any]] = [
        {
            "key": str(one),
            "kind": kind,
            "signs": "now" if one in signing else "" if kind == "witness" else "no more",
        }
        for kind, found in known.items()
        for one in found
    ]
    if as_json:
        write_json({"items": rows, "next": None})
    else:
        console().print(table_of(rows))


@ledger.command(
    epilog="Examples: grantflow ledger witness --old 1200 / grantflow ledger witness --trust KEY / "
    "grantflow ledger witness --cosignature answer.txt"
)
def witness(
    old: Annotated[int, typer.Option(help="The size the witness has seen last.")] = 0,
    trust: Annotated[
        str, typer.Option(help="From now on, take the co-signatures of this witness's key.")
    ] = "",
    cosignature: Annotated[
        str, typer.Option(help="What a witness answered: a file, or - for standard input.")
    ] = "",
    *,
    as_json: Json = False,
) -> None:
    """Print what a witness needs (tlog-witness), or take its co-signature back."""
    with opened() as app:
        if trust:
            told: dict[str, Any] = {"trusted": str(app.ledger.trust_witness(trust))}
        elif cosignature:
            told = {"kept": app.ledger.take_cosignatures(text_of(cosignature))}
        else:
            told = {"request": app.ledger.for_witness(old)}
    if as_json:
        write_json(told)
    elif "request" in told:
        write(told["request"])
    else:
        write(
            "".join(
                f"{name}: {value if isinstance(value, str) else ', '.join(value)}\n"
                for name, value in told.items()
            )
        )


def _verifier(text: str) -> Verifier:
    from grantflow.ledger.note import Verifier

    try:
        return Verifier.read(text_of(text) if Path(text).is_file() else text)
    except ValueError as error:
        msg = f"--key: {error}."
        raise BadRequest(msg) from error
