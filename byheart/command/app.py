"""The command `byheart`: its commands, and how each of them ends.

Exit codes: 0, done; 1, an error, which is said in one line; 2, the command itself is written wrongly; 130, interrupted.
"""

import signal
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from byheart.command import cluster, machine, release, store
from byheart.command.parameters import setting_of
from byheart.contracts.errors import ByheartError
from byheart.contracts.version import VERSION

_GO_ON = "what was scored is kept: run the same command again to go on (with force=true, from the start)"


class _InterruptedError(Exception):
    """Ctrl-C, of which typer itself keeps nothing but an exit code."""


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise _InterruptedError(str(stop)) from None


app = typer.Typer(
    name="byheart",
    cls=_Commands,
    help="How much of this book does this language model know by heart?",
    epilog="Exit codes: 0 done, 1 an error, 2 a command that is written wrongly, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
machine.add_commands(app)
cluster.add_commands(app)
release.add_commands(app)
app.add_typer(store.app, name="store")


def main() -> int:
    """Run one command; its exit code."""
    for signalled in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits SIGINT ignored
        signal.signal(signalled, signal.default_int_handler)
    try:
        return app(standalone_mode=False, prog_name="byheart") or 0
    except typer.TyperException as error:
        _say_error(_explain(error))
        return error.exit_code
    except ByheartError as error:
        _say_error(error.message)
        return 1
    except _InterruptedError as stop:
        print(f"\ninterrupted; {str(stop) or _GO_ON}", file=sys.stderr)
        return 130


@app.callback(invoke_without_command=True)
def _show_version(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        print(f"byheart {VERSION}")
        raise typer.Exit


def _explain(error: typer.TyperException) -> str:
    """The error's message; for a setting that was written as an option, how to write it."""
    option = getattr(error, "option_name", "")
    if name := setting_of(option):
        return f"{option} must be written {name}=VALUE, without dashes: see `byheart run --help`"
    return error.format_message()


def _say_error(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
