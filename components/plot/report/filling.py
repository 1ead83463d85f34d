"""Fills a page with the data of its texts, up to the size that it may have."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from byheart.components.plot.report.columns import Detail, make_detail_columns
from byheart.pages.blobs import encode_columns, pack, render_blob, render_json

MOST_BYTES = 8_000_000
"""The size of a page: Kubeflow's frame shows up to 10 MB at once."""
_TRIES = 6
"""Of the number of windows whose tokens just fit."""
_MARGIN = 0.99


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TextData:
    """What a page may hold of one text."""

    entry: dict[str, Any]
    """Its part of the JSON."""
    importance: tuple[Any, ...]
    """Texts are given room in ascending order of this."""
    text: str
    """The packed blob; empty where no text is shown."""
    map: str
    """The packed blob."""
    detail: Detail


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Filled:
    """The data that a page has room for."""

    head: dict[str, Any]
    """The JSON."""
    blobs: dict[str, str]
    """The packed blobs by the id of their element."""

    @property
    def size(self) -> int:
        """The bytes of the script elements."""
        blobs = (len(render_blob(element_id, "")) + len(packed) for element_id, packed in self.blobs.items())
        return len(render_json("report", self.head).encode()) + sum(blobs)

    def render(self) -> str:
        """The script elements with all data."""
        blobs = (render_blob(element_id, packed) for element_id, packed in self.blobs.items())
        return render_json("report", self.head) + "".join(blobs)


def fill(run: dict[str, Any], texts: Sequence[TextData], pieces: Mapping[int, str] | None, room: int) -> Filled:
    """The data of the texts that fits into `room` bytes.

    Texts with their maps come first, by importance; then tokens, from the most probable window of all texts down.

    Args:
        run: the part of the JSON that is about the run.
        pieces: the text of each token id; None where the page may not show them.
    """
    ids = [f"t{index}" for index in range(len(texts))]
    has_map = _choose_texts(run, ids, texts, room)
    order = _rank_windows(texts, has_map)

    def fill_with(windows: int) -> Filled:
        return _fill(run, ids, texts, has_map, _keep_first(texts, order, windows), pieces)

    best, fits = fill_with(0), 0
    tried, too_many = fill_with(len(order)), len(order)
    if tried.size <= room:
        return tried
    size = tried.size
    for _ in range(_TRIES):
        # Between two numbers of windows, the size is about a straight line.
        windows = fits + int(_MARGIN * (too_many - fits) * (room - best.size) / (size - best.size))
        if windows <= fits:
            break
        tried = fill_with(windows)
        if tried.size <= room:
            best, fits = tried, windows
        else:
            too_many, size = windows, tried.size
    return best


def _choose_texts(run: dict[str, Any], ids: Sequence[str], texts: Sequence[TextData], room: int) -> list[bool]:
    """For each text, whether it and its map have room."""
    has_map = [False] * len(texts)
    for index in sorted(range(len(texts)), key=lambda index: texts[index].importance):
        tried = [*has_map[:index], True, *has_map[index + 1 :]]
        if _fill(run, ids, texts, tried, [None] * len(texts), {}).size <= room:
            has_map = tried
    return has_map


def _rank_windows(texts: Sequence[TextData], has_map: Sequence[bool]) -> np.ndarray:
    """int64 [N, 2]: the text and the index in its detail of every window, the most probable first."""
    lists = [
        (np.full(len(text.detail), index), np.arange(len(text.detail)), text.detail.log_p_z)
        for index, text in enumerate(texts)
        if has_map[index]
    ]
    if not lists:
        return np.zeros((0, 2), np.int64)
    text, window, log_p_z = (np.concatenate(column) for column in zip(*lists, strict=True))
    return np.stack([text, window], axis=1)[np.argsort(-log_p_z, kind="stable")]


def _keep_first(texts: Sequence[TextData], order: np.ndarray, windows: int) -> list[Detail | None]:
    """The detail of the first `windows` in the order, for each text; None where none of its windows is among them."""

    def keep(index: int, text: TextData) -> Detail | None:
        chosen = np.zeros(len(text.detail), bool)
        chosen[order[:windows][order[:windows, 0] == index, 1]] = True
        return text.detail.keep(chosen) if chosen.any() else None

    return [keep(index, text) for index, text in enumerate(texts)]


def _fill(
    run: dict[str, Any],
    ids: Sequence[str],
    texts: Sequence[TextData],
    has_map: Sequence[bool],
    details: Sequence[Detail | None],
    pieces: Mapping[int, str] | None,
) -> Filled:
    """The data of a page.

    Args:
        has_map: for each text, whether its text and map are in the page.
        details: for each text, the tokens that are.
    """
    blobs: dict[str, str] = {}
    shown, numbers = _number_pieces(details, pieces)
    for text_id, text, has_blobs, detail in zip(ids, texts, has_map, details, strict=True):
        if has_blobs:
            blobs |= {f"{text_id}-text": text.text} if text.text else {}
            blobs[f"{text_id}-map"] = text.map
        if detail is not None:
            preferred = None if pieces is None else numbers[detail.preferred]
            blobs[f"{text_id}-detail"] = pack(encode_columns(make_detail_columns(detail, preferred)))
    entries = [
        {"id": text_id, **text.entry, "blobs": has_blobs, "detailed": len(detail) if detail else 0}
        for text_id, text, has_blobs, detail in zip(ids, texts, has_map, details, strict=True)
    ]
    return Filled(head={**run, "texts": entries, "pieces": shown}, blobs=blobs)


def _number_pieces(details: Sequence[Detail | None], pieces: Mapping[int, str] | None) -> tuple[list[str], np.ndarray]:
    """The texts of all preferred tokens, and for each token id its index among them; -1, the last, has index 0."""
    found = [np.unique(detail.preferred) for detail in details if detail is not None]
    ids = np.unique(np.concatenate([np.empty(0, np.int32), *found]))
    ids = ids[ids >= 0]
    numbers = np.zeros(int(ids.max(initial=-1)) + 2, np.uint32)
    numbers[ids] = np.arange(1, len(ids) + 1)
    if pieces is None:
        return [""], numbers
    return ["", *(pieces.get(token_id, "") for token_id in ids.tolist())], numbers
