"""methods.md: what was measured, how and with what result, in words that can stand in a paper."""

import re
from collections.abc import Sequence

from byheart.components.plot.provenance import Run
from byheart.components.plot.templates import templates
from byheart.contracts.books import CONTROL
from byheart.contracts.version import code_version
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.outcomes import Outcome
from byheart.measures.uncertainty import BLOCK_CHARACTERS, FEWEST_BLOCKS, REPLICATES, Interval


def methods(run: Run, books: Sequence[Outcome]) -> str:
    """The text, as Markdown."""
    environment = templates(autoescape=False)
    environment.filters |= {"percent": _percent, "bounds": _bounds}
    text = environment.get_template("methods.md.j2").render(
        model=run.model,
        window=run.settings.window,
        score=run.settings.score,
        coverage=run.settings.chart.coverage,
        preset=run.settings.preset,
        control_sample=run.settings.control.control_sample,
        tokenization=run.tokenization,
        precision=run.plan.precision,
        floor=EVIDENCE_FLOOR,
        replicates=REPLICATES,
        fewest_blocks=FEWEST_BLOCKS,
        block_characters=BLOCK_CHARACTERS,
        controlled=any(book.described["role"] == CONTROL for book in books),
        code=code_version(),
        devices=sorted(
            {f"{on['device']} with jax {on['jax']}" for book in books for on in book.described["computed_on"]}
        ),
        books=books,
    )
    return re.sub(r"(?<!\n)\n *(?![\n#-]|$)", " ", text)  # a paragraph is one line, ready to be pasted


def _percent(share: float | None) -> str:
    return "no share" if share is None else f"{share:.1%}"


def _bounds(interval: Interval | None) -> str:
    return f" (95% interval {interval[0]:.1%} to {interval[1]:.1%})" if interval else ""
