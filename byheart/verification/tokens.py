"""Makes the windows of finished results again, from the text and the tokenizer."""

import numpy as np

from byheart.components.tokenize.tokenizer import Tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.books import Book
from byheart.contracts.model_input import ModelInput, join_halves, make_model_input
from byheart.contracts.only import select_characters
from byheart.contracts.selection import choose_control_sample, select_windows
from byheart.contracts.setting_groups import FULL
from byheart.contracts.windows import Windows
from byheart.measures.provenance import Provenance
from byheart.measures.results import BookResults
from byheart.scores.address import compute_address


def make_windows(book: Book, provenance: Provenance, tokenizer: Tokenizer) -> Windows:
    """All windows of a book, measured or not."""
    tokenization = provenance.tokenization
    return slide(
        book.text,
        tokenizer.encode,
        provenance.settings.window,
        scored_tokens=tokenization.scored_tokens,
        cuts=tokenizer.cuts,
    )


def make_input(windows: Windows, provenance: Provenance) -> ModelInput:
    """The model input of windows: the BOS if any, the prompt and the suffix."""
    columns = windows.token_ids, windows.prompt_tokens, windows.suffix_tokens
    return make_model_input(*columns, provenance.settings.window.prompt_tokens, provenance.tokenization)


def make_control_input(results: BookResults, model_input: ModelInput, scored_tokens: int) -> ModelInput:
    """The model input of a book's control sample: a window's prompt, then another window's suffix."""
    table = results.read_control_sample()
    if table is None:
        return model_input.select(np.empty(0, np.int64))
    return join_halves(model_input, table.sample.prompt_window, table.sample.suffix_window, scored_tokens)


def list_token_differences(results: BookResults, book: Book, windows: Windows, provenance: Provenance) -> list[str]:
    """How the windows in a book's files differ from those that its text and the tokenizer give.

    Args:
        windows: all windows of the book, made again.
    """
    settings, described, name = provenance.settings, results.book, results.book.name
    selection = select_windows(windows, select_characters(book, settings.selection.only), settings.selection.windows)
    if selection != described.selection:
        return [f"provenance.json, {name}: its selection is not that of only and windows"]
    table, numbers = results.read_windows(), selection.numbers()
    if not np.array_equal(table.number, numbers):
        return [f"{name}/windows.parquet has other windows than the text"]
    differences = []
    for column, values in windows.select(numbers).columns().items():
        held = table.windows.columns()[column]
        if column == "token_ids" and settings.report.report_text != FULL:
            values = np.full_like(values, -1)
        if not np.array_equal(held, values):
            differences.append(f"{name}/windows.parquet, {column}: not the tokens of the text")
    model_input = make_input(windows, provenance)
    sample = choose_control_sample(windows, settings.control.control_sample, numbers)
    held_sample = results.read_control_sample()
    pairs = held_sample.sample if held_sample else choose_control_sample(windows, 0)
    if any(not np.array_equal(getattr(pairs, field), values) for field, values in vars(sample).items()):
        differences.append(f"{name}/control_sample.parquet: not the pairs of windows that control_sample chooses")
    of_sample = make_control_input(results, model_input, provenance.tokenization.scored_tokens)
    for inputs, address, precision in (
        (model_input, described.scores, provenance.precision),
        (model_input, described.rescored_scores, "float32"),
        (of_sample, described.control_sample, provenance.precision),
    ):
        if address and address != _compute_address(inputs, provenance, precision):
            differences.append(f"provenance.json, {name}: its scores are at another address")
    return differences


def _compute_address(model_input: ModelInput, provenance: Provenance, precision: str) -> str:
    import dataclasses

    return compute_address(
        model_input=model_input,
        scored_tokens=provenance.tokenization.scored_tokens,
        weights_sha256=provenance.model.weights_sha256,
        score=dataclasses.replace(provenance.settings.score, precision=precision),
    )
