import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.contracts.errors import SettingsError
from byheart.launch.compiled import Compiled
from byheart.launch.parameters import check_values, parse_values
from byheart.launch.run_file import RunFile, read_run_file
from byheart.launch.sendable import check_sendable

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "k8s" / "runs").glob("*.example"))
TEXT = """\
# to be cited
name: novels
model: llama-3.1-8b
books:
  - gs://my-bucket/a.txt
  - https://example.org/b.txt
store: gs://my-bucket/byheart
settings:
  cursor_inc: 50
  bos: true
"""


@pytest.fixture
def read(compiled: Compiled, tmp_path: Path) -> Any:
    """Reads a run file of some text."""

    def read_text(text: str | bytes) -> RunFile:
        path = tmp_path / "runs" / "x.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_run_file(path, compiled)

    return read_text


def test_run_file_sets_the_pipeline_s_parameters(read: Any) -> None:
    run = read(TEXT)
    assert run.values == {
        "model": ["llama-3.1-8b"],
        "books": ["gs://my-bucket/a.txt", "https://example.org/b.txt"],
        "store": "gs://my-bucket/byheart",
        "cursor_inc": 50,
        "bos": "true",
    }
    assert (run.name, run.experiment) == ("novels", "byheart")


def test_values_may_be_written_as_people_write_them(read: Any) -> None:
    written = (
        "mesh_shape: [1, 8]\n  figsize: (20, 3)\n  precision: FLOAT16\n  dpi: '1e2'\n  spot: 1\n  accelerator: v6e-8"
    )
    values = read(TEXT.replace("cursor_inc: 50", written)).values
    assert {name: values[name] for name in ("mesh_shape", "figsize", "precision", "dpi", "spot", "accelerator")} == {
        "mesh_shape": "1x8",
        "figsize": "20x3",
        "precision": "float16",
        "dpi": 100,
        "spot": True,
        "accelerator": "v6e-2x4",
    }


def test_digest_is_of_the_content_alone(read: Any) -> None:
    rewritten = yaml.safe_dump(dict(reversed(yaml.safe_load(TEXT).items())), sort_keys=False, default_flow_style=True)
    assert read(rewritten).digest == read(TEXT).digest
    assert read(TEXT.replace("50", "51")).digest != read(TEXT).digest


def test_digest_is_the_one_that_other_tools_compute(read: Any) -> None:
    text = "name: a\nmodel: m\nbooks: [gs://b/ü.txt]\nstore: gs://b\n"
    canonical = '{"books":["gs://b/ü.txt"],"model":"m","name":"a","store":"gs://b"}'
    summed = subprocess.run(["sha256sum"], input=canonical.encode(), capture_output=True, check=True)
    assert read(text).digest == summed.stdout.decode().split()[0]


