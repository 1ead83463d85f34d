"""The settings of a run, which the first stage checks once.

All defaults are in `pipeline.py`, none is here.
"""

import dataclasses
import math
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import msgspec

from byheart.contracts.encodings import find_codec
from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.only import parse_only
from byheart.contracts.parameters import check_at_least, check_one_of, convert_value, refuse
from byheart.contracts.presets import apply_preset
from byheart.contracts.spellings import WORDS, suggest_memory, suggest_pair

AUTO = "auto"
FULL, NONE = "full", "none"
COLUMN = "column"
"""A `figsize`: as wide as a column of a paper."""
QUANTITY = re.compile(r"[1-9]\d{0,5}[MGT]i?")
"""A number of bytes as Kubernetes writes it: `32Gi`."""
_MOST_SHARDS = 256
"""The most tasks of a run; each loads all weights."""
_MOST_DOTS = 10**8
"""The most dots of a picture."""
_LARGEST_ROWS = (9, 15)
"""The inches of a map with as many rows as it can have."""
_LEAST = {
    "windows": (0, "windows (0 is all)"),
    "chunk_size": (2, "tokens"),
    "slice_length": (1, "characters"),
    "cursor_inc": (1, "characters"),
    "max_length": (0, "positions (0 cuts nothing)"),
    "prompt_tokens": (1, "tokens"),
    "top_k": (0, "tokens (0 is the whole vocabulary)"),
    "control_sample": (0, "suffixes (0 is none)"),
    "band_rank": (1, "(1 is the highest control)"),
    "batch_size": (0, "windows (0 is chosen for you)"),
    "num_devices": (0, "devices (0 is all)"),
    "dpi": (10, "dots an inch"),
}
"""The smallest value of a setting, and its unit."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextSettings:
    """How books are read, and what happens if one cannot be measured."""

    chapters: str
    """`auto`, `none`, or a regular expression for the lines that are headings of chapters."""
    encoding: str
    """The name of a text codec of Python."""
    gutenberg: str
    """`cut` leaves out Project Gutenberg's header and footer, `keep` measures them."""
    unwrap: bool
    """Whether the lines of a paragraph are joined."""
    on_bad_book: str
    """`fail` measures the other books and then fails the run; `skip` only leaves the book out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SelectionSettings:
    """Which part of a book is measured; the addresses of scores do not depend on it."""

    only: str
    """Chapters, as `3,5-7`, or characters, as `10000:30000`; empty asks for the whole book."""
    windows: int
    """How many windows of each text are measured, evenly spread; 0 measures all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """Where the windows lie and which of their tokens are scored."""

    chunk_size: int
    """Tokens in a window."""
    slice_length: int
    """Characters tokenized at each cursor; the window is their first `chunk_size` tokens."""
    cursor_inc: int
    """Characters from one cursor to the next."""
    max_length: int
    """The most positions fed to the model, the BOS included; 0 sets no limit."""
    prompt_tokens: int
    """Window tokens in the prompt; the rest is the suffix, which is scored."""
    bos: str
    """`auto`, `true` or `false`."""

    def count_scored_tokens(self, *, has_bos: bool) -> int:
        """The number of suffix tokens that are scored in each window.

        Raises:
            SettingsError: `max_length` leaves none.
        """
        fed = self.chunk_size + has_bos
        if self.max_length:
            fed = min(fed, self.max_length)
        scored = fed - has_bos - self.prompt_tokens
        if scored < 1:
            refuse(
                "max_length",
                f"leave a suffix after {'the BOS and ' if has_bos else ''}prompt_tokens={self.prompt_tokens}",
                f"max_length={self.max_length}",
                f"set it to 0 or to more than {self.prompt_tokens + has_bos}",
            )
        return scored

    def count_positions(self, *, has_bos: bool) -> int:
        """The number of tokens that the model is fed: the BOS, the prompt, and all scored tokens but the last."""
        return has_bos + self.prompt_tokens + self.count_scored_tokens(has_bos=has_bos) - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """The decoding scheme of `log_p_z_top_k`, and the arithmetic."""

    temperature: float
    top_k: int
    """Tokens that the scheme samples from; 0 is the whole vocabulary."""
    precision: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """What each book is compared with, beside the control books."""

    control_sample: int
    """Suffixes of each book that are scored again under prompts from elsewhere in the book; 0 scores none."""
    band_share: float
    """q of the threshold t(q, r): the share of an unseen book that may lie above it."""
    band_rank: int
    """r of t(q, r): which of the controls' own thresholds it is; 1 is the largest."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayoutSettings:
    """How the work is divided over devices; the addresses of scores do not depend on it."""

    batch_size: int
    """Windows in a batch; 0 chooses a number for the device."""
    shards: int
    """Tasks that share the windows."""
    num_devices: int
    """Devices to use; 0 uses all that a task has."""
    mesh_shape: str
    """`auto` or `DATAxMODEL`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlacementSettings:
    """The node that scores on a cluster, and the accelerator: here too, it decides what `precision=auto` means."""

    accelerator: str
    """The name of a slice in `machines.accelerators`, or `auto`."""
    spot: bool
    """Whether the node may be a spot node, which the cloud can take back at any time."""
    memory: str
    """The pod's memory, as Kubernetes writes it: `32Gi`; or `auto`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReuseSettings:
    """Whether scores in the store are used again."""

    force: bool
    """Whether all scores are computed again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChartSettings:
    """How the heat map looks."""

    coverage: str
    plot_title: str
    colormap: str
    figsize: str
    """`auto`: a row a chapter, 9 inches wide; `column`: 3.3 inches wide; or inches of a strip, `WIDTHxHEIGHT`."""
    dpi: int

    @property
    def strip_size(self) -> tuple[float, float] | None:
        """Width and height in inches of the map as a strip; None where it has a row for each chapter."""
        if self.figsize in (AUTO, COLUMN):
            return None
        sides = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", self.figsize)
        size = (float(sides[1]), float(sides[2])) if sides else (0.0, 0.0)
        if not (6 <= size[0] <= 100 and 2 <= size[1] <= 100):
            hint = "choose such a size" if sides else suggest_pair(self.figsize)
            needed = f"be {AUTO}, {COLUMN}, or WIDTHxHEIGHT in inches, from 6x2 to 100x100"
            refuse("figsize", needed, repr(self.figsize), hint)
        return size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What the model is called in the results, and how much of the books' text they contain."""

    label: str
    """The model's name; empty makes one from its source."""
    report_text: str
    """`full`, `none`, or the most characters of each book that are quoted."""

    @property
    def most_characters(self) -> float:
        """The most characters of each book that the results quote; infinity for `full`, which includes the whole text.

        Raises:
            SettingsError: `report_text` cannot be read.
        """
        if self.report_text in (FULL, NONE):
            return math.inf if self.report_text == FULL else 0
        if not re.fullmatch(r"[1-9]\d{0,11}", self.report_text):
            needed = f"be {FULL}, {NONE} or a number of characters"
            refuse("report_text", needed, repr(self.report_text), f"write {FULL}, {NONE}, or a number such as 2000")
        return int(self.report_text)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of a run, in groups."""

    preset: str
    """The name of the preset that some of the other settings come from, or `none`."""
    text: TextSettings
    selection: SelectionSettings
    window: WindowSettings
    score: ScoreSettings
    control: ControlSettings
    layout: LayoutSettings
    placement: PlacementSettings
    reuse: ReuseSettings
    chart: ChartSettings
    report: ReportSettings

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any], defaults: Mapping[str, Any] = MappingProxyType({})) -> Self:
        """The settings among the pipeline's parameters, converted to their types and checked.

        Args:
            defaults: the pipeline's; a parameter that has its default does not contradict a preset.

        Raises:
            SettingsError: a value cannot be used; the message names the parameter and a value that can.
            KeyError: a parameter is missing.
        """
        values = {name: convert_value(name, parameters[name], kind) for name, kind in SETTINGS.items()}
        known = {name: convert_value(name, defaults[name], kind) for name, kind in SETTINGS.items() if name in defaults}
        values = apply_preset(values, known)
        groups = {
            field.name: {name: values[name] for name in _list_fields(field.type)}
            for field in dataclasses.fields(cls)
            if dataclasses.is_dataclass(field.type)
        }
        settings = msgspec.convert({"preset": values["preset"], **groups}, cls)
        settings.check()
        return settings

    def by_name(self) -> dict[str, Any]:
        """All settings by name, as `from_parameters` takes them."""
        values: dict[str, Any] = {}
        for name, value in vars(self).items():
            values |= vars(value) if dataclasses.is_dataclass(value) else {name: value}
        return values

    def check(self) -> None:
        """Raise SettingsError for the first value that cannot be used; the error names its parameter."""
        window, score, layout, chart = self.window, self.score, self.layout, self.chart
        values = self.by_name()
        for name, words in WORDS.items():
            check_one_of(name, values[name], words)
        for name, (least, unit) in _LEAST.items():
            check_at_least(name, values[name], least, unit)
        find_codec(self.text.encoding)
        parse_only(self.selection.only)
        if window.prompt_tokens >= window.chunk_size:
            refuse(
                "prompt_tokens",
                f"leave a suffix: less than chunk_size={window.chunk_size}",
                window.prompt_tokens,
                "lower prompt_tokens or raise chunk_size",
            )
        window.count_scored_tokens(has_bos=window.bos == "true")
        if not 0.01 <= score.temperature <= 100:
            refuse("temperature", "be from 0.01 to 100", score.temperature, "1 is the model's own")
        if not 0 <= self.control.band_share < 1:
            refuse(
                "band_share", "be from 0 to less than 1", self.control.band_share, "0.001 is one window in a thousand"
            )
        if layout.mesh_shape != AUTO and not re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", layout.mesh_shape):
            refuse("mesh_shape", "be auto or DATAxMODEL", repr(layout.mesh_shape), suggest_pair(layout.mesh_shape))
        if not 1 <= layout.shards <= _MOST_SHARDS:
            refuse("shards", f"be from 1 to {_MOST_SHARDS:,} tasks", layout.shards, "choose such a number")
        memory = self.placement.memory
        if memory != AUTO and not QUANTITY.fullmatch(memory):
            refuse("memory", "be auto or a quantity", repr(memory), suggest_memory(memory))
        width, height = chart.strip_size or _LARGEST_ROWS
        if width * height * chart.dpi**2 > _MOST_DOTS:
            dots = f"keep figsize below {_MOST_DOTS:,} dots"
            refuse("dpi", dots, f"{chart.figsize} at {chart.dpi}", "lower dpi")
        _ = self.report.most_characters  # raises if it is no number

    def write(self, path: str | Path) -> None:
        """Write the settings as JSON."""
        write_json(path, self)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The settings that `write` wrote."""
        return read_json(path, cls)


def _list_fields(group: Any) -> dict[str, Any]:
    """The names and types of a group's settings."""
    return {field.name: field.type for field in dataclasses.fields(group)}


SETTINGS: dict[str, Any] = {
    name: kind
    for field, group in _list_fields(Settings).items()
    for name, kind in (_list_fields(group) if dataclasses.is_dataclass(group) else {field: group}).items()
}
"""The type of every setting, by name."""

ASSIGNED: dict[str, Any] = {**SETTINGS, "tokenizer": str, "ignore_fields": str}
"""The type of every parameter that people write as name=value: the settings, and two on the model that few runs need,
which provenance records with the model."""
