"""Commands that show what a store holds, copy it and remove it."""

from typing import Annotated

import typer

from byheart.command.options import Store

app = typer.Typer(help="List what a store holds, copy it, remove it.", no_args_is_help=True, rich_markup_mode=None)

Addresses = Annotated[
    list[str] | None, typer.Argument(metavar="ADDRESS", hidden=True)  # the commands' docstrings explain it
]


@app.command("list")
def list_(store: Store = None) -> None:
    """List the scores, the models and everything else in a store."""
    from byheart.launch.store import list_store

    list_store(store or _default())


@app.command()
def show(
    address: Annotated[str, typer.Argument(help="The beginning of an address.")],
    store: Store = None,
) -> None:
    """Print what is kept at an address."""
    from byheart.launch.store import show_scores

    show_scores(store or _default(), address)


@app.command()
def copy(
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help="The other store: a folder or gs://bucket/prefix.")],
    addresses: Addresses = None,
    models: Annotated[bool, typer.Option("--models", help="Also copy the models of the scores.")] = False,
    store: Store = None,
) -> None:
    """Copy scores to another store.

    An ADDRESS may be the beginning of one. Without addresses, all scores are copied.
    """
    from byheart.launch.store import copy_store

    copy_store(store or _default(), to, addresses or [], models=models)


@app.command()
def remove(
    addresses: Addresses = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="MODEL", help="A model to remove, as `byheart store list` names it."),
    ] = None,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Remove what has not changed for so long, such as 30d or 2w.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: Store = None,
) -> None:
    """Remove scores or models.

    An ADDRESS may be the beginning of one. Instead of names, --older-than removes what is old. It asks first.
    """
    from byheart.launch.store import remove_from_store

    remove_from_store(store or _default(), addresses or [], models=model or [], older_than=older_than, sure=yes)


def _default() -> str:
    from byheart.launch.this_machine import locate_default_store

    return locate_default_store()
