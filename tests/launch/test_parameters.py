import pytest

from byheart.contracts.errors import SettingsError
from byheart.contracts.parameters import flatten
from byheart.contracts.settings import SETTINGS, Settings
from byheart.launch.compiled import Compiled, compile_in_memory
from byheart.launch.parameters import LOCATIONS, check_values, parse_location, parse_values
from byheart.pipeline import DEFAULTS, OPTIONS, byheart

ALONE = {name: value for name, value in DEFAULTS.items() if name not in OPTIONS}
"""The parameters that KFP takes by name, with their defaults."""


def test_values_are_read_by_name_wherever_they_stand_in_the_pipeline(compiled: Compiled) -> None:
    values = parse_values(["top_k=20", "temperature=0.5", "bos=true", "plot_title=a=b c"], compiled)
    assert values == {"top_k": 20, "temperature": 0.5, "bos": "true", "plot_title": "a=b c"}
    sent = compiled.build_arguments(values)
    assert sent == ALONE | {
        "top_k": 20,
        "options": {"temperature": 0.5, "bos": "true", "plot_title": "a=b c"},
    }


def test_values_may_be_written_as_people_write_them_and_are_sent_as_they_are_kept(compiled: Compiled) -> None:
    values = parse_values(["mesh_shape=(1, 8)", "precision=FLOAT16", "unwrap=yes", "cursor_inc=1e2"], compiled)
    assert compiled.build_arguments(values) == ALONE | {
        "precision": "float16",
        "cursor_inc": 100,
        "options": {"mesh_shape": "1x8", "unwrap": True},
    }


def test_every_parameter_is_sent_with_its_value_and_its_type(compiled: Compiled) -> None:
    """Kubeflow shows nothing that was not sent."""
    sent = compiled.build_arguments(
        {"books": ["gs://b/a.txt"], "model": ["m"], "store": "gs://b", "top_k": 20, "dpi": 300}
    )
    assert sent == {"books": ["gs://b/a.txt"], "model": ["m"], "store": "gs://b", **ALONE, "top_k": 20, "options": {}}
    assert {name: type(value) for name, value in sent.items()} == {
        name: (SETTINGS | LOCATIONS | {"options": dict})[name] for name in sent
    }


def test_what_a_preset_makes_of_the_parameters_is_sent(compiled: Compiled) -> None:
    sent = compiled.build_arguments({"preset": "marin"})
    options = {"bos": "true", "coverage": "window", "max_length": 100}
    assert sent == ALONE | {"preset": "marin", "prompt_tokens": 49, "options": options}
    again = Settings.from_parameters(flatten(sent, compiled.defaults), compiled.defaults)
    assert again == Settings.from_parameters({**DEFAULTS, "preset": "marin"}, DEFAULTS)


def test_every_default_is_in_the_graph(compiled: Compiled) -> None:
    assert compiled.required == ("books", "model", "store")
    assert compiled.defaults == DEFAULTS == compile_in_memory(byheart).defaults
    assert set(compiled.names) == {"books", "model", "store", *DEFAULTS}
    assert not set(compiled.alone) & OPTIONS.keys()


def test_at_most_twenty_parameters_stand_alone(compiled: Compiled) -> None:
    """Kubeflow's form shows the names, sorted, and nothing else of them."""
    assert len(compiled.alone) <= 20


def test_pipeline_of_another_version_is_named(compiled: Compiled) -> None:
    older = Compiled(
        graph={}, platforms=(), alone=("books",), required=("books",), defaults={"preset": "none", "top_k": 40}
    )
    with pytest.raises(SettingsError, match="the pipeline must be of this version, found one without '"):
        check_values({"books": []}, older)
    assert Settings.from_parameters(compiled.defaults, compiled.defaults)


@pytest.mark.parametrize(
    ("assignment", "parameter", "said"),
    [
        ("top_k", "", "name=value"),
        ("chunksize=5", "", "did you mean chunk_size"),
        ("plottitle=a", "", "did you mean plot_title"),
        ("zzz=5", "", "known are"),
        ('options={"dpi": 100}', "", "options must be given one by one"),
        ("stride=5", "", "did you mean cursor_inc"),
        ("model_revision=v1", "", "write it behind the model, as MODEL@REVISION"),
        ("top_k=10,000", "top_k", "write 10000"),
        ("model=elsewhere", "model", "must be given as --model"),
        ("top_k=many", "top_k", "whole number"),
        ("top_k=2.5", "top_k", "whole number"),
        (f"top_k={2**53 + 1}", "top_k", "at most 9,007,199,254,740,992 in size"),
        ("dpi=many", "dpi", "whole number"),
        ("temperature=hot", "temperature", "a finite number"),
        ("temperature=nan", "temperature", "a finite number"),
        ("unwrap=maybe", "unwrap", "true or false"),
        ("plot_title=\udcff", "plot_title", "UTF-8"),
        ("plot_title={{$", "plot_title", "Kubeflow"),
    ],
)
def test_setting_that_cannot_be_read_is_refused(compiled: Compiled, assignment: str, parameter: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        parse_values([assignment], compiled)
    assert caught.value.parameter == parameter


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("./org/name", "./org/name"),
        ("./llama-3.1-8b", "./llama-3.1-8b"),
        ("./@list", "./@list"),
        ("../a", "../a"),
        ("a//b/", "a/b"),
        ("~/a", "/home/me/a"),
        ("@~/a.txt", "@/home/me/a.txt"),
        ("@", "@"),
        ("gs://a//b", "gs://a//b"),
    ],
)
def test_path_stays_a_path(text: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its `./`, it could be a repository on the Hub, a name in models.yaml or a list of books."""
    monkeypatch.setenv("HOME", "/home/me")
    assert parse_location("model", text) == kept


@pytest.mark.parametrize("text", ["~nobody-here/b.txt", "@~nobody-here/list.txt"])
def test_home_that_nobody_has_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"books must be below a home that is known, found {text}"):
        parse_location("books", text)
