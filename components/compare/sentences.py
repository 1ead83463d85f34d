"""What a comparison says in words: to everybody, and to researchers."""

from collections.abc import Sequence
from statistics import mean

from byheart.measures.comparison.comparison import ModelComparison, TextComparison
from byheart.measures.comparison.scored_text import ABOVE_CONTROLS, LEVELS, Level
from byheart.measures.discoverable import HEADLINE_THRESHOLD, STEPS
from byheart.measures.figures import show, show_threshold

_HALF = Level(threshold=HEADLINE_THRESHOLD)
PAGE_LEVELS = (*(level for level in LEVELS if level.threshold in STEPS), ABOVE_CONTROLS)
"""The levels that a page offers; the tables have all."""
_BITS = "bits per character"


def choose_level(comparison: ModelComparison) -> Level:
    """The level that the page begins with: p_z ≥ 50%; where no text has any such character, the lowest that one has, or
    above the controls."""
    known = {
        level for text in comparison.books for model in text.measured for level, at in model.at.items() if at.coverage
    }
    order = (_HALF, *PAGE_LEVELS)
    return next((level for level in order if level in known), _HALF)


def list_levels(comparison: ModelComparison) -> list[Level]:
    """The levels that some text has."""
    present = {level for text in comparison.texts for model in text.measured for level in model.at}
    return [level for level in PAGE_LEVELS if level in present]


def name_level(level: Level) -> str:
    """A level for people: `0.1%`, or `above the controls`."""
    return "above the controls" if level.threshold is None else show_threshold(level.threshold)


def list_common_books(comparison: ModelComparison) -> list[TextComparison]:
    """The books that all models have measured, which their means are of; all books where there is none."""
    return [text for text in comparison.books if all(text.models)] or list(comparison.books)


def ask(comparison: ModelComparison) -> str:
    """The title."""
    if len(comparison.books) == 1:
        return f"Which model knows “{comparison.books[0].description.called}” by heart?"
    return "Which model knows which book by heart?"


def answer(comparison: ModelComparison, level: Level) -> str:
    """A sentence for everybody: which model knows most, and which book is known best, at a level."""
    names = [model.name for model in comparison.models]
    books = list_common_books(comparison)
    means = [average_coverage(books, index, level) for index in range(len(names))]
    known = [(value, name) for value, name in zip(means, names, strict=True) if value is not None]
    if not known or max(known)[0] == 0:
        return _answer_by_bits(comparison, level)
    (most, best), (least, worst) = max(known, key=lambda pair: pair[0]), min(known, key=lambda pair: pair[0])
    of = f"of “{books[0].description.called}”" if len(books) == 1 else "of the books, on average,"
    unit = "stands above its controls" if level.threshold is None else _describe_recall(level)
    if show(most) == show(least):
        return f"All models know about as much: {show(most)} {of} {unit}."
    sentence = f"Most is known to {best}: {show(most)} {of} {unit}, against {show(least)} under {worst}."
    if len(books) == 1:
        return sentence
    share, name, model = max(
        (of_model.at[level].coverage or 0.0, text.description.called, of_model.model)
        for text in books
        for of_model in text.measured
        if level in of_model.at
    )
    return f"{sentence} The best known text is “{name}” ({show(share)} by {model})."


def _describe_recall(level: Level) -> str:
    return f"comes back exactly as printed {_describe_often(level)}, after the text’s own words"


def _describe_often(level: Level) -> str:
    assert level.threshold
    return (
        "in at least every second try" if level == _HALF else f"at least once in {round(1 / level.threshold):,} tries"
    )


def _answer_by_bits(comparison: ModelComparison, level: Level) -> str:
    """What can be said where no model reaches a level."""
    books = list_common_books(comparison)
    bits = [
        (mean(values), model.name)
        for index, model in enumerate(comparison.models)
        if (values := [bits for text in books if (bits := _find_bits(text, index)) is not None])
    ]
    if not bits:
        return "Nothing of these texts was measured."
    (fewest, best), (most, worst) = min(bits), max(bits)
    nothing = (
        "Nothing of these texts stands above the controls of any model."
        if level.threshold is None
        else f"No model writes any of this out word for word {_describe_often(level)}."
    )
    return (
        f"{nothing} The fewest corrections take {best}’s guesses: {show(fewest, _BITS)} bits per character, "
        f"against {show(most, _BITS)} under {worst}."
    )


def _find_bits(text: TextComparison, index: int) -> float | None:
    of_model = text.models[index]
    return of_model.bits if of_model else None


def average_coverage(texts: Sequence[TextComparison], index: int, level: Level) -> float | None:
    """The mean over texts of a model's coverage at a level; None where it has none."""
    shares = [
        of_model.at[level].coverage for text in texts if (of_model := text.models[index]) and level in of_model.at
    ]
    known = [share for share in shares if share is not None]
    return mean(known) if known else None


def describe_settings(comparison: ModelComparison) -> str:
    """A line for researchers: what was measured, and whether all was measured alike."""
    provenance = comparison.models[0].provenance
    window, differing = provenance.settings.window, {row.what for row in comparison.disagreements}
    lengths = {"prompt_tokens", "chunk_size", "max_length", "suffix_characters", "prompt_characters"}
    tokens = "windows differ between models" if differing & lengths else provenance.window_size
    stride = "" if "cursor_inc" in differing else f", stride {window.cursor_inc} characters"
    pairs = [pair for text in comparison.texts for pair in text.pairs]
    alike = "the same windows for all models"
    if not all(pair.has_same_windows for pair in pairs):
        alike = "not the same windows for all models: see below"
    elif any(pair.paired.windows < pair.paired.of for pair in pairs):
        share = sum(pair.paired.windows for pair in pairs) / sum(pair.paired.of for pair in pairs)
        alike = f"pairs by the {show(share)} of windows that stop where both tokenizers cut"
    return (
        f"Suffix coverage · {tokens}{stride} · temperature 1, whole vocabulary · the same texts (SHA-256) · {alike} · "
        "small: 95% intervals for other texts made of such blocks; of these texts the shares are exact"
    )


def warn_of_tokenizers(comparison: ModelComparison) -> str:
    """What models with different tokenizers stand on, on one grid of characters; empty elsewhere."""
    on_grid = comparison.models[0].provenance.settings.window.suffix_characters
    if not on_grid or "tokenizer" not in {row.what for row in comparison.disagreements}:
        return ""
    return (
        "All models were asked for the same characters, up to boundaries that the text alone decides. Windows that do "
        "not stop where both tokenizers cut are left out of a pair. A log-probability is that of the model’s own "
        "tokens: a lower bound on the string’s, since other tokens may spell the same text."
    )


def warn_of_reference(comparison: ModelComparison) -> str:
    """What the contrast with a reference stands on; empty without one."""
    if not comparison.reference:
        return ""
    controls = max(len(model.controls) for model in comparison.models)
    return (
        f"Each log_p_z minus that of {comparison.reference.name} on the same characters, ranked among the controls as "
        "any score would be. Only ranks are claims: a better model has larger differences everywhere. The reference "
        "must have seen none of the controls: of "
        f"{controls:,}, one that it has seen raises the chance of a false alarm from 1 in {controls + 1:,} to 1 in "
        f"{max(controls, 1):,}, and if it has seen all there is no bound. If it has seen the book, the rank is only "
        "more careful."
    )
