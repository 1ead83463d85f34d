"""The columns of a text's blobs: its map, the windows that travel, and the tokens of these windows."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from byheart.contracts.windows import Windows
from byheart.measures.discoverable import STEPS
from byheart.measures.measured import MeasuredBook

SLIDER = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.75, 0.9, 0.99)
"""The p_z below which the slider takes the colour away."""
NO_TOKEN = 2
"""In place of a token's rank, where characters lie in no token of a tile."""
_OUTSIDE = 65_535
"""For log_p_z_top_k that is minus infinity."""
_RANKS = 255
_LEAST_LOG_PROB = 30.0
"""Nats: less is written as this."""
_CODE_STEPS = np.array([_LEAST_LOG_PROB * ((code + 0.5) / 255) ** 3 for code in range(255)], np.float32)
"""Nats, ascending: from minus the log-probability of a step on, it is nearer to the next code."""


def find_travelling(measured: MeasuredBook) -> np.ndarray:
    """int64 [N], ascending: the windows that are the best over a character, by their rows in windows.parquet."""
    best = measured.schemes.plain.maps.suffix.window
    used = np.zeros(len(measured.windows) + 1, bool)
    used[best] = True  # -1, not measurable, is the last
    return np.flatnonzero(used[:-1])


def make_map_columns(
    measured: MeasuredBook, rows: np.ndarray, bands: np.ndarray | None, above: Sequence[float]
) -> dict[str, np.ndarray]:
    """The columns of the blob `map`.

    Args:
        rows: the windows that travel.
        bands: int8 [C], the `Band` of each character; None without controls.
        above: the controls' thresholds, nats, above which a window lies if it is strictly more probable.
    """
    windows, scores = measured.windows.select(rows), measured.scores
    place = np.zeros(len(measured.windows) + 1, np.int64)
    place[rows] = np.arange(1, len(rows) + 1)
    run_length, run_best = _find_runs(place[measured.schemes.plain.maps.suffix.window])
    columns = {"run_length": run_length, "run_best": run_best}
    if bands is not None:
        band_length, band = _find_runs(bands.astype(np.int64) + 1)
        columns |= {"band_length": band_length, "band": band}
    return {
        **columns,
        "row_delta": np.diff(rows, prepend=0),
        "start_delta": np.diff(windows.start, prepend=0),
        "prompt_length": windows.suffix_start - windows.start,
        "suffix_length": windows.stop - windows.suffix_start,
        "log_p_z": round_to_float32(scores.log_p_z[rows], above),
        **_make_top_k(scores.log_p_z[rows], scores.log_p_z_top_k[rows]),
        "greedy": scores.greedy[rows],
        "repetitive": measured.repetition.repetitive[rows],
        "book_overlap": np.rint(255 * measured.repetition.book_overlap[rows]).astype(np.uint8),
        **_make_tiles(measured.windows, scores.token_ranks),
    }


