"""A text as a stranger reads it from report.html, by the description in docs/outputs/report.md alone."""

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

from tests.pages.blobs import read_columns, read_page


@dataclass
class ReadText:
    """A text of a report."""

    entry: dict[str, Any]
    shown: dict[int, str]
    """The characters that travel, by position."""
    windows: list[dict[str, Any]]
    """The windows that travel."""
    best: list[int | None]
    """For each character, which of them is the best over it."""
    bands: list[int] | None
    tiles: list[tuple[int, int, int]]
    """Where each tile starts and stops, and its class."""
    details: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """The tokens of those windows that have detail."""


def read_report(page: str) -> tuple[dict[str, Any], dict[str, ReadText]]:
    """The JSON of a report, and its texts by name; only those that have blobs."""
    head, blobs = read_page(page)
    assert head["version"] == 1
    return head, {entry["name"]: _read_text(head, entry, blobs) for entry in head["texts"] if entry["blobs"]}


def _read_text(head: dict[str, Any], entry: dict[str, Any], blobs: dict[str, bytes]) -> ReadText:
    spans = {"all": [[0, entry["characters"]]], "none": []}.get(str(entry["shown"]), entry["shown"])
    positions = itertools.chain(*(range(*span) for span in spans))
    text = blobs.get(f"{entry['id']}-text", b"").decode()
    columns = read_columns(blobs[f"{entry['id']}-map"])
    windows = _read_windows(columns)
    assert len(windows) == entry["travelling"]
    best = [index - 1 if index else None for index in _repeat(columns["run_length"], columns["run_best"])]
    bands = _repeat(columns["band_length"], columns["band"]) if "band" in columns else None
    stops = _add_up(columns["tile_length"])
    tiles = list(zip([0, *stops], stops, columns["tile_rank_class"], strict=False))
    read = ReadText(entry, dict(zip(positions, text, strict=True)), windows, best, bands, tiles)
    if f"{entry['id']}-detail" in blobs:
        read.details = _read_details(head, read_columns(blobs[f"{entry['id']}-detail"]), windows)
    assert len(read.details) == entry["detailed"]
    return read


def _read_windows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    starts = _add_up(columns["start_delta"])
    windows = []
    for index, row in enumerate(_add_up(columns["row_delta"])):
        suffix_start = starts[index] + columns["prompt_length"][index]
        log_p_z = columns["log_p_z"][index]
        if "top_k" in columns:
            above = columns["top_k"][index]
            top_k = -math.inf if above == 65_535 else log_p_z + above / 1_000
        else:
            top_k = columns["log_p_z_top_k"][index]
        windows.append(
            {
                "row": row,
                "start": starts[index],
                "suffix_start": suffix_start,
                "stop": suffix_start + columns["suffix_length"][index],
                "log_p_z": log_p_z,
                "log_p_z_top_k": top_k,
                **{name: columns[name][index] for name in ("greedy", "repetitive", "book_overlap")},
            }
        )
    return windows


def _read_details(
    head: dict[str, Any], columns: dict[str, list[Any]], windows: list[dict[str, Any]]
) -> dict[int, list[dict[str, Any]]]:
    places = _add_up(columns["place"])
    counts = columns.get("suffix_tokens") or [head["suffix_tokens"]] * len(places)
    details = {}
    for place, stop_token, tokens in zip(places, itertools.accumulate(counts), counts, strict=True):
        start, rows = windows[place]["suffix_start"], []
        for index in range(stop_token - tokens, stop_token):
            stop = start + columns["length"][index]
            preferred = head["pieces"][columns["preferred"][index]] if "preferred" in columns else None
            log_prob = -30 * (columns["log_prob"][index] / 255) ** 3
            rows.append(
                {"start": start, "stop": stop, "log_prob": log_prob, "rank": columns["rank"][index]}
                | {"preferred": preferred}
            )
            start = stop
        details[place] = rows
    return details


def _add_up(deltas: list[int]) -> list[int]:
    """The sums of 32-bit integers with a sign."""
    return [(total + 2**31) % 2**32 - 2**31 for total in itertools.accumulate(deltas)]


def _repeat(lengths: list[int], values: list[int]) -> list[int]:
    return [value for length, value in zip(lengths, values, strict=True) for _ in range(length)]
