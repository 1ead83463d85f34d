"""The environment that renders the templates of pages and of Markdown."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from byheart.pages.characters import show_hidden


def make_environment(folder: Path, *, autoescape: bool) -> Environment:
    """An environment for the templates in a folder; a template with an undefined name raises an error.

    Text of strangers hides nothing in any of them; the filter `markdown` escapes it for Markdown.

    Args:
        autoescape: whether to escape values for HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=autoescape,
        finalize=show_hidden,
    )
    environment.filters["markdown"] = escape_markdown
    return environment


def escape_markdown(text: str) -> str:
    """The text on a single line, with the special characters of Markdown and HTML escaped.

    `_` too: between letters it is a letter to CommonMark, but two of them are emphasis to Kubeflow's markdown-to-jsx 7.
    """
    text = " ".join(text.split())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return re.sub(r"([\\`*_{}\[\]#+!|~])", r"\\\1", text)
