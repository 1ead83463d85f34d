import re
from pathlib import Path
from typing import Any

import pytest

from byheart.contracts.errors import SettingsError
from byheart.contracts.parameters import flatten
from byheart.contracts.settings import Settings
from byheart.pipeline import DEFAULTS as DEFAULTS
from byheart.pipeline import OPTIONS

PLACES = {"books": ["gs://b/a.txt"], "model": ["m/m"], "store": "gs://b/s"}
OTHERS: dict[str, Any] = {
    "control_sample": 7,
    "chunk_size": 80,
    "prompt_tokens": 30,
    "cursor_inc": 5,
    "top_k": 20,
    "shards": 2,
    "precision": "float32",
    "accelerator": "v6e-2x4",
    "spot": True,
    "chapters": "none",
    "encoding": "latin-1",
    "gutenberg": "cut",
    "unwrap": True,
    "on_bad_book": "skip",
    "only": "3,5-7",
    "windows": 500,
    "prompt_characters": 150,
    "slice_length": 1500,
    "max_length": 70,
    "bos": "true",
    "temperature": 2.0,
    "logits": "top40",
    "logits_dtype": "float32",
    "logits_limit": "2TB",
    "batch_size": 8,
    "num_devices": 4,
    "mesh_shape": "4x1",
    "memory": "8Gi",
    "force": True,
    "band_share": 0.01,
    "band_rank": 2,
    "coverage": "window",
    "plot_title": "1984",
    "colormap": "Greys",
    "figsize": "10x3",
    "dpi": 100,
    "label": "Model A",
    "report_text": "2000",
}
"""A value of every setting that is not its default; no preset beside them."""


def test_defaults_of_the_pipeline_are_good_settings() -> None:
    settings = Settings.from_parameters(DEFAULTS)
    assert settings.window.count_scored_tokens(has_bos=False) == 50
    assert settings.chart.strip_size is None


def test_size_of_older_run_files_is_that_of_a_strip() -> None:
    sizes = {"20x3": (20.0, 3.0), "auto": None, "column": None}
    for written, size in sizes.items():
        assert Settings.from_parameters({**DEFAULTS, "figsize": written}).chart.strip_size == size


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
        ("windows", -1, "at least 0"),
        ("only", "three", "name chapters, as 3,5-7, or characters, as 10000:30000"),
        ("only", "3;5", "found '3;5'"),
        ("only", "5-", "name chapters"),
        ("only", "-5", "name chapters"),
        ("only", "3,,5", "name chapters"),
        ("only", "1:2:3", "name chapters"),
        ("only", "٣", "name chapters"),
        ("only", "3,10:20", "choose one of the two"),
        ("only", "0-2", "count chapters from 1, found '0-2': ask for what stands before the first by its characters"),
        ("only", "7-5", "put the smaller number first"),
        ("only", "20:10", "put the smaller number first"),
        ("only", "10:10", "name ranges that hold something"),
        ("prompt_tokens", 0, "at least 1"),
        ("prompt_tokens", 100, "less than chunk_size=100"),
        ("bos", "maybe", "auto, true, false"),
        ("temperature", 1e-40, "from 0.01"),
        ("top_k", -1, "at least 0"),
        ("precision", "float8", "bfloat16"),
        ("logits", "top0", "be none, suffix, all or topN with N from 1 to 999, found 'top0'"),
        ("logits", "top1000", "found 'top1000'"),
        ("logits", "prompt", "such as top40"),
        ("logits_dtype", "bfloat16", "float16, float32"),
        ("logits_limit", "100", "be a whole number of MB, GB or TB, found '100': write such a size, as 100GB or 2TB"),
        ("logits_limit", "0GB", "found '0GB'"),
        ("logits_limit", "100Gi", "found '100Gi'"),
        ("logits_limit", "0.5TB", "found '0.5TB'"),
        ("control_sample", -1, "at least 0"),
        ("band_share", 1, "be from 0 to less than 1, found 1.0: 0.001 is one window in a thousand"),
        ("band_share", -0.1, "found -0.1"),
        ("band_rank", 0, "at least 1"),
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
        ("figsize", "20;3", "write 20x3"),
        ("mesh_shape", "(1; 8)", "found '(1; 8)': write 1x8"),
        ("mesh_shape", "0x8", "write two numbers with an x between them"),
        ("figsize", "0x3", "WIDTHxHEIGHT"),
        ("dpi", 0, "at least 10"),
        ("dpi", 100_000, "dots"),
        ("report_text", "some", "be full, none or a number of characters, found 'some'"),
        ("report_text", "0", "found '0'"),
        ("report_text", "-5", "such as 2000"),
    ],
)
def test_bad_value_is_refused_by_name_with_what_was_found_and_what_to_do(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_parameters({**DEFAULTS, name: value})
    assert caught.value.parameter == name
    assert re.fullmatch(rf"{name} must .*[,;] found .*: .+", str(caught.value))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({"max_length": 100}, "max_length must be 0 with suffix_characters, found 100: leave one of the two out"),
        ({"logits": "top40"}, "logits must be none with suffix_characters, found top40: leave one of the two out"),
        ({"slice_length": 699}, "slice_length must be at least 700 characters"),
        ({"preset": "paper"}, "suffix_characters must be 0 where preset=paper, found 200: leave one of the two out"),
        ({"preset": "marin"}, "suffix_characters must be 0 where preset=marin"),
    ],
)
def test_what_windows_of_characters_do_not_go_with_is_refused(beside: dict[str, object], said: str) -> None:
    Settings.from_parameters({**DEFAULTS, "suffix_characters": 200}, DEFAULTS)
    with pytest.raises(SettingsError) as caught:
        Settings.from_parameters({**DEFAULTS, "suffix_characters": 200, **beside}, DEFAULTS)
    assert str(caught.value).startswith(said)


