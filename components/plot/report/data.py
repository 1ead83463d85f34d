"""The data of report.html: one JSON object, and blobs for each text, filled up to the size that a page may have.

docs/outputs/report.md describes the format for readers, and the tests read it back by that description.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from byheart.components.plot.report.columns import (
    SLIDER,
    find_travelling,
    make_detail,
    make_map_columns,
)
from byheart.components.plot.report.filling import Filled, TextData, fill
from byheart.contracts.books import CONTROL
from byheart.contracts.only import Span
from byheart.measures.calibration.bands import EXTRACTABLE_LOG_P_Z, paint
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.calibration.stretches import Comparison
from byheart.measures.discoverable import HEADLINE_THRESHOLD, STEPS
from byheart.measures.measured import MeasuredBook
from byheart.measures.outcomes import Outcome
from byheart.measures.provenance import RunProvenance
from byheart.pages.blobs import encode_columns, pack

VERSION = 1
"""Of the format."""
_MOST_TOKENS = 5_000_000
"""Tokens whose detail is kept until the page is filled: more than a page has room for."""


class ReportData:
    """Collects the data of a run, text by text, and chooses what a page has room for."""

    def __init__(self, run: RunProvenance, pieces: Mapping[int, str] | None) -> None:
        """Begin without a text.

        Args:
            pieces: the text of each token id; None where the report may not show them.
        """
        self._run, self._pieces = run, pieces
        self._used = np.zeros(0, bool)
        """For each token id, whether a window holds it, or a place where the model preferred it."""
        self._texts: dict[str, TextData] = {}

    def add(
        self,
        measured: MeasuredBook,
        outcome: Outcome,
        comparison: Comparison | None,
        quoted: Sequence[Span] | None,
    ) -> None:
        """Add a text; nothing of it is kept but what the page may hold.

        Args:
            comparison: the text's stretch and those of its controls; None without controls.
            quoted: the spans of the text that may be shown; None shows all of it.
        """
        calibration = outcome.calibration
        rows, bands, above = find_travelling(measured), None, []
        if calibration and comparison and calibration.windows_t and calibration.characters_t:
            document = comparison.book.document
            bands = paint(document, calibration.windows_t, calibration.characters_t).characters
            above = [calibration.windows_t.value, calibration.characters_t.value]
        columns = make_map_columns(measured, rows, bands, above)
        text = measured.book.text
        shown = text if quoted is None else "".join(text[span.start : span.stop] for span in quoted)
        self._texts[measured.book.name] = TextData(
            entry=_describe(measured, outcome, len(rows), quoted),
            importance=_rank(measured),
            text=pack(shown.encode()) if shown else "",
            map=pack(encode_columns(columns)),
            detail=make_detail(measured, rows, most_tokens=_MOST_TOKENS),
        )

        if self._pieces is not None:
            self._note(measured.windows.token_ids)
            self._note(measured.scores.top_token_ids)

    def list_pieces(self) -> dict[int, str]:
        """The text of each token that occurs in the texts, by its id, ascending; empty where it is not known."""
        return {number: (self._pieces or {}).get(number, "") for number in np.flatnonzero(self._used).tolist()}

    def _note(self, ids: np.ndarray) -> None:
        self._used = np.pad(self._used, (0, max(int(ids.max(initial=-1)) + 1 - len(self._used), 0)))
        self._used[ids[ids >= 0]] = True

    def fill(self, names: Sequence[str], room: int) -> Filled:
        """What fits into `room` bytes: texts and maps by importance, then tokens from the most probable window down.

        Args:
            names: the texts in the order of the page.
        """
        texts = [self._texts[name] for name in names]
        return fill(self._describe_run(), texts, self._pieces, room)

    def _describe_run(self) -> dict[str, Any]:
        settings = self._run.settings
        return {
            "version": VERSION,
            "model": self._run.label,
            **self._describe_windows(),
            "stride": settings.window.cursor_inc,
            "top_k": settings.score.top_k,
            "temperature": settings.score.temperature,
            "precision": self._run.precision,
            "ladder": STEPS,
            "slider": SLIDER,
        }

    def _describe_windows(self) -> dict[str, int]:
        window = self._run.settings.window
        if window.suffix_characters:
            return {"prompt_characters": window.prompt_characters, "suffix_characters": window.suffix_characters}
        return {"prompt_tokens": window.prompt_tokens, "suffix_tokens": self._run.tokenization.scored_tokens}


def _describe(
    measured: MeasuredBook, outcome: Outcome, travelling: int, quoted: Sequence[Span] | None
) -> dict[str, Any]:
    """The entry of a text in the JSON, without what filling decides."""
    book, windows, log_p_z = measured.book, measured.windows, measured.schemes.plain.log_p_z
    best = int(np.argmax(log_p_z)) if len(log_p_z) else None
    characters = len(book.text)
    shown = [[0, characters]] if quoted is None else [[span.start, span.stop] for span in quoted]
    return {
        "name": book.name,
        "title": book.called,
        "role": book.role,
        "characters": characters,
        "chapters": [[chapter.number, chapter.title, chapter.start, chapter.stop] for chapter in outcome.chapters],
        "measurable": int(measured.schemes.plain.maps.suffix.measurable.sum()),
        "windows": len(windows),
        "travelling": travelling,
        "best": None
        if best is None
        else {
            "row": best,
            "start": int(windows.start[best]),
            "suffix_start": int(windows.suffix_start[best]),
            "stop": int(windows.stop[best]),
            "log_p_z": float(log_p_z[best]),
        },
        "median_log_p_z": float(np.quantile(log_p_z, 0.5, method="inverted_cdf")) if len(log_p_z) else None,
        "bands": _describe_bands(outcome.calibration),
        "shown": "all" if shown == [[0, characters]] else shown or "none",
        "sha256": outcome.book.sha256,
    }


def _describe_bands(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None or not (calibration.bands and calibration.windows_t and calibration.characters_t):
        return None
    return {
        "t": calibration.characters_t.value,
        "windows_t": calibration.windows_t.value,
        "extractable": EXTRACTABLE_LOG_P_Z,
        "q": calibration.characters_t.q,
        "r": calibration.characters_t.r,
        "controls": calibration.controls_count,
        "chance": calibration.characters_t.chance,
        "chance_whole_book": calibration.characters_t.chance_whole_book,
        "is_spread": calibration.is_spread,
        "may_say_memorised": calibration.bands.may_say_memorised,
    }


def _rank(measured: MeasuredBook) -> tuple[Any, ...]:
    """Sorts texts by importance: books before controls, the best known first."""
    share = measured.schemes.plain.maps.suffix.compute_share(math.log(HEADLINE_THRESHOLD)) or 0.0
    return measured.book.role == CONTROL, -share, -float(measured.schemes.plain.log_p_z.max(initial=-math.inf))
