"""Two models with different tokenizers, measured on windows of characters, compared and verified."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from byheart.components.compare.run import run as compare
from byheart.contracts import parquet
from tests.conftest import BOOK, MODEL, ROOT, launch
from tests.extract import numpy_decoder
from tests.extract.test_decoder import log_softmax
from tests.tokenize.toy_tokenizers import build

pytestmark = pytest.mark.slow

_ASKED = ("suffix_characters=120", "prompt_characters=80", "cursor_inc=300", "windows=12", "control_sample=4", "dpi=20")
_LAYERS, _EMBED, _FFN = 1, 32, 48


def write_other_model(folder: Path) -> Path:
    """A random model whose tokenizer has other tokens than the sample's."""
    build("gpt2", folder)
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    vocab = max(vocabulary.values()) + 1
    config = {
        "model_type": "llama", "hidden_size": _EMBED, "intermediate_size": _FFN, "num_hidden_layers": _LAYERS,
        "num_attention_heads": 2, "vocab_size": vocab, "max_position_embeddings": 512, "tie_word_embeddings": True,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens": (vocab, _EMBED), "model.norm": (_EMBED,)}
    name = "model.layers.0."
    shapes |= {f"{name}self_attn.{part}_proj": (_EMBED, _EMBED) for part in "qkvo"}
    shapes |= {f"{name}mlp.{part}_proj": (_FFN, _EMBED) for part in ("gate", "up")}
    shapes |= {f"{name}mlp.down_proj": (_EMBED, _FFN)}
    shapes |= {f"{name}{norm}_layernorm": (_EMBED,) for norm in ("input", "post_attention")}
    random = np.random.default_rng(0)
    save_file(
        {f"{name}.weight": random.normal(len(shape) == 1, 0.2, shape).astype("<f4") for name, shape in shapes.items()},
        folder / "model.safetensors",
    )
    return folder


@pytest.fixture(scope="module")
def outs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The results of the sample's model, and of the other."""
    folder = tmp_path_factory.mktemp("characters")
    models = {"sample": MODEL, "other": write_other_model(folder / "other-model")}
    for name, model in models.items():
        done = launch(folder / name, *_ASKED, f"label={name}", model=str(model), store=str(folder / "store"))
        assert done.returncode == 0, done.stderr
    return [folder / name / "out" for name in models]


def read(out: Path) -> dict[str, np.ndarray]:
    path = out / BOOK.stem / "windows.parquet"
    return parquet.from_bytes(path.read_bytes(), name=str(path))[0]


@pytest.mark.timeout(1800)
def test_each_window_scores_as_it_does_alone_in_float64(outs: list[Path]) -> None:
    """Every window by itself, at its own length, through another decoder."""
    windows = read(outs[0])
    assert len(set(windows["suffix_tokens"].tolist())) > 3
    for row in range(0, len(windows["cursor"]), 4):
        prompt, suffix = windows["prompt_tokens"][row], windows["suffix_tokens"][row]
        ids = windows["token_ids"][row, : prompt + suffix]
        logits = numpy_decoder.logits(MODEL, ids)[prompt - 1 : -1]
        exact = np.take_along_axis(log_softmax(logits), ids[prompt:, None], axis=-1)[:, 0]
        np.testing.assert_allclose(windows["token_log_probs"][row, :suffix], exact, atol=1e-4)
        assert windows["log_p_z"][row] == pytest.approx(exact.sum(), abs=1e-3)
        assert not windows["token_log_probs"][row, suffix:].any()


@pytest.mark.timeout(1800)
def test_models_with_other_tokenizers_are_paired(outs: list[Path], tmp_path: Path) -> None:
    first, second = map(read, outs)
    for name in ("cursor", "suffix_start", "stop"):
        assert first[name].tolist() == second[name].tolist()
    assert first["suffix_tokens"].tolist() != second["suffix_tokens"].tolist()
    assert not first["flagged"].any()
    compare(results=[str(out) for out in outs], out=str(tmp_path / "comparison"))
    rows = pd.read_csv(tmp_path / "comparison" / "comparison.csv")
    delta = np.quantile(second["log_p_z"] - first["log_p_z"], 0.5, method="inverted_cdf")
    found = rows[(rows.measure == "delta") & (rows.level.astype(str) == "0.5")]
    assert found.value.tolist() == [pytest.approx(delta)]
    assert rows[rows.measure == "paired_windows"].value.tolist() == [1]
    assert len(rows[rows.measure == "bits_difference"]) == 1
    page = (tmp_path / "comparison" / "comparison.html").read_text(encoding="utf-8")
    assert "80 + 120 characters" in page
    assert "lower bound on the string’s" in page


@pytest.mark.timeout(1800)
def test_results_are_verified(outs: list[Path]) -> None:
    command = [sys.executable, "-m", "byheart", "verify", str(outs[0]), "--model", str(MODEL), "--windows", "6"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 of 16 windows, scored by NumPy in float64" in done.stdout
