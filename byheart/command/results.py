"""Commands on finished results: compare, verify and archive."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byheart.command.options import Store
from byheart.launch.environment import leave_out_settings

if TYPE_CHECKING:
    from byheart.launch.verify import Effort

Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", metavar="ADDRESS", help="The model; by default it is looked for where the run had it."
    ),
]
Base = Annotated[
    str,
    typer.Option(
        "--base", metavar="ADDRESS", help="An adapter's base; by default it is looked for where the run had it."
    ),
]
Tokenizer = Annotated[
    str,
    typer.Option(
        "--tokenizer",
        metavar="ADDRESS",
        help="The tokenizer, if it is not the model's own; by default it is looked for where the run had it.",
    ),
]
WithoutModel = Annotated[bool, typer.Option("--without-model", help="Verify what can be verified without the model.")]
Texts = Annotated[
    list[str] | None,
    typer.Option("--text", metavar="FILE", help="A book's file, where report_text kept its text out; may be repeated."),
]
WithoutText = Annotated[bool, typer.Option("--without-text", help="Verify what can be verified without the texts.")]
Windows = Annotated[
    int | None,
    typer.Option(
        "--windows",
        min=1,
        help="How many windows are scored again.",
        show_default="16, or more if an archive's author scored more",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Chooses these windows.", show_default="drawn from the results' own hashes"),
]
Scorer = Annotated[
    str,
    typer.Option(
        "--scorer",
        metavar="NAME",
        help="What scores them: numpy, transformers (needs PyTorch), or auto, which is numpy where it knows the model.",
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command()(compare)
    app.command()(verify)
    app.command()(archive)


def compare(
    results: Annotated[
        list[str], typer.Argument(metavar="OUT OUT ...", help="The results of each model: folders, or gs://.")
    ],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FOLDER", help="The folder for the comparison.")] = (
        "comparison"
    ),
    reference: Annotated[
        str,
        typer.Option(
            "--reference", metavar="OUT", help="Results of a model that has seen neither the books nor the controls."
        ),
    ] = "",
) -> None:
    """Compare models on the same books: comparison.html, figures for a paper, and all numbers as tables.

    Texts are the same if their SHA-256 is. With a reference, each score is also taken less the reference's, and ranked
    among the controls.
    """
    leave_out_settings()
    from byheart.launch.compare import compare as command

    command(results, out, reference)


def verify(
    results: Annotated[str, typer.Argument(help="The folder of a run's results, or an archive.")],
    model: Model = "",
    base: Base = "",
    tokenizer: Tokenizer = "",
    without_model: WithoutModel = False,
    text: Texts = None,
    without_text: WithoutText = False,
    windows: Windows = None,
    seed: Seed = None,
    scorer: Scorer = "auto",
    store: Store = None,
    json: Annotated[str, typer.Option("--json", metavar="FILE", help="Also write what was found as JSON.")] = "",
) -> None:
    """Verify finished results: hashes, numbers and pictures, and the scores of windows by a second implementation.

    It prints a line for each check, and ends with 1 if one fails.
    """
    command = _import_command()
    effort = _make_effort(model, base, tokenizer, without_model, text, without_text, windows, seed, scorer, store)
    command.verify(results, effort, json)


def archive(
    results: Annotated[str, typer.Argument(help="The folder of a run's results.")],
    file: Annotated[str, typer.Argument(help="The archive to write, a .zip.")],
    model: Model = "",
    base: Base = "",
    tokenizer: Tokenizer = "",
    without_model: WithoutModel = False,
    text: Texts = None,
    without_text: WithoutText = False,
    windows: Windows = None,
    seed: Seed = None,
    scorer: Scorer = "auto",
    store: Store = None,
    licence: Annotated[str, typer.Option("--licence", help="The archive's licence: an address or a name.")] = "",
) -> None:
    """Verify finished results and write them into one file, which anyone can verify with `byheart verify FILE`."""
    command = _import_command()
    effort = _make_effort(model, base, tokenizer, without_model, text, without_text, windows, seed, scorer, store)
    command.archive(results, file, effort, licence)


def _import_command() -> Any:
    """The module byheart.launch.verify, which takes seconds to import."""
    leave_out_settings()
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # else it warns that PyTorch is missing
    from byheart.launch import verify as command

    return command


def _make_effort(
    model: str,
    base: str,
    tokenizer: str,
    without_model: bool,
    texts: list[str] | None,
    without_text: bool,
    windows: int | None,
    seed: int | None,
    scorer: str,
    store: str | None,
) -> "Effort":
    from byheart.launch.verify import Effort, make_means

    return Effort(
        means=make_means(
            model=model,
            base=base,
            tokenizer=tokenizer,
            without_model=without_model,
            texts=texts or [],
            windows=windows,
            seed=seed,
            scorer=scorer,
            store=store or "",
        ),
        without_text=without_text,
    )