def test_options_of_kubeflow_may_be_written_as_people_write_them() -> None:
    alone = {name: value for name, value in DEFAULTS.items() if name not in OPTIONS} | {"precision": "FLOAT16"}
    options = {"mesh_shape": [1.0, 8.0], "bos": True, "figsize": "(20, 3)", "unwrap": "yes", "dpi": "150"}
    given = flatten({**PLACES, **alone, "options": options}, DEFAULTS)
    kept = {"precision": "float16", "mesh_shape": "1x8", "bos": "true", "figsize": "20x3", "unwrap": True, "dpi": 150}
    assert repr(Settings.from_parameters(given, DEFAULTS)) == repr(
        Settings.from_parameters({**DEFAULTS, **kept}, DEFAULTS)
    )


@pytest.mark.parametrize("value", [3, 3.0, "3"])
def test_chapter_that_yaml_or_json_has_made_a_number_is_that_chapter(value: object) -> None:
    assert Settings.from_parameters({**DEFAULTS, "only": value}).selection.only == "3"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dpi", 2.5, "dpi must be a whole number, found 2.5: give one"),
        ("dpi", "10,000", "dpi must be a whole number, found '10,000': write 10000"),
        ("mesh_shape", [1, 8, 1], "mesh_shape must be a text, found [1, 8, 1]: write two numbers with an x between"),
        ("dpi", True, "dpi must be a whole number, found true"),
        ("dpi", None, "dpi must be a whole number, found null"),
        ("dpi", 1e300, "dpi must be at most 9,007,199,254,740,992 in size"),
        ("batch_size", -(2**60), "batch_size must be at most 9,007,199,254,740,992 in size"),
        ("temperature", "hot", "temperature must be a finite number"),
        ("temperature", float("nan"), "temperature must be a finite number"),
        ("unwrap", 2.0, "unwrap must be true or false, found 2.0"),
        ("bos", 2.0, "bos must be a text, found 2.0: write it in quotes"),
        ("only", True, "only must be a text, found true"),
        ("only", 2.5, "only must be a text, found 2.5"),
        ("only", [3, 5], "only must be a text, found [3, 5]: write it in quotes"),
        ("plot_title", 1984.0, "plot_title must be a text, found 1984.0: write it in quotes"),
        ("chapters", ["a"], "chapters must be a text"),
    ],
)
def test_value_of_another_type_is_refused_by_name(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_parameters({**DEFAULTS, name: value})
    assert caught.value.parameter == name
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("options", "parameter", "said"),
    [
        ({"colourmap": "Blues"}, "options", "found 'colourmap': did you mean colormap?"),
        ({"topk": 20}, "options", "found 'topk': did you mean top_k?"),
        ({"top_k": 20}, "top_k", "top_k must be given as a parameter of its own, found it within options"),
        ({"store": "gs://b"}, "store", "store must be given as a parameter of its own"),
        ({"defaults": {}}, "options", "found 'defaults'"),
        (None, "options", "options must be a JSON object, found null: write {} for none"),
        (["dpi"], "options", 'options must be a JSON object, found ["dpi"]'),
        ("", "options", 'options must be a JSON object, found ""'),
    ],
)
def test_option_that_is_none_is_refused(options: Any, parameter: str, said: str) -> None:
    alone = {name: value for name, value in DEFAULTS.items() if name not in OPTIONS}
    with pytest.raises(SettingsError, match="must") as caught:
        flatten({**PLACES, **alone, "options": options}, DEFAULTS)
    assert caught.value.parameter == parameter
    assert said in str(caught.value)