def test_settings_are_read_as_on_a_command_line(read: Any, compiled: Compiled) -> None:
    settings = {"temperature": 1, "top_k": 20, "figsize": "10x2.5", "unwrap": False, "chunk_size": "80"}
    run = read(yaml.safe_dump(yaml.safe_load(TEXT) | {"settings": settings}))
    written = ["temperature=1", "top_k=20", "figsize=10x2.5", "unwrap=false", "chunk_size=80"]
    assert {name: run.values[name] for name in settings} == parse_values(written, compiled)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: novels\n", "", ":2: a run file must name name, found none"),
        ("name: novels", "name: Novels!", r":2: name must be up to 30 of a-z, .*found 'Novels!'"),
        ("name: novels", f"name: {'a' * 31}", ":2: name must be up to 30"),
        ("model: llama-3.1-8b", "model: []", ":3: model must be a repository .* or a list of several that differ"),
        ("model: llama-3.1-8b", "model: [a, a]", ":3: model must be a repository .* or a list of several that differ"),
        ("model: llama-3.1-8b", "model: [a, '']", r":3: model\[1\] must be a repository"),
        ("model: llama-3.1-8b", "model:", ":3: model must be a repository"),
        ("cursor_inc: 50", "cursor_inc: 0x10", ":9: settings.cursor_inc must be a whole number, found '0x10'"),
        ("cursor_inc: 50", "cursor_inc: 1:30", ":9: settings.cursor_inc must be a whole number, found '1:30'"),
        ("cursor_inc: 50", "plot_title: !env HOME", ":9: a value must have no tag, found !env: write the value alone"),
        ("cursor_inc: 50", "plot_title: !!binary aGk=", ":9: a value must have no tag, found !!binary"),
        ("cursor_inc: 50", "plot_title: !!python/name:os.system x", ":9: a value must have no tag, found !!python"),
        ("cursor_inc: 50", "plot_title:", ":9: settings.plot_title must be a text"),
        ("  - gs://my-bucket/a.txt", "  - ''", r":5: books\[0\] must be a path relative to this file's folder"),
        ("store: gs://my-bucket/byheart", "store: ''", ":7: store must be a folder"),
        ("settings:", "measured: {books: []}\nsettings:", ":8: measured must be what an earlier stage wrote"),
        ("books:\n  - gs://my-bucket/a.txt\n  - https://example.org/b.txt", "books: []", ":4: books must be a list of"),
        ("store:", "stores: 1\nstore:", ":7: a run file must hold known names, found 'stores': did you mean store"),
        ("cursor_inc: 50", "cursor_inc: many", ":9: settings.cursor_inc must be a whole number, found 'many'"),
        ("cursor_inc: 50", "cursor_inc: 2.5", ":9: settings.cursor_inc must be a whole number"),
        ("cursor_inc: 50", "cursor_ink: 50", ":9: a setting must name a parameter.*did you mean cursor_inc"),
        ("cursor_inc: 50", "cursor_inc: [50]", ":9: settings.cursor_inc must be one value, found the list .50.:"),
        ("cursor_inc: 50", "figsize: [a, b]", ":9: settings.figsize must be auto, column, or WIDTHxHEIGHT"),
        ("cursor_inc: 50", "mesh_shape: [1, 8, 1]", ":9: settings.mesh_shape must be auto or DATAxMODEL"),
        ("cursor_inc: 50", "options: many", ":9: options must be given one by one"),
        ("cursor_inc: 50", "model: other", ":9: settings.model must stand at the file's top"),
        ("cursor_inc: 50", "cursor_inc: 50\n  cursor_inc: 20", ":10: cursor_inc must be given once"),
        ("cursor_inc: 50", "plot_title: '{{$'", ":9: settings.plot_title must not hold"),
        ("settings:", "settings: [", r":\d+: must be YAML, found"),
        (TEXT, "", ":1: a run file must be name, model, books"),
        (TEXT, "&a [*a]", ":1: a list or mapping must stand once, found an alias"),
    ],
)
def test_run_file_that_is_wrong_is_refused_with_its_line(read: Any, old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(SettingsError, match=f"x.yaml{said}"):
        read(TEXT.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("model: llama-3.1-8b", "model: ../folder", r"model must be .*found '{folder}/folder'"),
        ("name: novels", "name: novels\ntokenizer: ../words", r"tokenizer must be .*found '{folder}/words'"),
        ("  - gs://my-bucket/a.txt", "  - a.txt", r"books\[0\] must be at gs:// or https://.*'{folder}/runs/a.txt'"),
    ],
)
def test_run_file_with_paths_is_for_this_machine(
    read: Any, compiled: Compiled, tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in TEXT
    run = read(TEXT.replace(old, new))
    with pytest.raises(SettingsError, match=f"my.yaml: {said.format(folder=tmp_path)}"):
        check_sendable(run.values, compiled, "my.yaml")


def test_paths_of_a_run_file_are_relative_to_its_folder(read: Any, tmp_path: Path) -> None:
    (tmp_path / "runs" / "model").mkdir(parents=True)
    text = """\
name: here
model: model
tokenizer: ./words
books: [../my book.txt, "@lists/all", "novels/*.txt", /elsewhere/b.txt, gs://bucket/c.txt, "@https://a.org/list"]
controls: [unseen]
store: ../the store
"""
    run = read(text)
    assert run.values == {
        "model": [f"{tmp_path}/runs/model"],
        "tokenizer": f"{tmp_path}/runs/words",
        "books": [
            f"{tmp_path}/my book.txt", f"@{tmp_path}/runs/lists/all", f"{tmp_path}/runs/novels/*.txt",
            "/elsewhere/b.txt", "gs://bucket/c.txt", "@https://a.org/list",
        ],
        "controls": [f"{tmp_path}/runs/unseen"],
        "store": f"{tmp_path}/the store",
    }  # fmt: skip
    for name in ("llama-3.1-8b", "organisation/model@main"):
        assert read(text.replace("model: model", f"model: {name}")).values["model"] == [name]
        assert read(text.replace("./words", name)).values["tokenizer"] == name
    several = read(text.replace("model: model", "model: [model, llama-3.1-8b, ./other]"))
    assert several.values["model"] == [f"{tmp_path}/runs/model", "llama-3.1-8b", f"{tmp_path}/runs/other"]


@pytest.mark.parametrize("text", [b"name: \xff", b"name: \x00"])
def test_bytes_that_are_no_text_are_refused(read: Any, text: bytes) -> None:
    with pytest.raises(SettingsError, match=r"x\.yaml must be YAML in UTF-8"):
        read(text)


def test_file_that_is_not_there_is_named(compiled: Compiled) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml must be a run file, found: No such file"):
        read_run_file("nowhere.yaml", compiled)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_is_a_run_and_starts_none(compiled: Compiled, example: Path) -> None:
    run = read_run_file(example, compiled)
    check_values(run.values, compiled)
    check_sendable(run.values, compiled)
    assert example.name == f"{run.name}.yaml.example"


def test_models_with_known_training_data_have_examples() -> None:
    assert {path.name.split(".")[0] for path in EXAMPLES} == {
        *("novels", "hubble-perturbed", "hubble-standard", "pythia", "pythia-sizes", "olmo", "comma", "marin")
    }


def test_what_has_no_default_must_be_given(compiled: Compiled) -> None:
    with pytest.raises(SettingsError, match="a run must have books, model, store, found no store: give one"):
        check_values({"books": [], "model": ["m"]}, compiled)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("accelerator: h100", r"settings\.accelerator must be a generation and a topology, as v6e-2x4, found 'h100'"),
        ("accelerator: v6e-4x4", r"settings\.accelerator must have its chips on one host, found v6e-4x4"),
        ("memory: 64GB", r"settings\.memory must be auto or a quantity, found '64GB'"),
        ("cursor_inc: -5", r"settings\.cursor_inc must be at least 1 character, found -5"),
        ("shards: 0", r"settings\.shards must be from 1 to 256 tasks, found 0"),
        ("preset: papr", r"settings\.preset must be"),
        ("dpi: 9999", r"settings\.dpi must keep figsize below"),
    ],
)
def test_value_that_the_first_stage_would_refuse_is_refused_before_it_is_sent(
    tmp_path: Path, compiled: Compiled, setting: str, said: str
) -> None:
    path = tmp_path / "run.yaml"
    head = "name: novel\nmodel: m/m\nbooks: [gs://b/a.txt]\nstore: gs://b/s\nsettings:\n"
    path.write_text(f"{head}  top_k: 20\n  {setting}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"run\.yaml:7: {said}"):
        read_run_file(path, compiled)


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("only: 100:30000", "only", "100:30000"),
        ("only: 3", "only", "3"),
        ("plot_title: 1:30", "plot_title", "1:30"),
        ("plot_title: 1984", "plot_title", "1984"),
        ("plot_title: 0x10", "plot_title", "0x10"),
        ("plot_title: 0012345", "plot_title", "0012345"),
        ("plot_title: no", "plot_title", "no"),
        ("plot_title: Yes", "plot_title", "Yes"),
        ("plot_title: ~", "plot_title", "~"),
        ("plot_title: null", "plot_title", "null"),
        ("plot_title: 12:30", "plot_title", "12:30"),
        ("plot_title: 1_000", "plot_title", "1_000"),
        ("plot_title: 2001-01-01", "plot_title", "2001-01-01"),
        ("plot_title: 1.50", "plot_title", "1.50"),
        ("label: no", "label", "no"),
    ],
)
def test_text_that_yaml_takes_for_a_number_stays_as_it_is_written(
    tmp_path: Path, compiled: Compiled, written: str, name: str, value: str
) -> None:
    path = tmp_path / "novels.yaml"
    lines = ("name: novels", "model: llama-3.1-8b", "books: [gs://b/a.txt]", "store: gs://b/byheart", "settings:")
    path.write_text("\n".join((*lines, f"  {written}\n")), encoding="utf-8")
    run = read_run_file(path, compiled)
    assert run.values[name] == run.content["settings"][name] == value


