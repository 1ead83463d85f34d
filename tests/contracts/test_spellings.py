"""What people write has one meaning, the same by every way to a run, or is refused with the right spelling."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from byheart.contracts.errors import SettingsError
from byheart.contracts.parameters import convert_value, suggest_name
from byheart.contracts.settings import SETTINGS, Settings
from byheart.contracts.spellings import WORDS, respell
from byheart.machines.accelerators import ONE_HOST, find_accelerator
from byheart.pipeline import DEFAULTS
from tests.conftest import ROOT

MEANT: dict[str, dict[Any, list[Any]]] = {
    "precision": {
        "float16": ["FLOAT16", " Float16 ", "fp16", "FP16", "f16", "half"],
        "bfloat16": ["BFLOAT16", "bf16", "BF16"],
        "float32": ["FLOAT32", "float32\n", "fp32", "f32"],
        "auto": ["AUTO", "Auto"],
    },
    "bos": {
        "true": ["True", "TRUE", True, "yes", "1", 1, 1.0],
        "false": [False, "False", "no", "off", 0],
        "auto": ["Auto"],
    },
    "coverage": {"window": ["Window", "WINDOW "]},
    "gutenberg": {"cut": ["CUT"]},
    "on_bad_book": {"skip": ["Skip"]},
    "preset": {"marin": ["Marin", "MARIN"], "paper": ["Paper"], "none": ["None"]},
    "colormap": {
        "auto": ["Auto"],
        "Blues": ["blues", "BLUES"],
        "Greys": ["greys", "Grays", "grays"],
        "viridis": ["Viridis"],
    },
    "chapters": {"auto": ["Auto", " auto "], "none": ["None", "NONE"], " [A-Z]+ ": [], "Auto|None": []},
    "encoding": {"utf-8": ["UTF-8", " utf-8"], "latin-1": ["Latin-1"]},
    "unwrap": {
        True: ["True", "true", "TRUE", "yes", "Yes", "1", "on", "ON", 1, 1.0],
        False: ["False", "no", "off", "0", 0],
    },
    "mesh_shape": {
        "1x8": [
            *("(1, 8)", "(1,8)", "1,8", "1, 8", "[1, 8]", "[1,8]", "1X8", "1×8", "1 x 8", " 1x8 ", "( 1 x 8 )"),
            *("01x08", "1.0x8.0", [1, 8], [1.0, 8.0]),
        ],
        "8x1": ["(8, 1)", [8, 1]],
        "100x10": [[100, 10]],
        "auto": ["AUTO", "Auto"],
    },
    "figsize": {
        "20x3": ["(20, 3)", "20,3", "[20,3]", "20 x 3", "20X3", "20×3", "20.0x3.0", "(20.0, 3.00)", [20, 3], [20.0, 3]],
        "10x2.6": ["(10, 2.6)", "10.0 x 2.60", [10, 2.6]],
        "60x10": ["60 x 10", [60, 10]],
        "auto": ["Auto", " AUTO"],
        "column": ["Column", "COLUMN "],
    },
    "dpi": {300: ["300", " 300", "+300", "3e2", "3E+2", "3.0e2", "300.0", 300.0]},
    "cursor_inc": {10000: ["10_000", "1e4", "10000"], 1000: ["1e3", "1_000"]},
    "temperature": {0.7: ["0.7", ".7", "7e-1", " 0.7"], 1.0: ["1", 1, "1.0"]},
    "logits": {
        "none": ["None", "NONE"],
        "suffix": ["Suffix"],
        "all": ["ALL"],
        "top40": ["Top40", "top-40", "top 40", "top_40", "TOP040"],
    },
    "logits_dtype": {"float16": ["FLOAT16", "fp16", "half"], "float32": ["f32", "FP32"]},
    "logits_limit": {"100GB": ["100 GB", "100gb", "0100Gb"], "2TB": ["2 tb"], "500MB": ["500mb"]},
    "memory": {
        "64Gi": ["64GiB", "64 Gi", "64 GiB", "64gi", "64gib", "064Gi"],
        "64G": ["64 G"],
        "512Mi": ["512MiB", "512mi"],
        "2Ti": ["2 TiB"],
        "auto": ["AUTO"],
    },
    "accelerator": {
        "v6e-2x4": ["v6e-8", "V6E-8", "V6E-2X4", "v6e-2×4", " v6e-2x4"],
        "v6e-2x2": ["v6e-4"],
        "v6e-1x1": ["v6e-1"],
        "v6e-4x4": ["v6e-16"],
        "v5e-2x4": ["v5litepod-8", "v5e-8", "V5LitePod-8"],
        "v5e-2x2": ["v5litepod-4"],
        "v5e-1x1": ["v5litepod-1"],
        "v5p-2x2x1": ["v5p-8"],
        "v5p-2x2x2": ["v5p-16"],
        "v4-2x2x1": ["v4-8"],
        "gpu-1": ["gpu", "GPU", "GPU-1"],
        "gpu-8": ["GPU-8"],
        "cpu": ["CPU", "Cpu"],
        "auto": ["AUTO"],
    },
}
"""What each setting is kept as, and what is written for it."""

ROWS = [
    (name, kept, written) for name, rows in MEANT.items() for kept, all_ in rows.items() for written in [kept, *all_]
]


def settings(**given: Any) -> Settings:
    return Settings.from_parameters({**DEFAULTS, **given}, DEFAULTS)


@pytest.mark.parametrize(("name", "kept", "written"), ROWS)
def test_spelling_is_kept_as_what_it_means(name: str, kept: Any, written: Any) -> None:
    found = convert_value(name, written, SETTINGS[name])
    assert (found, type(found)) == (kept, SETTINGS[name])
    assert repr(settings(**{name: written})) == repr(settings(**{name: kept}))


@pytest.mark.parametrize(
    ("name", "written", "said"),
    [
        ("precision", "16", "must be one of auto, float32, bfloat16, float16; found '16'"),
        ("precision", "float", "must be one of"),
        ("precision", "float 16", "must be one of"),
        ("colormap", "blues_r", "must be one of auto, viridis"),
        ("colormap", "gray", "must be one of"),  # another map of matplotlib's
        ("preset", "", "must be one of none, paper, marin; found ''"),
        ("bos", "truely", "must be one of"),
        ("unwrap", "2", "must be true or false, found '2'"),
        ("unwrap", "", "must be true or false, found ''"),
        ("unwrap", "None", "must be true or false, found 'None'"),
        ("unwrap", [True], "must be true or false, found [true]"),
        ("mesh_shape", "(1; 8)", "found '(1; 8)': write 1x8"),
        ("mesh_shape", "1 8", "found '1 8': write 1x8"),
        ("mesh_shape", "1/8", "found '1/8': write 1x8"),
        ("mesh_shape", "(1, 8", "found '(1, 8': write 1x8"),
        ("mesh_shape", "data=1, model=8", "write 1x8"),
        ("mesh_shape", {"data": 1, "model": 8}, "write 1x8"),
        ("mesh_shape", "(1, 8, 1)", "write two numbers with an x between them"),
        ("mesh_shape", "(1, -1)", "write two numbers with an x between them"),
        ("mesh_shape", "8", "write two numbers with an x between them"),
        ("mesh_shape", "1.5x8", "write two numbers with an x between them"),
        ("mesh_shape", "0x8", "write two numbers with an x between them"),
        ("mesh_shape", [True, 8], "mesh_shape must be a text, found [true, 8]: write two"),
        ("mesh_shape", ["1", "8"], "write 1x8"),
        ("mesh_shape", [[1, 8]], "write 1x8"),
        ("figsize", "20;3", "found '20;3': write 20x3"),
        ("figsize", "20", "write two numbers"),
        ("figsize", "300x3", "from 6x2 to 100x100, found '300x3': choose such a size"),
        ("figsize", "20,5x3", "write two numbers"),
        ("dpi", "10,000", "dpi must be a whole number, found '10,000': write 10000"),
        ("dpi", "10.000", "found '10.000': write 10000 or 10"),
        ("dpi", "1 000", "found '1 000': write 1000"),
        ("dpi", "1,234,567", "write 1234567"),
        ("dpi", "10.5", "must be a whole number, found '10.5': give one"),
        ("dpi", "1e-3", "must be a whole number"),
        ("dpi", "1.5e0", "must be a whole number"),
        ("dpi", "1e999999999", "must be a whole number"),
        ("dpi", "", "must be a whole number, found ''"),
        ("dpi", "9" * 5000, "must be a whole number"),
        ("dpi", "9" * 40, "must be at most 9,007,199,254,740,992 in size"),
        ("temperature", "0,7", "temperature must be a finite number, found '0,7': write 0.7"),
        ("temperature", "1,000", "write 1000 or 1"),
        ("temperature", "0,750", "write 0.750"),
        ("temperature", "inf", "must be a finite number"),
        ("memory", "64GB", "found '64GB': write auto, or a number with Mi, Gi or Ti, as 64Gi"),
        ("memory", "64g", "as 64Gi"),
        ("memory", "512m", "as 512Mi"),
        ("memory", "64", "as 64Gi"),
        ("memory", "1.5Gi", "as 32Gi"),
        ("memory", "0Gi", "as 32Gi"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_or_two_is_refused_with_the_right_spelling(name: str, written: Any, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**{name: written})
    assert refused.value.parameter == name
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("tpu-v6e-slice", "found 'tpu-v6e-slice': choose one of v6e-1x1, v6e-2x2, v6e-2x4"),
        ("v6e", "found 'v6e': choose one of v6e-1x1, v6e-2x2, v6e-2x4"),
        ("v6e-3", "found 'v6e-3': choose one of v6e-1x1, v6e-2x2, v6e-2x4"),
        ("v5p-4", "found 'v5p-4': choose one of v5p-2x2x1"),
        ("v5litepod-2", "choose one of v5e-1x1, v5e-2x2, v5e-2x4"),
        ("tpu7x-8", "found 'tpu7x-8': choose one of tpu7x-1x1x1, tpu7x-2x2x1"),
        ("TPU v6e", "choose one of v6e-1x1, v6e-2x2, v6e-2x4"),
        ("ct6e-standard-8t", "did you mean v6e-2x4? choose one of v6e-1x1"),
        ("H100", "found 'H100': choose one of h100-1, h100-2, h100-4, h100-8"),
        ("nvidia-a100-80gb", "choose one of a100-1, a100-2, a100-4, a100-8"),
        ("B200", "choose one of gpu-1, gpu-2, gpu-4, gpu-8"),
        ("gpu-3", "choose one of gpu-1, gpu-2, gpu-4, gpu-8"),
        ("tpu", "choose one of v4-2x2x1, v5e-1x1"),
        ("v6e-16", "must have its chips on one host, found v6e-4x4 with 16 chips on 4: choose v6e-2x4"),
        ("v5p-128", "found v5p-4x4x4 with 64 chips on 16: choose v5p-2x2x1"),
        ("auto-8", "choose one of"),
    ],
)
def test_accelerator_that_is_none_is_refused_with_those_of_its_generation(written: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        find_accelerator(written)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("written", "chips"),
    [("v6e-8", 8), ("v5litepod-8", 8), ("v5e-4", 4), ("v6e-1", 1), ("v5p-8", 4), ("v4-8", 4), ("gpu", 1), ("CPU", 1)],
)
def test_accelerator_type_has_the_chips_that_cloud_tpu_gives_it(written: str, chips: int) -> None:
    """v4 and v5p are counted in cores, two to a chip."""
    assert find_accelerator(written).chips == chips


def test_every_slice_is_kept_as_it_is_named() -> None:
    for name in ONE_HOST:
        assert respell("accelerator", name, str) == name == respell("accelerator", name.upper(), str)


VALUES = (
    st.text(max_size=20)
    | st.from_regex(r"\s*[(\[]?\s*\d{1,7}(\.\d+)?\s*[xX×,;]\s*\d{1,7}(\.\d+)?\s*[)\]]?\s*", fullmatch=True)
    | st.from_regex(r"[-+]?\d{1,4}([.,_ ]\d{1,3})*([eE][-+]?\d{1,3})?", fullmatch=True)
    | st.from_regex(r"\d{1,7} ?[KMGTkmgt]?i?[bB]?", fullmatch=True)
    | st.from_regex(r"(v4|v5e|V5P|v6e|tpu7x|gpu|v5litepod)-\d{1,3}([xX]\d){0,2}", fullmatch=True)
    | st.sampled_from([case(word) for words in WORDS.values() for word in words for case in (str.upper, str.title)])
    | st.booleans()
    | st.none()
    | st.integers()
    | st.floats()
    | st.lists(st.integers() | st.floats() | st.text(max_size=3), max_size=3)
)


@given(st.sampled_from(sorted(SETTINGS)), VALUES)
@example("encoding", "İ")
@example("mesh_shape", [1e300, 8])
def test_what_is_kept_is_written_as_it_is_kept(name: str, value: Any) -> None:
    kept = respell(name, value, SETTINGS[name])
    assert repr(respell(name, kept, SETTINGS[name])) == repr(kept)


@given(st.sampled_from(sorted(SETTINGS)), VALUES)
def test_settings_from_either_spelling_are_equal(name: str, value: Any) -> None:
    kept = respell(name, value, SETTINGS[name])
    assert outcome(name, kept) == outcome(name, value)


def outcome(name: str, value: Any) -> Settings | str:
    """The settings, or which parameter is at fault; nothing else may happen."""
    try:
        return settings(**{name: value})
    except SettingsError as error:
        return error.parameter


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("top-k", "did you mean top_k?"),
        ("topk", "did you mean top_k?"),
        ("k", "did you mean top_k?"),
        ("n_prompt", "did you mean prompt_tokens?"),
        ("context", "did you mean prompt_tokens?"),
        ("stride", "did you mean cursor_inc?"),
        ("step-size", "did you mean cursor_inc?"),
        ("window", "did you mean chunk_size?"),
        ("batch", "did you mean batch_size?"),
        ("book", "did you mean books?"),
        ("control", "did you mean controls?"),
        ("dtype", "did you mean precision?"),
        ("mesh", "did you mean mesh_shape?"),
        ("GPU", "did you mean accelerator?"),
        ("temp", "did you mean temperature?"),
        ("model_revision", "write it behind the model, as MODEL@REVISION"),
        ("revision", "write it behind the model, as MODEL@REVISION"),
        ("zzz", "known are "),
    ],
)
def test_name_of_another_tool_is_answered_with_ours(name: str, said: str) -> None:
    assert suggest_name(name, ["books", "model", "store", *DEFAULTS]).startswith(said)


def test_name_that_is_not_among_the_known_ones_is_not_offered() -> None:
    assert suggest_name("stride", ["name", "model"]) == "known are name, model"


def test_table_of_the_docs_is_true() -> None:
    page = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| `([^`]+)` \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) > 15
    for names, kept, others in rows:
        for name in re.findall(r"`(\w+)`", names):
            for written in re.findall(r"`([^`]+)`", others):
                assert settings(**{name: written}) == settings(**{name: kept}) != settings(), (name, written)
