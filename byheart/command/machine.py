"""Commands that work on this machine: run, plan and check."""

from typing import Annotated

import typer

from byheart.command.options import Controls, Model, Out, Store, Words
from byheart.command.parameters import MeasuringCommand, tell_apart


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    app.command(cls=MeasuringCommand)(run)
    app.command(cls=MeasuringCommand)(plan)
    app.command()(check)


def run(words: Words = None, model: Model = "", control: Controls = None, store: Store = "", out: Out = "out") -> None:
    """Measure books on this machine.

    A BOOK is a text file, a folder of them, a glob, an address at gs:// or https://, or @LIST, a file that lists such.
    A RUN_FILE (.yaml) says it all; other words take the place of what it says. Without a word, the bundled sample is
    measured.
    """
    from byheart.launch.measure import measure_here  # it imports kfp, which takes a second

    measure_here(tell_apart(words, model=model, controls=control, store=store), out)


def plan(
    words: Words = None,
    model: Model = "",
    compile_: Annotated[
        bool, typer.Option("--compile", help="Compile for the slice of TPUs, which need not be there; needs libtpu.")
    ] = False,
) -> int:
    """Say where a model fits and what books cost.

    Its words are those of `byheart run`; without a book, it plans for a novel. With accelerator=..., it says more of
    that one, and ends with 1 where the model does not fit.
    """
    from byheart.launch import plan as desk

    request = tell_apart(words, model=model)
    fits = desk.plan_and_compile(request) if compile_ else desk.plan(request)
    return 0 if fits else 1


def check(
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="ADDRESS", help="Say what 16 bits change for this model instead.")
    ] = "",
    book: Annotated[
        str, typer.Option(help="With --model: the text whose windows are scored.", show_default="the sample's book")
    ] = "",
    windows: Annotated[int, typer.Option(min=1, help="With --model: about how many windows.")] = 200,
    precision: Annotated[
        str, typer.Option(help="Without --model: auto, which is float32 and what a run takes here, or one alone.")
    ] = "auto",
    store: Store = "",
) -> None:
    """Say whether this machine scores right.

    It scores windows of the bundled sample, and ends with 1 if they are not what transformers has computed.
    """
    from byheart.launch.check import check as check_machine
    from byheart.launch.check import check_model
    from byheart.launch.here import default_store

    if model:
        check_model(model, book=book, windows=windows, store=store or default_store())
    else:
        check_machine(precision)