def test_paths_and_names_are_as_they_are_written(read: Any) -> None:
    text = "name: 0012\nmodel: org/m@0012345\nbooks: [gs://b/1, gs://b/no]\nexperiment: no\nstore: gs://b/s\n"
    run = read(text.replace("gs://b/1", "1984"))
    assert (run.name, run.experiment) == ("0012", "no")
    assert [Path(run.values["books"][0]).name, run.values["books"][1]] == ["1984", "gs://b/no"]
    assert run.values["model"] == ["org/m@0012345"]


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [("top_k: 010", "top_k", 10), ("top_k: 1_000", "top_k", 1_000), ("bos: yes", "bos", "true"),
     ("unwrap: off", "unwrap", False), ("temperature: 1.50", "temperature", 1.5)],
)  # fmt: skip
def test_numbers_are_those_of_a_command_line(read: Any, written: str, name: str, value: object) -> None:
    assert read(TEXT.replace("bos: true", written)).values[name] == value


def test_aliases_within_aliases_take_no_time(read: Any) -> None:
    levels = "".join(f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 40))
    with pytest.raises(SettingsError, match=r"x\.yaml:9: a list or mapping must stand once"):
        read(TEXT.replace("  cursor_inc: 50\n", "  a0: &a0 [1]\n" + levels))


