"""What a report must show, computed from the other files of the run: windows.parquet, passages.csv, statistics.json."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

STEPS = (0.001, 0.01, 0.1, 0.5)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class BookFiles:
    """A measured book, and the best window over each of its characters."""

    folder: Path
    text: str
    start: np.ndarray
    suffix_start: np.ndarray
    stop: np.ndarray
    log_p_z: np.ndarray
    token_ranks: np.ndarray
    """int [W, S]"""
    best: np.ndarray
    """int [C]: the row in windows.parquet; -1 where no window asks for the character."""

    def name_steps(self, threshold: float) -> list[str]:
        """The name of each character's colour where the slider stands at a threshold."""
        names = ["unmeasured", "", *(f"step-{step}" for step in range(1, len(STEPS) + 1))]
        value = np.where(self.best < 0, np.nan, self.log_p_z[self.best])
        step = 1 + np.searchsorted(np.log(STEPS), value, side="right")
        step[value < math.log(threshold)] = 1
        step[self.best < 0] = 0
        return [names[each] for each in step]

    def list_runs(self) -> list[tuple[int, int]]:
        """The maximal spans of characters with the same best window, if they have one."""
        edges = np.flatnonzero(np.diff(self.best, prepend=-2, append=-2))
        spans = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        return [(start, stop) for start, stop in spans if self.best[start] >= 0]

    def list_passages(self, threshold: float) -> set[tuple[int, int]]:
        """The passages of passages.csv at a threshold."""
        with (self.folder / "passages.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["scheme"] == "plain"]
        return {(int(row["start"]), int(row["stop"])) for row in rows if float(row["threshold"]) == threshold}


def read_book(folder: Path) -> BookFiles:
    """The book in a folder of results."""
    text = (folder / "text.txt").read_bytes().decode("utf-8")
    table = pq.read_table(folder / "windows.parquet")
    start, suffix_start, stop, log_p_z = (
        table[name].to_numpy() for name in ("start", "suffix_start", "stop", "log_p_z")
    )
    best = np.full(len(text), -1)
    value = np.full(len(text), -np.inf)
    for row in range(len(start)):  # of equals the earliest stays
        span = slice(suffix_start[row], stop[row])
        better = (log_p_z[row] > value[span]) | (best[span] < 0)
        best[span] = np.where(better, row, best[span])
        value[span] = np.where(better, log_p_z[row], value[span])
    return BookFiles(
        folder=folder,
        text=text,
        start=start,
        suffix_start=suffix_start,
        stop=stop,
        log_p_z=log_p_z,
        token_ranks=np.array(table["token_ranks"].to_pylist()),
        best=best,
    )
