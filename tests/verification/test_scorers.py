"""Which second implementation scores windows again; `make test-parity` holds them against one another."""

import json
import sys
from pathlib import Path

import pytest

from byheart.contracts.errors import ModelError, SettingsError
from byheart.launch.verify import make_means
from byheart.verification.means import Means
from byheart.verification.scorers import NUMPY, TRANSFORMERS, check_scorer, find_scorer
from byheart.verification.transformers_scoring import bring_files
from tests.conftest import MODEL


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide a PyTorch that somebody has installed."""
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.fixture
def unknown(tmp_path: Path) -> str:
    """The folder of a model of a family that NumPy's decoder does not know."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mamba"}), encoding="utf-8")
    return str(tmp_path)


def ask(scorer: str) -> Means:
    """The means that the command line's options give."""
    return make_means(
        model="",
        base="",
        tokenizer="",
        without_model=False,
        texts=[],
        windows=None,
        seed=None,
        scorer=scorer,
        store="nowhere",
    )


@pytest.mark.parametrize("asked", ["auto", NUMPY])
def test_numpy_scores_the_families_that_it_knows(asked: str) -> None:
    assert find_scorer(str(MODEL), asked).title == "NumPy in float64"


@pytest.mark.usefixtures("without_torch")
def test_what_to_install_is_said_where_only_transformers_may_know_the_family(unknown: str) -> None:
    with pytest.raises(ModelError) as caught:
        find_scorer(unknown)
    assert caught.value.message == (
        "a second implementation must know mamba, found none: NumPy's does not, and transformers needs PyTorch, which "
        "is not installed: install it with `pip install torch`"
    )


def test_numpy_alone_names_the_other_where_it_does_not_know_the_family(unknown: str) -> None:
    with pytest.raises(ModelError, match="must know mamba, found none: NumPy's does not: try --scorer transformers"):
        find_scorer(unknown, NUMPY)


@pytest.mark.usefixtures("without_torch")
def test_transformers_is_refused_at_once_where_pytorch_is_missing() -> None:
    with pytest.raises(SettingsError, match="needs PyTorch, found none: install it with `pip install torch`"):
        ask(TRANSFORMERS)


def test_scorer_is_one_of_three() -> None:
    assert ask(NUMPY).scorer == NUMPY
    with pytest.raises(SettingsError, match="must be one of auto, numpy, transformers, found 'torch'"):
        check_scorer("torch")


def test_transformers_gets_nothing_but_the_files_whose_hash_was_compared(tmp_path: Path) -> None:
    model, brought = tmp_path / "model", tmp_path / "brought"
    model.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (model / name).write_bytes((MODEL / name).read_bytes())
    (model / "modeling_own.py").write_text("raise SystemExit", encoding="utf-8")
    (model / "adapter_config.json").write_text("{}", encoding="utf-8")
    bring_files(str(model), brought)
    assert sorted(path.name for path in brought.iterdir()) == ["config.json", "model.safetensors"]
    assert (brought / "config.json").read_bytes() == (MODEL / "config.json").read_bytes()
