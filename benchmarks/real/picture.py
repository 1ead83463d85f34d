"""Draws a point for each window: known texts above, controls below, and the line that no control crosses."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.real.measure import CONTROLS
from benchmarks.real.numbers import Measured, list_best_of_controls

_ABOVE, _BELOW, _CONTROL = "#0b4f91", "#9a9a9a", "#c1622b"
_FLOOR = -3.0
"""log10 of the p_z at which the headline begins to count windows."""


def draw(rows: list[Measured], title: str, path: Path) -> None:
    """Write the picture.

    Args:
        rows: sections and controls; those of books are sorted by their medians.
    """
    known = sorted((row for row in rows if not row.is_control), key=lambda row: -row.median)
    controls = sorted((row for row in rows if row.is_control), key=lambda row: -row.median)
    tau = list_best_of_controls(rows)[0]
    ordered, random = [*known, *controls], np.random.default_rng(0)
    figure, axes = plt.subplots(figsize=(11, 0.32 * len(ordered) + 1.6), layout="constrained")
    for place, row in enumerate(ordered):
        colours = np.where(row.log10_p_z > tau, _ABOVE, _BELOW) if not row.is_control else _CONTROL
        heights = place + random.uniform(-0.24, 0.24, row.log10_p_z.size)
        axes.scatter(row.log10_p_z, heights, s=9, c=colours, alpha=0.75, linewidths=0)
        axes.plot([row.median] * 2, [place - 0.36, place + 0.36], color="black", linewidth=1.6)
        axes.text(1.02, place, f"{row.bits_per_character:.2f}", transform=axes.get_yaxis_transform(), va="center")
    axes.axhline(len(known) - 0.5, color="#cccccc", linewidth=1)
    axes.axvline(tau, color=_CONTROL, linewidth=1.4)
    axes.axvline(_FLOOR, color="black", linewidth=1.2, linestyle=":")
    top = -0.75
    axes.text(tau, top, "best window of\nany control", color=_CONTROL, ha="center", va="bottom", fontsize=9)
    axes.text(_FLOOR, top, "p_z = 0.001", ha="right", va="bottom", fontsize=9)
    axes.text(1.02, top, "bits a\ncharacter", transform=axes.get_yaxis_transform(), va="bottom", fontsize=9)
    labels = [f"control: {CONTROLS[row.name]}" if row.is_control else row.name for row in ordered]
    axes.set_yticks(range(len(ordered)), labels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(ordered) - 0.4, -0.6)
    lowest = min(float(row.log10_p_z.min()) for row in ordered)
    axes.set_xlim(lowest - 2, 1)
    axes.set_xticks(range(int(lowest) // 20 * 20 + 20, 1, 20))
    axes.xaxis.set_major_formatter(lambda value, _: f"$10^{{{value:.0f}}}$")
    axes.set_xlabel("p_z of a window, a point each (bar: median)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(title, x=0.01, ha="left")
    figure.savefig(path, dpi=110)
    plt.close(figure)
