"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from byheart.command.parameters import complete_words
from byheart.contracts.errors import SettingsError

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="BOOK|name=value|RUN_FILE",
        hidden=True,  # its help would show the type of a list: the commands' docstrings explain the words
        autocompletion=complete_words,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="ADDRESS",
        help="A folder, a repository on the Hugging Face Hub or a name in models.yaml, with @REVISION or without; may "
        "be repeated: all measure the same books.",
    ),
]
Controls = Annotated[
    list[str] | None,
    typer.Option("--control", "-c", metavar="BOOK", help="A book that the model cannot have seen; may be repeated."),
]


def _refuse_empty_store(store: str | None) -> str | None:
    """The option's value; an empty one, as of a shell's variable that is not set, is not the default."""
    if store == "":
        raise SettingsError(
            "store must be a path, found an empty text: give one, or leave --store out", parameter="store"
        )
    return store


Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PLACE",
        callback=_refuse_empty_store,
        help="Where models and scores are kept: a folder or gs://bucket/prefix.",
        show_default="BYHEART_STORE, else the user's data folder",
    ),
]
StoreOfCluster = Annotated[
    str,
    typer.Option(
        "--store", metavar="gs://BUCKET/PREFIX", help="Where models and scores are kept; every pod must reach it."
    ),
]
Out = Annotated[str, typer.Option("--out", "-o", metavar="FOLDER", help="The folder for the results.")]
Pipeline = Annotated[
    Path | None,
    typer.Option(
        help="A pipeline that `byheart compile` wrote, with what it fixes.", show_default="this release's own"
    ),
]
Choices = Annotated[
    bool,
    typer.Option(
        "--choices/--no-choices",
        envvar="BYHEART_CHOICES",
        help="Whether Kubeflow's form has drop-downs; before 2.16, Kubeflow refuses a pipeline with them.",
    ),
]
