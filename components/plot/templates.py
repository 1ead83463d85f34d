"""The environment that renders the templates in this folder."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def make_environment(*, autoescape: bool) -> Environment:
    """An environment for the templates in this folder; a template with an undefined name raises an error.

    Args:
        autoescape: whether to escape values for HTML.
    """
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=autoescape,
    )
