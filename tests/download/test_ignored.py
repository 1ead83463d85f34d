"""A field of config.json of which nobody knows whether it matters can be left out, which the results then say."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from byheart.contracts.errors import ModelError
from byheart.contracts.inputs import Inputs
from byheart.contracts.model import read_model
from byheart.contracts.settings import Settings
from byheart.desk.model import fetch_config
from byheart.desk.plan import read_subject
from byheart.models.folder import open_model
from byheart.pipeline import DEFAULTS
from tests.conftest import MODEL
from tests.download.gguf.written import read_model as read_weights
from tests.download.gguf.written import write_gguf
from tests.download.test_component import run as download
from tests.download.test_tokenizer import tokenize_book

FIELD = {"logit_boost": 3}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The sample's model with such a field."""
    folder = shutil.copytree(MODEL, tmp_path / "model", copy_function=shutil.copy)
    config = json.loads((MODEL / "config.json").read_text()) | FIELD
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def say(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]


def test_field_is_refused_by_a_message_whose_remedy_helps(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        download(tmp_path, model=str(model))
    message = say(capsys)[-1]
    assert "found logit_boost=3" in message
    name, equals, value = message.rpartition(" ")[2].partition("=")
    assert (name, equals) == ("ignore_fields", "=")
    windows = tokenize_book(tmp_path, model=str(model), options={name: f"{value}, other"})
    assert list(windows.glob("*.parquet"))
    lines = say(capsys)
    assert "field logit_boost of the model's configuration: left out, as ignore_fields says" in lines
    assert "field other of the model's configuration: not there to be ignored" in lines
    assert read_model(Inputs.at(tmp_path / "inputs").model).identity.ignored_fields == ("logit_boost",)


def test_field_that_has_a_meaning_is_not_ignored(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        download(tmp_path, model=str(model), options={"ignore_fields": "logit_boost,rms_norm_eps"})
    assert "ignore_fields must name fields of unknown meaning, found rms_norm_eps, which config.json" in say(capsys)[-1]


def test_plan_ignores_it_too(model: Path) -> None:
    settings = Settings.from_parameters(DEFAULTS)
    with pytest.raises(ModelError, match="logit_boost=3"):
        read_subject(str(model), [], settings)
    subject, config = read_subject(str(model), [], settings, ["logit_boost"])
    assert subject.decoder == open_model(MODEL).decoder
    assert config == json.loads((MODEL / "config.json").read_text())


def test_field_of_a_gguf_file_is_ignored(tmp_path: Path) -> None:
    field: dict[str, Any] = {"llama.logit_boost": 3.0}
    (tmp_path / "models").mkdir()
    shutil.copy(MODEL / "tokenizer.json", tmp_path / "models")
    file = write_gguf(tmp_path / "models" / "toy.gguf", *read_weights(MODEL), fields=field)
    with pytest.raises(ModelError, match=r"llama\.logit_boost=3\.0"):
        fetch_config(str(file))
    assert fetch_config(str(file), ["llama.logit_boost"])[1]["model_type"] == "llama"
