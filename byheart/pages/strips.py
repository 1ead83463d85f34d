"""A text from beginning to end as a small drawing in which area is the share: SVG, which follows the page's colours.

above 50% |    ####  |   a column is a run of characters; in it the shares stand on one another, the most probable
above 10% |  ######  |   at the bottom, and what is not measurable hangs from the top
"""

from collections.abc import Iterator, Sequence

import numpy as np

HEIGHT = 24
"""The units of a column: a share that is not 0 has one at least, so that a single line stays visible."""
Layer = tuple[str, np.ndarray]
"""The CSS class of a kind of characters, and which characters are of it, bool [C]."""


def draw_strip(stacked: Sequence[Layer], hanging: Layer, columns: int) -> str:
    """The content of an SVG image with the `viewBox` of `make_view_box`.

    Args:
        stacked: the kinds that stand on one another, the lowest first; no character is of two.
        hanging: the kind that hangs from the top.
        columns: into how many columns the characters are divided, at most.
    """
    if not len(hanging[1]):
        return ""
    shares = compute_shares([which for _, which in (*stacked, hanging)], columns)
    heights = np.ceil(HEIGHT * np.cumsum(shares[:-1], axis=0)).astype(int).clip(0, HEIGHT)
    drawn = [_draw_path(name, _stand(tops)) for (name, _), tops in zip(stacked, heights, strict=True)]
    return "".join((_draw_path(hanging[0], _hang(np.ceil(HEIGHT * shares[-1]).astype(int))), *reversed(drawn)))


def compute_shares(kinds: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """float64 [kinds, N]: the share of each kind of characters in each of N equal runs of them, at most `columns`.

    Args:
        kinds: which characters are of each kind, bool [C]; C is not 0.
    """
    characters = len(kinds[0])
    firsts = list_firsts(characters, columns)
    sizes = np.diff(firsts, append=characters)
    return np.array([np.add.reduceat(which, firsts, dtype=np.int64) / sizes for which in kinds])


def list_firsts(characters: int, columns: int) -> np.ndarray:
    """int64 [N]: the first character of each of N equal runs, at most `columns`; none of no characters."""
    columns = min(columns, characters)
    return np.arange(columns) * characters // max(columns, 1)


def make_view_box(characters: int, columns: int) -> str:
    """The `viewBox` of a strip."""
    return f"0 0 {max(min(columns, characters), 1)} {HEIGHT}"


def _draw_path(name: str, boxes: Iterator[str]) -> str:
    path = "".join(boxes)
    return f'<path class="{name}" d="{path}"/>' if path else ""


def _stand(heights: np.ndarray) -> Iterator[str]:
    return (f"M{first} {HEIGHT}v-{height}h{width}v{height}z" for first, width, height in _find_runs(heights))


def _hang(heights: np.ndarray) -> Iterator[str]:
    return (f"M{first} 0v{height}h{width}v-{height}z" for first, width, height in _find_runs(heights))


def _find_runs(heights: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """First column, width and height of each run of equal columns that are not empty."""
    firsts = np.flatnonzero(np.diff(heights, prepend=-1))
    for first, stop in zip(firsts, [*firsts[1:], len(heights)], strict=True):
        if heights[first]:
            yield int(first), int(stop - first), int(heights[first])
