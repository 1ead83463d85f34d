"""How this folder's templates are read."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates(*, autoescape: bool) -> Environment:
    """The templates beside this file; a name that is not given ends the work.

    Args:
        autoescape: whether what is filled in is text among HTML.
    """
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=autoescape,
    )
