"""One measurement has one address, whoever asks for it: a program, a command line, a run file or Kubeflow's page.

Every parameter is sent as each of them sends it, through protocol buffers, into the stages that lead to an address.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format, struct_pb2

from byheart.command.parameters import read_request
from byheart.components.download.model import bring_model
from byheart.components.tokenize.run import run as tokenize
from byheart.contracts.books import Book, write_books
from byheart.contracts.model import write_model
from byheart.contracts.parameters import OPTIONS, flatten
from byheart.contracts.settings import ASSIGNED, Settings
from byheart.contracts.window_files import read_tokenization
from byheart.launch.compiled import Compiled, compile_in_memory
from byheart.launch.parameters import LOCATIONS
from byheart.launch.request import Request
from byheart.pipeline import DEFAULTS, byheart
from byheart.scores.measurements import find_measurements
from tests.conftest import ROOT
from tests.contracts.test_settings import OTHERS, PLACES

MODEL = ROOT / "samples" / "model"
GIVEN = (
    OTHERS
    | PLACES
    | {"controls": ["gs://b/c d.txt", "https://e.org/e.txt"], "preset": "marin", "tokenizer": "gs://b/words"}
    | {"base": "gs://b/base", "ignore_fields": "attn_factor", "suffix_characters": 150}
)
"""A value of every parameter that is not its default."""
Values = dict[str, Any]


@functools.cache
def compiled() -> Compiled:
    return compile_in_memory(byheart)


def send(parameters: Values, write_number: Callable[[float], Any]) -> Values:
    """Parameters as a stage receives them: JSON, then protocol buffers, then JSON."""
    message = json_format.Parse(json.dumps(parameters), struct_pb2.Struct())

    def read(value: Any) -> Any:
        if isinstance(value, float):
            return write_number(value)
        if isinstance(value, list):
            return [read(item) for item in value]
        return {name: read(item) for name, item in value.items()} if isinstance(value, dict) else value

    return dict(read(json_format.MessageToDict(message)))


WRITERS: dict[str, Callable[[float], Any]] = {
    "kubeflow": lambda number: int(number) if number.is_integer() else number,  # Go writes 1.0 as 1
    "local": float,
}


def receive(arguments: Values) -> Iterator[tuple[Settings, Values]]:
    """What the first stage makes of KFP's arguments, on a cluster and here: its settings and the locations."""
    declared = compiled().graph["root"]["inputDefinitions"]["parameters"]
    complete = {name: about.get("defaultValue") for name, about in declared.items()} | arguments
    for write_number in WRITERS.values():
        sent = send({"parameters": complete, "defaults": compiled().defaults}, write_number)
        values = flatten(sent["parameters"], sent["defaults"])
        others = {name: values[name] for name in (*LOCATIONS, "ignore_fields")}
        yield Settings.from_parameters(values, sent["defaults"]), others


def spell(value: Any) -> list[str]:
    """Some texts that people write for a value."""
    if isinstance(value, bool):
        return ["true", "yes"] if value else ["false", "no"]
    if isinstance(value, int | float):
        return [f"{value:g}", f" {value} ", f"{float(value)}", f"{Decimal(value).normalize():E}"]
    return [json.dumps(value) if isinstance(value, list) else value]


def ask_by_api(values: Values) -> Iterator[Values]:
    """A program gives JSON, in which 1 and 1.0 are one number."""
    yield compiled().build_arguments(values)
    swapped = {name: float(value) if type(value) is int else value for name, value in values.items()}
    swapped |= {name: int(value) for name, value in values.items() if type(value) is float and value.is_integer()}
    yield compiled().build_arguments(swapped)


def build_arguments(request: Request) -> Values:
    values, _ = request.read(compiled())
    return compiled().build_arguments(values)


def ask_at_a_desk(values: Values) -> Iterator[Values]:
    """A command line gives words."""
    settings = {name: spell(value) for name, value in values.items() if name in ASSIGNED}
    for number in range(max(map(len, settings.values()), default=1)):
        words = [f"{name}={texts[number % len(texts)]}" for name, texts in settings.items()]
        others = {name: values[name] for name in LOCATIONS if name in values and name not in ("books", *ASSIGNED)}
        yield build_arguments(read_request([*words, *values.get("books", [])], **others))


