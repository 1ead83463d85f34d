"""Where verification finds the model of results."""

import dataclasses
import json
import shutil
from pathlib import Path

from byheart.components.download.tokenizer import bring_tokenizer
from byheart.measures.results import Results
from byheart.verification.checks import FAILED, HELD, NOT_VERIFIED, Checks
from byheart.verification.inputs import check_tokenizer
from byheart.verification.means import Means
from byheart.verification.model import find_model
from tests.conftest import MODEL


def test_model_that_was_converted_from_a_gguf_file_is_found_in_the_store(sample_run: Path, tmp_path: Path) -> None:
    provenance = Results.open(sample_run).provenance
    made = dataclasses.replace(provenance, model=dataclasses.replace(provenance.model, gguf_sha256="0123"))
    for digest in ("0122", "0123"):
        folder = shutil.copytree(MODEL, tmp_path / f"models/gguf-1--tiny@{digest}")
        about = {"gguf": {"sha256": digest}, "files": {"tokenizer.json": {"sha256": "0"}}}
        (folder / "manifest.json").write_text(json.dumps(about))
    found = find_model(made, given="", store=str(tmp_path), remembered=())
    assert found == f"{tmp_path}/models/gguf-1--tiny@0123"
    other = dataclasses.replace(provenance, model=dataclasses.replace(provenance.model, gguf_sha256="9"))
    assert find_model(other, given="", store=str(tmp_path), remembered=()) is None


def test_tokenizer_that_a_run_named_is_found_and_compared(sample_run: Path, tmp_path: Path) -> None:
    words, store = shutil.copytree(MODEL, tmp_path / "words"), str(tmp_path / "store")
    kept = bring_tokenizer(str(words), store)
    results = Results.open(sample_run)
    tokenization = dataclasses.replace(results.provenance.tokenization, tokenizer=kept.identity)
    provenance = dataclasses.replace(results.provenance, tokenization=tokenization)
    results = dataclasses.replace(results, provenance=provenance)

    def check(store: str, tokenizer: str = "") -> str:
        checks = Checks(lambda _: None)
        check_tokenizer(results, str(tmp_path), Means(store=store, tokenizer=tokenizer), checks)
        return checks.list[0].outcome

    shutil.move(words, tmp_path / "moved")
    other = str(tmp_path / "other")
    assert check(store) == HELD  # from the store; the model's folder has none
    assert check(other) == NOT_VERIFIED
    assert check(other, str(tmp_path / "moved")) == HELD
    shutil.copytree(tmp_path / "moved", words)
    assert check(str(tmp_path / "empty")) == HELD  # from the folder that the run had it from
    (words / "tokenizer.json").write_bytes((words / "tokenizer.json").read_bytes() + b" ")
    assert check(str(tmp_path / "empty")) == FAILED
