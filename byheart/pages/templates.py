"""The environment that renders the templates of a page."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from byheart.pages.characters import neutralise


def make_environment(folder: Path, *, autoescape: bool) -> Environment:
    """An environment for the templates in a folder; a template with an undefined name raises an error.

    What it writes hides nothing: text of strangers has visible signs for hidden characters.

    Args:
        autoescape: whether to escape values for HTML.
    """
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=autoescape,
        finalize=_show_hidden,
    )


def _show_hidden(value: object) -> object:
    """What a template writes for a value; markup of ours is as it is."""
    return neutralise(value) if type(value) is str else value