def ask_by_run_file(values: Values, path: Path) -> Iterator[Values]:
    """A run file gives YAML: values, or texts."""
    settings = {name: value for name, value in values.items() if name not in LOCATIONS}
    top = {"name": "a-run", **PLACES} | {name: value for name, value in values.items() if name in LOCATIONS}
    for written in (settings, {name: spell(value)[-1] for name, value in settings.items()}):
        path.write_text(yaml.safe_dump({**top, "settings": written}), encoding="utf-8")
        yield build_arguments(read_request([str(path)]))


def ask_by_page(values: Values) -> Iterator[Values]:
    """Kubeflow's page gives the text of each field by the field's type; most parameters are texts within `options`."""
    declared = compiled().graph["root"]["inputDefinitions"]["parameters"]
    convert: dict[str, Callable[[str], Any]] = {
        "NUMBER_INTEGER": float,
        "NUMBER_DOUBLE": float,
        "BOOLEAN": lambda text: {"true": True, "false": False}[text],
        "STRING": str,
        "LIST": json.loads,
        "STRUCT": json.loads,
    }
    for number in range(4):
        texts = {name: spell(value)[number % len(spell(value))] for name, value in values.items()}
        texts |= {
            name: spell(value)[0] for name, value in values.items() if name in declared and value in (True, False)
        }
        fields = {name: text for name, text in texts.items() if name in declared}
        fields[OPTIONS] = json.dumps({name: text for name, text in texts.items() if name not in declared})
        yield {name: convert[declared[name]["parameterType"]](text) for name, text in fields.items()}


def ask_everywhere(values: Values, path: Path) -> Iterator[tuple[Settings, Values]]:
    for arguments in (
        *ask_by_api(values),
        *ask_at_a_desk(values),
        *ask_by_run_file(values, path),
        *ask_by_page(values),
    ):
        yield from receive(PLACES | arguments)


@pytest.mark.parametrize("name", GIVEN)
def test_parameter_is_the_same_whoever_gives_it(name: str, tmp_path: Path) -> None:
    assert GIVEN.keys() == DEFAULTS.keys() | PLACES.keys()
    assert GIVEN[name] != DEFAULTS.get(name)
    needed: Values = {"prompt_tokens": 30} if name == "chunk_size" else {}
    written = set()
    for settings, locations in ask_everywhere({name: GIVEN[name], **needed}, tmp_path / "run.yaml"):
        settings.write(tmp_path / "settings")  # 1 and 1.0 are equal, and True is 1: what is written tells them apart
        written.add(((tmp_path / "settings").read_bytes(), json.dumps(locations, sort_keys=True)))
        value = {**settings.by_name(), **locations}[name]
        assert (value, type(value)) == (GIVEN[name], type(GIVEN[name]))
    assert len(written) == 1


def compute_addresses(settings: Settings, folder: Path) -> tuple[str, ...]:
    """The addresses of a book's windows and of its control sample, as the stages compute them."""
    paths = {name: str(folder / name) for name in ("books", "model", "settings", "windows")}
    text = (ROOT / "samples" / "the-soap-winter.txt").read_text(encoding="utf-8")[:4_000]
    model = bring_model(str(MODEL), str(folder / "store"))
    settings.write(paths["settings"])
    write_model(paths["model"], model)
    write_books(paths["books"], [Book(name="a", source="a.txt", text=text)], [])
    tokenize(**paths)
    resolved = dataclasses.replace(settings, score=dataclasses.replace(settings.score, precision="float32"))
    tokenization = read_tokenization(paths["windows"])
    found = find_measurements(paths["books"], paths["windows"], model, tokenization, resolved)
    return tuple(measurement.address for measurement in found)


def test_measurement_has_one_address_whoever_asks_for_it(tmp_path: Path) -> None:
    known: dict[bytes, tuple[str, ...]] = {}

    def find(values: Values) -> set[tuple[str, ...]]:
        addresses = set()
        for settings, _ in ask_everywhere(values, tmp_path / "run.yaml"):
            settings.write(tmp_path / "settings")
            written = (tmp_path / "settings").read_bytes()
            if written not in known:
                known[written] = compute_addresses(settings, tmp_path / str(len(known)))
            addresses.add(known[written])
        return addresses

    (defaults,) = find({})
    assert find(DEFAULTS) == {defaults}
    assert find({"preset": "paper"}) == {defaults}
    assert find({"preset": "paper", "temperature": 1.0, "top_k": 40}) == {defaults}
    (marin,) = find({"preset": "marin"})
    (others,) = find({name: value for name, value in OTHERS.items() if name not in ("only", "chapters")})
    assert (len(defaults), len(others)) == (1, 2), "with a control sample"
    assert len({*defaults, *marin, *others}) == 4
