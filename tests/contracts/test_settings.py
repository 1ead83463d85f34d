import inspect
from pathlib import Path
from typing import Any

import pytest

from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import Settings
from byheart.pipeline import byheart

DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(byheart.pipeline_func).parameters.items()
    if parameter.default is not parameter.empty
}


def test_defaults_of_the_pipeline_are_good_settings() -> None:
    settings = Settings.from_parameters(DEFAULTS)
    assert settings.window.scored_tokens(has_bos=False) == 50
    assert settings.chart.size == (20.0, 3.0)


def test_settings_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    settings = Settings.from_parameters({**DEFAULTS, "temperature": 0.7, "plot_title": "Überschrift"})
    settings.write(tmp_path / "settings.json")
    assert Settings.read(tmp_path / "settings.json") == settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("chunk_size", 1, "at least 2"),
        ("slice_length", 0, "at least 1"),
        ("cursor_inc", 0, "at least 1"),
        ("cursor_inc", -10, "found -10"),
        ("max_length", -1, "at least 0"),
        ("max_length", 50, "leave a suffix"),
        ("prompt_tokens", 0, "at least 1"),
        ("prompt_tokens", 100, "less than chunk_size=100"),
        ("bos", "yes", "auto, true, false"),
        ("temperature", 1e-40, "from 0.01"),
        ("temperature", float("nan"), "from 0.01"),
        ("top_k", -1, "at least 0"),
        ("precision", "float8", "bfloat16"),
        ("control_sample", -1, "at least 0"),
        ("batch_size", -1, "at least 0"),
        ("memory", "much", "auto or a quantity, found 'much'"),
        ("memory", "32", "with Mi, Gi or Ti, as 32Gi"),
        ("memory", "0Gi", "found '0Gi'"),
        ("encoding", "latin-99", "such as utf-8, latin-1"),
        ("encoding", "hex", "one that Python knows, found 'hex'"),
        ("encoding", "", "found ''"),
        ("gutenberg", "drop", "keep, cut"),
        ("on_bad_book", "stop", "fail, skip"),
        ("coverage", "all", "suffix, window"),
        ("colormap", "jet", "viridis"),
        ("figsize", "20,3", "WIDTHxHEIGHT"),
        ("figsize", "0x3", "WIDTHxHEIGHT"),
        ("dpi", 0, "at least 10"),
        ("dpi", 100_000, "dots"),
    ],
)
def test_bad_value_is_refused_by_name(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_parameters({**DEFAULTS, name: value})
    assert name in str(caught.value)
    assert said in str(caught.value)
