"""The command `byheart`: its subcommands, and their exit codes.

Exit codes: 0, done; 1, an error, printed as one line; 2, a command line that cannot be read; 3, a run
that Kubeflow refuses for what it asks; 130, interrupted.
"""

import io
import signal
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from byheart.command import cluster, machine, release, results, store
from byheart.command.parameters import find_setting
from byheart.contracts.errors import ByheartError
from byheart.contracts.version import VERSION

_GO_ON = "what was scored is kept: run the same command again to go on (with force=true, from the start)"


class _InterruptedError(Exception):
    """Ctrl-C; typer itself would turn it into an exit code and lose the message."""


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            advice = _GO_ON if ctx.invoked_subcommand == "run" else ""
            raise _InterruptedError(str(interrupt) or advice) from None


app = typer.Typer(
    name="byheart",
    cls=_Commands,
    help="How much of this book does this language model know by heart?",
    epilog="Exit codes: 0 done, 1 an error, 2 a command line that cannot be read, 3 a run that Kubeflow refuses, "
    "130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
machine.add_commands(app)
cluster.add_commands(app)
results.add_commands(app)
release.add_commands(app)
app.add_typer(store.app, name="store")


def main() -> int:
    """Run the command line, and return its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it; else the terminal was closed
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not in UTF-8 may not have `≥`
    try:
        return app(standalone_mode=False, prog_name="byheart") or 0
    except typer.TyperException as error:
        _say_error(_explain(error))
        return error.exit_code
    except ByheartError as error:
        _say_error(error.message)
        return error.exit_code
    except _InterruptedError as interrupt:
        print("\n" + "; ".join(filter(None, ("interrupted", str(interrupt)))), file=sys.stderr)
        return 130


@app.callback(invoke_without_command=True)
def _show_version(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        print(f"byheart {VERSION}")
        raise typer.Exit


def _explain(error: typer.TyperException) -> str:
    """The error's message; for a setting written as an option, how to write it."""
    option = getattr(error, "option_name", "")
    if name := find_setting(option):
        return f"{option} must be written {name}=VALUE, without dashes: see `byheart run --help`"
    return error.format_message()


def _say_error(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
