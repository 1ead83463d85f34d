"""summary.md: the results of a run as Markdown, for GitHub and Kubeflow's UI."""

from collections.abc import Sequence

from byheart.components.plot.content import collect_content, make_page_environment
from byheart.components.plot.provenance import Run
from byheart.contracts.books import Refused
from byheart.measures.outcomes import Outcome
from byheart.measures.summary import Summary

MOST_CHARACTERS = 400_000
"""Of the whole file: Kubeflow's UI gets slow beyond it."""
MOST_MAP_CHARACTERS = 250_000
"""Of its picture, a `data:` URI."""


def render_summary_markdown(
    run: Run, books: Sequence[Outcome], summary: Summary, not_measured: Sequence[Refused], picture: str = ""
) -> str:
    """summary.md.

    Args:
        picture: the map of the first book as a `data:` URI, which is left out if there is no room for it.
    """
    page = make_page_environment(autoescape=False).get_template("summary.md.j2")
    content = collect_content(run, books, summary, not_measured)
    text = page.render(**content, picture="")
    return page.render(**content, picture=picture) if picture and len(text) + len(picture) < MOST_CHARACTERS else text