@pytest.mark.parametrize(
    ("old", "new", "line", "found"),
    [
        ("name: novels", 'name: "novels\\n"', 2, "name must be up to 30 of a-z"),
        (
            "name: novels",
            'name: "nov\\0els"',
            2,
            "a text must have no control characters",
        ),
        ("gs://my-bucket/a.txt", '"gs://my-bucket/\\e[2Ja.txt"', 5, "a text must have no control characters"),
        ("cursor_inc: 50", 'plot_title: "a\\u202Eb"', 9, "a text must have no control characters"),
        ("https://", "https://me:SECRET@", 5, "books must be an address without a user, password or signature"),
        ("b.txt", "b.txt?X-Goog-Signature=SECRET", 5, "books must be an address without a user, password or signature"),
        ("gs://my-bucket/a.txt", "'@https://me:SECRET/x@h/list'", 5, "books must be an address without a user"),
    ],
)
def test_run_file_holds_no_control_characters_and_no_credentials(
    old: str, new: str, line: int, found: str, read: Any
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(TEXT.replace(old, new))
    assert f"x.yaml:{line}: " in str(caught.value) or line == 5, str(caught.value)
    assert found in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "{a: " * 50_000, "#" * 20_000_001], ids=["[", "{", "#"])
def test_run_file_without_end_is_refused_in_a_sentence(text: str, read: Any) -> None:
    with pytest.raises(SettingsError, match=r"x\.yaml"):
        read(text)
