"""The settings of a run, which the first stage checks once.

All defaults are in `pipeline.py`, none is here.
"""

import dataclasses
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
from byheart.contracts.setting_groups import (
    AUTO,
    COMMON_REACH,
    NONE,
    ChartSettings,
    ControlSettings,
    LayoutSettings,
    LogitsSettings,
    PlacementSettings,
    ReportSettings,
    ReuseSettings,
    ScoreSettings,
    SelectionSettings,
    TextSettings,
    WindowSettings,
)
from byheart.contracts.spellings import WORDS, suggest_memory, suggest_pair

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
    "suffix_characters": (0, "characters (0 counts tokens)"),
    "prompt_characters": (1, "characters"),
    "top_k": (0, "tokens (0 is the whole vocabulary)"),
    "control_sample": (0, "suffixes (0 is none)"),
    "band_rank": (1, "(1 is the highest control)"),
    "batch_size": (0, "windows (0 is chosen for you)"),
    "num_devices": (0, "devices (0 is all)"),
    "dpi": (10, "dots an inch"),
}
"""The smallest value of a setting, and its unit."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of a run, in groups."""

    preset: str
    """The name of the preset that some of the other settings come from, or `none`."""
    text: TextSettings
    selection: SelectionSettings
    window: WindowSettings
    score: ScoreSettings
    logits: LogitsSettings
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
        if window.suffix_characters:
            self._check_characters()
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
        _ = self.report.most_characters, self.logits.top, self.logits.limit_bytes  # they raise if they are no numbers

    def _check_characters(self) -> None:
        """Check what goes with `suffix_characters`."""
        window = self.window
        if window.max_length:
            refuse("max_length", "be 0 with suffix_characters", window.max_length, "leave one of the two out")
        if self.logits.logits != NONE:
            refuse("logits", "be none with suffix_characters", self.logits.logits, "leave one of the two out")
        longest = window.prompt_characters + window.suffix_characters + 3 * COMMON_REACH
        if window.slice_length < longest:
            needed = f"be at least {longest:,} characters, to hold prompt_characters and suffix_characters"
            refuse("slice_length", needed, f"{window.slice_length:,}", "raise it")

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

ASSIGNED: dict[str, Any] = {**SETTINGS, "tokenizer": str, "base": str, "ignore_fields": str}
"""The type of every parameter that people write as name=value: the settings, and those on the model that few runs need,
which provenance records with the model."""
