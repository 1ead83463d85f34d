"""The words of a command line: books, a run file, and `name=value` for every other parameter of the pipeline."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from typer.core import TyperCommand

from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import ASSIGNED

if TYPE_CHECKING:
    from byheart.launch.request import Request

_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*=")
_RUN_FILE = (".yaml", ".yml")
_GROUP = re.compile(r"^([A-Z].*):$")
_PARAMETER = re.compile(r"^- (\w+): (.*)$")
_NOT_SETTINGS = ("books", "model", "controls", "store", "options")
"""Parameters that a command line takes in another way than name=value."""


def read_request(
    words: list[str] | None, *, model: list[str] | None = None, controls: list[str] | None = None, store: str = ""
) -> "Request":
    """The request of a command line: NAME=... is a setting, a word that ends in .yaml a run file, all others are books.

    A book whose name holds `=` is written with its folder, as `./a=b.txt`.

    Raises:
        SettingsError: there are several run files, or a setting without a value.
    """
    from byheart.launch.request import Request  # it imports kfp, which takes a second

    words = words or []
    if bare := next((word for word in words if word in ASSIGNED), None):
        raise SettingsError(f"a setting must be written name=value, found {bare!r}: write it so", parameter=bare)
    settings = [word for word in words if _SETTING.match(word)]
    files = [word for word in words if word.endswith(_RUN_FILE) and word not in settings]
    if len(files) > 1:
        raise SettingsError(f"a run must be of one run file, found {', '.join(files)}: name one of them")
    return Request(
        books=[word for word in words if word not in settings and word not in files],
        settings=settings,
        run_file=files[0] if files else "",
        model=model or [],
        controls=controls or [],
        store=store,
    )


def find_setting(option: str) -> str:
    """The setting that an option such as `--top-k` was meant for; empty if there is none."""
    name = option.lstrip("-").partition("=")[0].replace("-", "_")
    return name if name in ASSIGNED else ""


def complete_words(incomplete: str) -> Iterator[str]:
    """The settings that begin with an incomplete word, for a shell's completion; a shell completes files by itself."""
    return (f"{name}=" for name in ASSIGNED if name.startswith(incomplete))


class Parameter(NamedTuple):
    """A parameter of the pipeline, as --help shows it."""

    name: str
    default: Any
    about: str


def read_parameters(text: str, defaults: dict[str, Any]) -> dict[str, list[Parameter]]:
    """The parameters that are settings, by their group.

    Args:
        text: the docstring of pipeline.py.
        defaults: by name; a parameter may have none.
    """
    groups: dict[str, list[Parameter]] = {}
    group = ""
    for line in text.splitlines():
        if heading := _GROUP.match(line):
            group = heading[1]
        elif parameter := _PARAMETER.match(line):
            name, about = parameter.groups()
            groups.setdefault(group, []).append(Parameter(name, defaults.get(name), about))
        elif group in groups and line.startswith("  "):
            *others, last = groups[group]
            groups[group] = [*others, last._replace(about=f"{last.about} {line.strip()}")]
    shown = {
        group: [parameter for parameter in parameters if parameter.name not in _NOT_SETTINGS]
        for group, parameters in groups.items()
    }
    return {group: parameters for group, parameters in shown.items() if parameters}


class MeasuringCommand(TyperCommand):
    """A command that takes the pipeline's parameters: its --help lists each of them, with its default."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the parameters below the options, in the groups of pipeline.py."""
        from byheart.pipeline import DEFAULTS
        from byheart.pipeline import __doc__ as text

        formatter.write_paragraph()
        formatter.write_text("Settings, each written name=value:")
        for group, parameters in read_parameters(text or "", DEFAULTS).items():
            with formatter.section(group):
                formatter.write_dl(
                    [(f"{name}={_format_default(default)}", about) for name, default, about in parameters]
                )
        super().format_epilog(ctx, formatter)


def _format_default(value: Any) -> str:
    """A default as people write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