def round_to_float32(log_p_z: np.ndarray, above: Sequence[float]) -> np.ndarray:
    """float32: log_p_z, rounded so that each value stays on its side of every step of the page, and of `above`."""
    rounded = log_p_z.astype(np.float32)
    steps = [math.log(p) for p in {*STEPS, *SLIDER}]
    # v >= step is the same as v > the largest float64 below the step.
    for step in [*(math.nextafter(step, -math.inf) for step in steps), *above]:
        wide = rounded.astype(np.float64)
        rounded = np.where((log_p_z > step) & (wide <= step), np.nextafter(rounded, np.float32(np.inf)), rounded)
        rounded = np.where((log_p_z <= step) & (wide > step), np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return rounded


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Detail:
    """The tokens of N travelling windows, S scored tokens each, or at most."""

    place: np.ndarray
    """int64 [N], ascending: which of the travelling windows they are."""
    log_p_z: np.ndarray
    """float64 [N]"""
    is_token: np.ndarray
    """bool [N, S]: false behind a shorter suffix."""
    length: np.ndarray
    """uint32 [N, S]: characters, from where the token before stops."""
    log_prob: np.ndarray
    """uint8 [N, S]: c, where the log-probability is -30 (c / 255)^3 nats."""
    rank: np.ndarray
    """uint8 [N, S]: 255 is 255 or more."""
    preferred: np.ndarray
    """int32 [N, S]: the id of the token with the largest logit; -1 where it is the token itself."""

    def __len__(self) -> int:
        return len(self.place)

    def keep(self, which: np.ndarray) -> "Detail":
        """The tokens of some of the windows; bool [N]."""
        return Detail(**{field.name: getattr(self, field.name)[which] for field in dataclasses.fields(self)})


def make_detail(measured: MeasuredBook, rows: np.ndarray, *, most_tokens: int) -> Detail:
    """The tokens of the most probable of the windows that travel.

    Args:
        rows: the windows that travel.
        most_tokens: the most tokens of all windows together.
    """
    scores = measured.scores
    scored = scores.token_log_probs.shape[1]
    order = np.argsort(-scores.log_p_z[rows], kind="stable")[: most_tokens // max(scored, 1)]
    place = np.sort(order)
    chosen = rows[place]
    windows = measured.windows.select(chosen)
    columns, is_token = windows.find_suffix_columns(scored)
    ids = np.take_along_axis(windows.token_ids, columns, axis=1)
    top = scores.top_token_ids[chosen]
    return Detail(
        place=place,
        log_p_z=scores.log_p_z[chosen],
        is_token=is_token,
        length=np.diff(_take_stops(windows, columns), axis=1).astype(np.uint32),
        log_prob=np.searchsorted(_CODE_STEPS, -scores.token_log_probs[chosen], side="right").astype(np.uint8),
        rank=np.minimum(scores.token_ranks[chosen], _RANKS).astype(np.uint8),
        preferred=np.where(top == ids, np.int32(-1), top),
    )


def make_detail_columns(detail: Detail, preferred: np.ndarray | None) -> dict[str, np.ndarray]:
    """The columns of the blob `detail`.

    Args:
        preferred: int [N, S], the index of each preferred token among the page's pieces; None leaves it out.
    """
    tokens = {"length": detail.length, "log_prob": detail.log_prob, "rank": detail.rank}
    tokens |= {} if preferred is None else {"preferred": preferred}
    counts = {} if detail.is_token.all() else {"suffix_tokens": detail.is_token.sum(axis=1)}
    return {
        "place": np.diff(detail.place, prepend=0),
        **counts,
        **{name: values[detail.is_token] for name, values in tokens.items()},
    }


def _find_runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The length and the value of each maximal run of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
    return np.diff(starts, append=len(values)), values[starts]


def _make_top_k(log_p_z: np.ndarray, top_k: np.ndarray) -> dict[str, np.ndarray]:
    """How far log_p_z_top_k lies above log_p_z, in 1/1000 nat; itself, as f4, where a temperature moves it below."""
    above = np.where(np.isfinite(top_k), 1_000 * (top_k - log_p_z), _OUTSIDE)
    if above.min(initial=0) < -1 or above.max(initial=0) > _OUTSIDE:
        return {"log_p_z_top_k": top_k}
    return {"top_k": np.where(np.isfinite(top_k), np.clip(np.rint(above), 0, _OUTSIDE - 1), _OUTSIDE).astype(np.uint16)}


def _take_stops(windows: Windows, columns: np.ndarray) -> np.ndarray:
    """int64 [W, S + 1]: where the prompt stops, and each of the tokens in these columns."""
    return np.take_along_axis(windows.token_stops, np.concatenate([columns[:, :1] - 1, columns], axis=1), axis=1)


def _make_tiles(windows: Windows, ranks: np.ndarray) -> dict[str, np.ndarray]:
    """The tokens of suffixes that do not overlap: each is the first that begins after the one before.

    Characters between two suffixes, and before the first, are a tile without a token.
    """
    rows, row, beginning = [], 0, np.maximum.accumulate(windows.suffix_start)
    while row < len(windows):
        rows.append(row)
        row = max(int(np.searchsorted(beginning, windows.stop[row])), row + 1)
    chosen = windows.select(np.array(rows, np.int64))
    return _join_tiles(_take_stops(chosen, chosen.find_suffix_columns(ranks.shape[1])[0]), ranks[rows])


def _join_tiles(stops: np.ndarray, ranks: np.ndarray) -> dict[str, np.ndarray]:
    # A column more: the characters from the end of the suffix before to the first token.
    edges = np.concatenate([[0], stops.ravel()])
    length = np.diff(edges)
    kind = np.concatenate([np.full((len(ranks), 1), NO_TOKEN), ranks > 0], axis=1).astype(np.uint8).ravel()
    if not length.any():
        return {"tile_length": length[:0], "tile_rank_class": kind[:0]}
    # The rest of a character that several tokens share has no length: its class joins the character's.
    first = np.flatnonzero(length)
    wrong = np.maximum.reduceat(np.where(kind == 1, 1, 0), first)
    kinds = np.where(kind[first] == NO_TOKEN, NO_TOKEN, wrong).astype(np.uint8)
    return {"tile_length": length[first], "tile_rank_class": kinds}
