"""Tokenize: from books to windows of token ids and character spans."""

import dataclasses
from collections import Counter
from collections.abc import Iterator

import numpy as np
import tokenizers

from byheart.components.tokenize.pieces import list_pieces
from byheart.components.tokenize.tokenizer import Tokenizer, load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.books import Book, Refused, check_some_left, read_books, read_refused
from byheart.contracts.errors import ModelError, SettingsError
from byheart.contracts.model import read_model
from byheart.contracts.only import select_characters
from byheart.contracts.pieces import write_pieces
from byheart.contracts.progress import Progress, say
from byheart.contracts.selection import Selection, select_windows
from byheart.contracts.setting_groups import WindowSettings
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import has_windows, write_windows
from byheart.contracts.windows import Tokenization, Windows
from byheart.models.folder import ModelFolder, locate_folder, open_model

_MANY_UNKNOWN = 0.001
"""A book with more unknown tokens than this gets a line."""
_MOST_UNKNOWN = 0.5
"""A book with more is not measured: an unknown token after another is nearly certain, whatever the text."""


def run(*, books: str, model: str, settings: str, windows: str) -> None:
    """Write the windows of every book, and which of them are measured.

    Args:
        books, model, settings: what `download` wrote.
        windows: the folder to write.

    Raises:
        BookError: no book has a window, or none has a window among its selected characters.
        ModelError: the tokenizer cannot be used, or does not belong to the model.
        SettingsError: once the BOS is known, no suffix is left or the model's positions do not suffice.
    """
    checked = Settings.read(settings)
    window, selected = checked.window, checked.selection
    described = read_model(model)
    other = described.tokenizer
    folder = open_model(described.address, described.ignored_fields, described.files)
    tokenizer = load_tokenizer(other.address if other else described.address)
    bos_id = find_bos_id(window.bos, folder, tokenizer)
    tokenization = Tokenization(
        tokenizer_sha256=tokenizer.sha256,
        tokenizers=tokenizers.__version__,
        bos_id=bos_id,
        scored_tokens=window.count_scored_tokens(has_bos=bos_id is not None),
        unknown_id=tokenizer.unknown_id,
        tokenizer=other.identity if other else None,
    )
    if window.suffix_characters:  # raised as windows are written
        tokenization = dataclasses.replace(tokenization, scored_tokens=1, prompt_tokens=1)
    _check_positions(tokenization, window, folder)
    texts = read_books(books)
    say(f"windows of {_describe_length(window)}, {'no BOS' if bos_id is None else f'BOS {bos_id}'}")
    if tokenizer.cuts is None:
        say("this tokenizer is not known to cut safely: each slice is tokenized on its own")
    progress = Progress(sum(len(range(0, len(book.text), window.cursor_inc)) for book in texts), "slices")

    counts: Counter[str] = Counter()

    def windows_of_all() -> Iterator[tuple[str, Windows, Selection] | Refused]:
        for book in texts:
            rows = slide(
                book.text,
                tokenizer.encode,
                window,
                scored_tokens=tokenization.scored_tokens,
                cuts=tokenizer.cuts,
                report=progress.add,
            )
            selection = select_windows(rows, select_characters(book, selected.only), selected.windows)
            unknown = rows.select(selection.numbers()).count_unknown(tokenizer.unknown_id)
            tokens = (rows.token_ids >= 0).sum() / max(len(rows), 1)
            if selection.count and unknown.mean() < _MOST_UNKNOWN * tokens:
                if line := _describe_unknown(book, unknown, tokens):
                    say(line)
                if window.suffix_characters:
                    say(_describe_flagged(book, rows))
                _check_id(int(rows.token_ids.max()), folder, tokenizer)
                counts.update(
                    windows=len(rows), tail=rows.dropped_tail, inside=rows.dropped_inside, asked=selection.count
                )
                yield book.name, rows, selection
            else:
                if selection.count:
                    refused = _unknown(book, unknown.mean() / tokens, tokenizer)
                else:
                    refused = _too_short(book, window) if not len(rows) else _outside(book, selection, selected.only)
                say(f"not measured: {refused.why}")
                yield refused

    write_pieces(windows, list_pieces(tokenizer.backend))
    written = write_windows(windows, tokenization, windows_of_all())
    if window.suffix_characters:
        say(f"windows are padded to {written.prompt_tokens:,} + {written.scored_tokens:,} tokens")
        _check_positions(written, window, folder)
    check_some_left([book.role for book in texts if has_windows(windows, book.name)], read_refused(windows))
    dropped = f"{counts['tail']:,} cursors at a book's tail and {counts['inside']:,} inside have none"
    asked = "" if counts["asked"] == counts["windows"] else f", of which {counts['asked']:,} are asked for"
    say(f"{counts['windows']:,} windows{asked}; {dropped}")


