"""What a race of `benchmarks.extract` found: as JSON, as a table, as a chart, and as the section of README.md.

python -m benchmarks.results build/bench/smollm2-135m.json    # writes the table, the chart and README.md anew
"""

import dataclasses
import json
import re
import statistics
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt

from benchmarks.tables import format_table

_ROOT = Path(__file__).parent.parent
_PLACE = re.compile(r"(<!-- speed, by `make bench` -->\n).*?(<!-- end -->)", re.DOTALL)
_COMMA = re.compile(r", (?![^(]*\))")
"""Outside of parentheses."""
_OWN, _PEER, _BEST = "#1f6f8b", "#c3c7cb", "#8d949b"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """A contestant's."""

    name: str
    is_peer: bool
    makes_ranks: bool
    """Whether it computes ranks and the mass of the top k too."""
    batch: int
    about: str
    """Its libraries, their versions, and the kernels that they found."""
    rates: list[float]
    """Windows a second, of each round."""
    cpu_seconds: list[float]
    """Seconds of all cores together for a window, of each round."""
    peak_bytes: int

    @property
    def rate(self) -> float:
        """The median of the rounds' windows a second."""
        return statistics.median(self.rates)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Race:
    """All contestants' results on the same windows."""

    date: str
    machine: str
    cores: int
    busy: float
    """Processes that wanted to run while it ran, on average, those of the race included."""
    shape: str
    precision: str
    windows: int
    flops_per_window: float
    difference: float
    """The largest difference of two contestants' log_p_z, in nats."""
    peaks: dict[str, list[float]]
    """Operations a second of a large matmul, of each round, by the library that computes it."""
    results: list[Result]

    @classmethod
    def read(cls, path: Path) -> "Race":
        """The race that `write` wrote."""
        held = json.loads(path.read_text(encoding="utf-8"))
        return cls(**held | {"results": [Result(**result) for result in held["results"]]})

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    @property
    def best_peer(self) -> Result:
        """The fastest of the others."""
        return max((result for result in self.results if result.is_peer), key=lambda result: result.rate)

    @property
    def own(self) -> Result:
        """This engine at its fastest."""
        return max((result for result in self.results if not result.is_peer), key=lambda result: result.rate)

    def compare(self, result: Result) -> list[float]:
        """How many times as fast as the best peer a contestant was, in each round."""
        return [rate / its for rate, its in zip(result.rates, self.best_peer.rates, strict=True)]

    def describe(self) -> str:
        """The circumstances, and who was ahead, in words."""
        best, times = self.best_peer, self.compare(self.own)
        cpu_times = statistics.median(best.cpu_seconds) / statistics.median(self.own.cpu_seconds)
        ahead = sum(ratio > 1 for ratio in times)
        libraries = dict.fromkeys(library for result in self.results for library in _COMMA.split(result.about))
        return _wrap(
            f"Windows per second for a model of {self.shape}'s shape with random weights, in {self.precision}, on "
            f"{self.cores} cores of an {self.machine}, {self.date}. All are measured in turns in one run of "
            f"`make bench`, {len(times)} rounds of {self.windows} windows; log_p_z agree within {self.difference:.0e} "
            f"nats. On average {self.busy:.0f} processes wanted the cores: where that is more than there are, compare "
            f"the CPU time.\n\n"
            f"The best peer is {best.name}. byheart has {statistics.median(times):.2f} times its speed, was faster in "
            f"{ahead} of {len(times)} rounds, and takes {1 / cpu_times:.2f} times its CPU time.\n\n"
            f"Found: {', '.join(libraries)}."
        )

    def tabulate(self) -> str:
        """The table, fastest last."""
        header = [
            *("", "ranks, top k", "batch", "windows/s", "times the best peer (least to most)"),
            *("CPU ms a window", "share of the matmul peak", "peak memory, GB"),
        ]
        rows = []
        for result in sorted(self.results, key=lambda result: (not result.is_peer, result.rate)):
            peaks = map(max, *self.peaks.values())
            share = [rate * self.flops_per_window / peak for rate, peak in zip(result.rates, peaks, strict=True)]
            row = (
                result.name,
                "yes" if result.makes_ranks else "no",
                str(result.batch),
                f"{result.rate:.2f}",
                _format_spread(self.compare(result), ".2f"),
                f"{1000 * statistics.median(result.cpu_seconds):.0f}",
                f"{statistics.median(share):.0%}",
                f"{result.peak_bytes / 1e9:.1f}",
            )
            rows.append(row)
        return format_table(header, rows, first="---")

    def draw(self, path: Path) -> None:
        """Draw the chart: each contestant's median, and its slowest and fastest round."""
        results = sorted(self.results, key=lambda result: result.rate)
        colours = [_OWN if not r.is_peer else _BEST if r is self.best_peer else _PEER for r in results]
        middles = [result.rate for result in results]
        reach = [
            [result.rate - min(result.rates) for result in results],
            [max(result.rates) - result.rate for result in results],
        ]
        figure, axes = plt.subplots(figsize=(8, 0.45 * len(results) + 1.2), layout="constrained")
        names = [f"{result.name}{'' if result.makes_ranks else ' *'}" for result in results]
        bars = axes.barh(names, middles, color=colours, xerr=reach, error_kw={"ecolor": "#555", "lw": 1, "capsize": 2})
        axes.bar_label(bars, [f"{rate:.1f}" for rate in middles], label_type="center", color="black", fontsize=9)
        axes.set_xlabel(f"windows per second, {self.shape}'s shape, {self.precision}, {self.cores} cores ({self.date})")
        axes.set_title("* makes neither ranks nor the mass of the top k", fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _format_spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _wrap(text: str) -> str:
    return "\n\n".join(textwrap.fill(paragraph, 120) for paragraph in text.split("\n\n")) + "\n"


def fill_readme(race: Race) -> None:
    """Write the section of README.md, and its chart."""
    race.draw(_ROOT / "docs" / "pictures" / "speed.png")
    text = f"{race.describe()}\n{race.tabulate()}\n![Windows per second of each](docs/pictures/speed.png)\n"
    readme = _ROOT / "README.md"
    page = _PLACE.sub(lambda place: f"{place[1]}{text}{place[2]}", readme.read_text(encoding="utf-8"))
    readme.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    fill_readme(Race.read(Path(sys.argv[1])))
