"""The front door: one command line, each command a few lines that call one function of one floor."""

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command line."""
    app()
