"""Commands that show what a store holds, copy it and remove it."""

import typer

app = typer.Typer(help="See what a store holds, copy it, remove it.")


@app.command("list")
def list_() -> None:
    """List."""
