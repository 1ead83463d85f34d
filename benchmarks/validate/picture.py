"""Draws p_z, bits, bands and ROC curves against copies."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from benchmarks.validate.numbers import Dose

_SEEN, _UNSEEN, _EXTRACTABLE = "#0b4f91", "#9a9a9a", "#c1622b"


def draw(doses: Sequence[Dose], path: Path) -> None:
    """Write the picture: four panels, from all seeds."""
    copies = sorted({dose.copies for dose in doses})
    figure, ((points, bits), (bands, roc)) = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
    _draw_points(points, doses, copies)
    for seed in sorted({dose.seed for dose in doses}):
        some = [dose for dose in doses if dose.seed == seed]
        for name, colour in (("seen", _SEEN), ("unseen", _UNSEEN)):
            bits.plot(range(len(copies)), [getattr(dose, name)[:, 2].mean() for dose in some], "o-", color=colour, ms=4)
    bits.set_ylabel("bits a character: the mean, a line for each seed")
    bits.set_ylim(bottom=0)
    windows = [sum(len(dose.window_log10_p_z) for dose in doses if dose.copies == each) for each in copies]
    for name, colour, label in (
        ("above_controls", _SEEN, "above the controls"), ("extractable", _EXTRACTABLE, "of these, extractable")
    ):  # fmt: skip
        counts = [sum(getattr(dose, name) for dose in doses if dose.copies == each) for each in copies]
        shares = np.array(counts) / np.array(windows)
        bands.bar(range(len(copies)), shares, color=colour, width=0.6, label=label)
        for place, share in enumerate(shares):
            if name == "above_controls":
                bands.text(place, share, f"{share:.0%}", ha="center", va="bottom")
    bands.set_ylabel("share of windows")
    bands.set_ylim(0, 1.1)
    bands.legend(frameon=False, loc="upper left")
    for axes in (points, bits, bands):
        axes.set_xticks(range(len(copies)), [str(each) for each in copies])
        axes.set_xlabel("copies in training")
    _draw_roc(roc, doses, copies)
    for axes in (points, bits, bands, roc):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _draw_points(axes: Axes, doses: Sequence[Dose], copies: Sequence[int]) -> None:
    random = np.random.default_rng(0)
    for place, each in enumerate(copies):
        for name, colour, shift in (("unseen", _UNSEEN, -0.18), ("seen", _SEEN, 0.18)):
            values = np.concatenate([getattr(dose, name)[:, 0] for dose in doses if dose.copies == each])
            across = place + shift + random.uniform(-0.13, 0.13, values.size)
            axes.scatter(across, values, s=4, color=colour, alpha=0.4, linewidths=0)
            axes.plot([place + shift - 0.15, place + shift + 0.15], [np.median(values)] * 2, color="black", lw=1.6)
    for colour, label in ((_SEEN, "in the model that has seen it"), (_UNSEEN, "in the other")):
        axes.scatter([], [], s=16, color=colour, label=label)
    axes.yaxis.set_major_formatter(lambda value, _: f"$10^{{{value:.0f}}}$")
    axes.set_ylabel("p_z, a point for each passage (bar: median)")
    axes.legend(frameon=False, loc="upper left")


def _draw_roc(axes: Axes, doses: Sequence[Dose], copies: Sequence[int]) -> None:
    colours = plt.get_cmap("viridis_r")(np.linspace(0.1, 0.95, len(copies)))
    for each, colour in zip(copies, colours, strict=True):
        some = [dose for dose in doses if dose.copies == each]
        seen, unseen = (
            np.sort(np.concatenate([getattr(dose, name)[:, 2] for dose in some])) for name in ("seen", "unseen")
        )
        limits = np.concatenate([[-np.inf], np.unique(np.concatenate([seen, unseen]))])
        found, false = (np.searchsorted(values, limits, side="right") / len(values) for values in (seen, unseen))
        auc = np.mean([dose.auc for dose in some])
        axes.plot(false, found, color=colour, label=f"{each}: AUC {auc:.2f}")
    axes.plot([0, 1], [0, 1], color="#cccccc", lw=1, ls=":")
    axes.set_xlabel("share of the unseen passages")
    axes.set_ylabel("share of the seen passages below as many bits")
    axes.legend(frameon=False, loc="lower right", title="copies")
