"""GrantFlow at the command line."""


def main() -> None:
    """Run the command line; `--version` is answered before anything heavy is loaded."""
    import sys

    if sys.argv[1:] == ["--version"]:
        from grantflow import __version__

        sys.stdout.write(f"grantflow {__version__}\n")
        return
    try:
        from grantflow.cli.commands import run

        run()
    except KeyboardInterrupt:  # while it starts; a command's own end is its own business
        raise SystemExit(130) from None