def _check_positions(tokenization: Tokenization, settings: WindowSettings, folder: ModelFolder) -> None:
    """Refuse an input that is longer than the model's positions; the last scored token is not fed."""
    fed = tokenization.count_positions(settings.prompt_tokens)
    name, hint = "chunk_size", "lower chunk_size or set max_length"
    if settings.suffix_characters:
        name, hint = (
            "suffix_characters",
            "lower it or prompt_characters, or leave text of so many tokens out with only=",
        )
    kinds = folder.decoder.expand_attention()
    switch = min((kind.rope.original_positions for kind in kinds if kind.rope and kind.rope.long_factors), default=fed)
    if settings.suffix_characters and fed > switch:
        raise SettingsError(
            f"{name} must leave padded windows within the {switch:,} positions beyond which the model reads a text "
            f"otherwise, found {fed:,} fed: {hint}",
            parameter=name,
        )
    if fed > folder.decoder.max_positions:
        raise SettingsError(
            f"{name} must fit the model's {folder.decoder.max_positions:,} positions, found {fed:,} fed: {hint}",
            parameter=name,
        )


def _describe_length(settings: WindowSettings) -> str:
    if settings.suffix_characters:
        return f"at least {settings.prompt_characters:,} + {settings.suffix_characters:,} characters"
    return f"{settings.chunk_size} tokens"


def _describe_flagged(book: Book, windows: Windows) -> str:
    """A line on windows that do not stop where all tokenizers cut, and how many tokens windows have."""
    flagged, tokens = windows.flagged.mean(), np.median(windows.suffix_tokens)
    return (
        f"{book.name}: suffixes have {tokens:,.0f} tokens in the median, at most {windows.suffix_tokens.max():,}; "
        f"{flagged:.1%} of the windows, which do not stop at common boundaries, are left out where models are compared"
    )


def _too_short(book: Book, settings: WindowSettings) -> Refused:
    lower = "lower suffix_characters" if settings.suffix_characters else "raise slice_length, lower chunk_size"
    why = (
        f"{book.source} must be long enough for one window of {_describe_length(settings)}, found "
        f"{len(book.text):,} characters in slices of {settings.slice_length:,}: {lower}, or leave the book out"
    )
    return Refused(source=book.source, role=book.role, why=why)


def _outside(book: Book, selection: Selection, only: str) -> Refused:
    asked = sum(span.stop - span.start for span in selection.characters)
    why = (
        f"{book.source} must have a window whose suffix lies in the {asked:,} characters that only={only} asks for, "
        f"found none of its {selection.of:,} windows there: ask for more"
    )
    return Refused(source=book.source, role=book.role, why=why)


def _unknown(book: Book, share: float, tokenizer: Tokenizer) -> Refused:
    why = (
        f"{book.source} must be a text that the tokenizer in {tokenizer.folder} knows, found {share:.0%} of its tokens "
        "unknown, which are easy to foresee: choose a model for its script and language, or leave the book out"
    )
    return Refused(source=book.source, role=book.role, why=why)


def _describe_unknown(book: Book, unknown: np.ndarray, tokens: float) -> str:
    """A line on a book with many unknown tokens; empty for others.

    Args:
        unknown: int [W]: how many of each window's tokens are.
        tokens: the mean number of a window's tokens.
    """
    share = unknown.mean() / tokens
    if share < _MANY_UNKNOWN:
        return ""
    windows = f"in {(unknown > 0).mean():.0%} of its windows"
    return f"{book.name}: {share:.1%} of its tokens are unknown to the tokenizer, {windows}: they are easy to foresee"


def _check_id(token_id: int, folder: ModelFolder, tokenizer: Tokenizer) -> None:
    if token_id >= folder.decoder.vocab:
        raise ModelError(
            f"{locate_folder(folder.place)} must have a tokenizer whose ids stay below "
            f"vocab_size={folder.decoder.vocab:,}, found id {token_id:,} in {tokenizer.folder}: tokenizer and "
            "weights do not belong together, fetch both from one place",
            parameter="model",
        )


def find_bos_id(bos: str, folder: ModelFolder, tokenizer: Tokenizer) -> int | None:
    """The id to feed before each window; None if none is fed."""
    if not folder.family.takes_bos(bos):
        return None
    if tokenizer.bos_id is None:
        raise ModelError(
            f"bos={bos} needs a tokenizer with a bos_token, found none in {tokenizer.folder}: use bos=false",
            parameter="bos",
        )
    _check_id(tokenizer.bos_id, folder, tokenizer)
    return tokenizer.bos_id
