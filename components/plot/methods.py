"""methods.md: what was measured, how and with what result, as text for a paper."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from byheart.components.plot.provenance import Run
from byheart.contracts.setting_groups import COMMON_REACH, FULL
from byheart.measures.blocks import LEAST_CHARACTERS
from byheart.measures.calibration.facts import state_facts
from byheart.measures.claims import state_best, state_claims, state_fall
from byheart.measures.discoverable import EVIDENCE_FLOOR
from byheart.measures.figures import Figure, show_with_bound
from byheart.measures.headline import list_figures
from byheart.measures.near import NEAR
from byheart.measures.outcomes import Outcome
from byheart.measures.selection import describe_selection
from byheart.measures.uncertainty import LEAST_BLOCKS
from byheart.pages.templates import escape_markdown, make_environment


def write_methods(run: Run, books: Sequence[Outcome]) -> str:
    """The text of methods.md."""
    return _write(run, books, _escape)


def list_methods(run: Run, books: Sequence[Outcome]) -> list[str]:
    """The paragraphs of methods.md before the results, as plain text."""
    text = _write(run, books, lambda words: " ".join(words.split()))
    return text.partition("\n## Results\n")[0].split("\n\n")[1:]


def _write(run: Run, books: Sequence[Outcome], escape: Callable[[str], str]) -> str:
    """The text of methods.md.

    Args:
        escape: makes text of strangers a piece of a line.
    """
    may_quote = run.settings.report.report_text == FULL
    words = {outcome.book.name: outcome.best_words for outcome in books if may_quote}
    environment = make_environment(Path(__file__).parent, autoescape=False)
    environment.filters |= {
        "bounded": show_with_bound,
        "bounds": _format_bounds,
        "figure_text": _format_figure,
        "markdown": escape,
    }
    text = environment.get_template("methods.md.j2").render(
        model=run.model,
        label=run.provenance.label,
        window=run.settings.window,
        selection=run.settings.selection,
        describe_selection=lambda book: describe_selection(book, run.settings.selection),
        score=run.settings.score,
        coverage=run.settings.chart.coverage,
        preset=run.settings.preset,
        control=run.settings.control,
        control_sample=run.settings.control.control_sample,
        tokenization=run.tokenization,
        precision=run.provenance.precision,
        rescored=run.provenance.rescored,
        near=NEAR,
        rescored_count=_count_rescored(books),
        floor=EVIDENCE_FLOOR,
        common_reach=COMMON_REACH,
        interval_sentence=describe_intervals(run),
        least_blocks=LEAST_BLOCKS,
        block_characters=LEAST_CHARACTERS,
        figures=list_figures,
        claims=lambda outcome: _state_claims(outcome, words),
        fall=_state_fall,
        controlled=any(outcome.is_control for outcome in books),
        code=run.provenance.code,
        devices=sorted({f"{on.device} with jax {on.jax}" for outcome in books for on in outcome.book.computed_on}),
        outcomes=books,
    )
    return re.sub(r"(?<!\n)\n *(?![\n#-]|$)", " ", text)  # joins the lines of a paragraph, so that it can be pasted


def describe_intervals(run: Run) -> str:
    """A sentence that says what the intervals of a run are about."""
    own = "shares are estimates" if run.settings.selection.windows else "shares are exact"
    return (
        "Intervals are 95% intervals for other texts made of such blocks: they say how much a share would vary among "
        f"them. Of the measured text, {own}."
    )


def _escape(text: str) -> str:
    """The text for Markdown. `_` between letters stays, so that p_z is p_z where the text is pasted as it stands."""
    return re.sub(r"(?<=\w)\\_(?=\w)", "_", escape_markdown(text))


def _state_claims(outcome: Outcome, words: dict[str, str]) -> list[str]:
    """What is said of a text before its headline; of a control, only its best window."""
    claims = [] if outcome.is_control else state_claims(outcome.calibration)
    return [*claims, *filter(None, [state_best(outcome.statistics, words)])]


def _count_rescored(books: Sequence[Outcome]) -> str:
    """How many windows of all texts were scored again, of how many."""
    windows = [outcome.statistics.windows for outcome in books]
    return f"{sum(each.rescored for each in windows):,} of {sum(each.count for each in windows):,}"


def _state_fall(outcome: Outcome) -> str:
    return state_fall(outcome.statistics, state_facts(outcome.calibration).sample if outcome.calibration else "")


def _format_figure(figure: Figure) -> str:
    return "no share" if figure.value is None else figure.shown


def _format_bounds(figure: Figure) -> str:
    """What stands beside a number, in brackets."""
    parts = [figure.beside if figure.value else "", figure.bound.words if figure.bound else ""]
    if figure.interval:
        parts.append(f"95% interval for other such texts {figure.shown_interval}")
    else:
        parts.append(figure.shown_interval)
    known = "; ".join(filter(None, parts))
    return f" ({known})" if known else ""
