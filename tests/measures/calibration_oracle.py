"""What MEASURES calls calibration, read off its definitions in plain Python: loops and sets, no arrays, no sharing.

A text is a list of windows `(suffix_start, stop, log_p_z, repetitive)`.
"""

import math
from fractions import Fraction
from typing import Any

Window = tuple[int, int, float, bool]


def cut_middle(texts: list[list[Window]]) -> list[list[Window]]:
    fewest = min(len(text) for text in texts)
    return [text[math.floor((len(text) - fewest) / 2) :][:fewest] for text in texts]


def paint(windows: list[Window]) -> dict[int, float]:
    painted: dict[int, float] = {}
    for start, stop, value, repetitive in windows:
        for character in range(start, stop):
            if not repetitive:
                painted[character] = max(painted.get(character, -math.inf), value)
    return painted


def find_scores(windows: list[Window]) -> list[float]:
    kept = [window for window in windows if not window[3]]
    if not kept:
        return [-math.inf, -math.inf, 0, -math.inf]
    painted = paint(windows)
    known = {character for character, value in painted.items() if value >= math.log(0.5)}
    longest = 0
    for character in known:
        length = 0
        while character + length in known:
            length += 1
        longest = max(longest, length)
    bits = sum(-window[2] for window in kept) / math.log(2) / sum(window[1] - window[0] for window in kept)
    return [
        len(known) / len(painted),
        sum(window[2] >= math.log(0.001) for window in kept) / len(kept),
        longest,
        -bits,
    ]


def find_own(values: list[float], q: float) -> float:
    """The (floor(qn) + 1)-th largest."""
    return sorted(values)[-1 - math.floor(Fraction(str(q)) * len(values))] if values else -math.inf


def find_threshold(controls: list[list[float]], q: float, r: int) -> float | None:
    return sorted(find_own(values, q) for values in controls)[-r] if len(controls) >= r else None


def share_above(values: list[float], threshold: float) -> float | None:
    return sum(value > threshold for value in values) / len(values) if values else None


def calibrate(texts: list[list[Window]], q: float, r: int) -> dict[str, Any]:
    """The first text against the others."""
    stretches, controls = cut_middle(texts), range(1, len(texts))
    scores = [find_scores(windows) for windows in stretches]
    windows = [[window[2] for window in stretch if not window[3]] for stretch in stretches]
    characters = [list(paint(stretch).values()) for stretch in stretches]
    ranks = [
        sorted(sum(scores[other][j] >= scores[text][j] for other in range(len(texts))) for j in range(4))
        for text in range(len(texts))
    ]
    found: dict[str, Any] = {
        "scores": scores,
        "p": [(1 + sum(scores[c][j] >= scores[0][j] for c in controls)) / len(texts) for j in range(4)],
        "p_all": sum(one <= ranks[0] for one in ranks) / len(texts),
        "windows": windows,
        "characters": characters,
    }
    for name, values, share, rank in (
        ("windows_t", windows, q, r),
        ("characters_t", characters, q, r),
        ("census", windows, 0.0, 1),
    ):
        threshold = find_threshold([values[c] for c in controls], share, rank)
        forgiven = math.floor(Fraction(str(share)) * len(values[0]))
        found[name] = None if threshold is None else {
            "value": threshold,
            "above": sum(value > threshold for value in values[0]),
            "exceeded": sum(value > threshold for value in values[0]) > forgiven,
            "without": [
                find_threshold([values[c] for c in controls if c != left], share, rank) for left in controls
            ],
        }  # fmt: skip
    return found


def name_band(value: float, threshold: float) -> str:
    """The band of a value: p_z is easily drawn if a thousand draws give the suffix with probability 0.99."""
    is_easy = 1 - (1 - math.exp(value)) ** 1000 >= 0.99
    return (("like_unseen", "easy"), ("above_controls", "extractable"))[value > threshold][is_easy]
