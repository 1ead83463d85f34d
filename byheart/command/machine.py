"""Commands that work on this machine: run, plan and check."""

from typing import Annotated

import typer

from byheart.command.options import Controls, Models, Out, Store, Words
from byheart.command.parameters import MeasuringCommand, read_request
from byheart.contracts.errors import SettingsError
from byheart.launch.environment import leave_out_settings


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(cls=MeasuringCommand)(run)
    app.command(cls=MeasuringCommand)(plan)
    app.command()(check)


def run(
    words: Words = None, model: Models = None, control: Controls = None, store: Store = None, out: Out = "out"
) -> None:
    """Measure books on this machine.

    A BOOK is a text file, a folder of them, a glob, an address at gs:// or https://, or @LIST, a file that lists them.
    A RUN_FILE (.yaml) holds books, model and settings; other words override it. Without any words, byheart measures
    the bundled sample. Several models leave a folder each in --out, and a comparison.
    """
    from byheart.launch.run import measure_here  # it imports kfp, which takes a second

    measure_here(read_request(words, model=model, controls=control, store=store or ""), out)


def plan(
    words: Words = None,
    model: Models = None,
    control: Controls = None,
    compile_: Annotated[
        bool, typer.Option("--compile", help="Also compile for the TPU slice; needs libtpu, but no TPU.")
    ] = False,
) -> int:
    """Print where a model fits and what books cost.

    It takes the words of `byheart run`, but no --store or --out; without a book, it plans for a novel. With
    accelerator=..., it says more about that one, and ends with 1 if the model does not fit.
    """
    from byheart.launch.plan import plan_and_compile, print_plan

    request = read_request(words, model=model, controls=control)
    fits = plan_and_compile(request) if compile_ else print_plan(request)
    return 0 if fits else 1


def check(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="ADDRESS",
            help="Print how much 16-bit arithmetic changes the scores of this model.",
        ),
    ] = "",
    book: Annotated[
        str, typer.Option(help="With --model: the text whose windows are scored.", show_default="the sample's book")
    ] = "",
    windows: Annotated[int, typer.Option(min=1, help="With --model: about how many windows.")] = 200,
    precision: Annotated[
        str,
        typer.Option(help="Without --model: float32, bfloat16, float16; auto is float32 and what a run takes here."),
    ] = "auto",
    store: Store = None,
) -> None:
    """Check that this machine scores right.

    It scores windows of the bundled sample, and ends with exit code 1 if the scores differ from those of transformers.
    """
    leave_out_settings()
    from byheart.launch.check import check_machine, check_model
    from byheart.launch.this_machine import locate_default_store

    if book and not model:
        raise SettingsError(f"book must be given with --model, found {book} alone: name a model", parameter="book")
    if model:
        check_model(model, book=book, windows=windows, store=store or locate_default_store())
    else:
        check_machine(precision)
