"""Where verification finds the model of results."""

import dataclasses
import shutil
from pathlib import Path

from byheart.measures.results import Results
from byheart.verification.model import find_model
from tests.conftest import MODEL


def test_model_that_was_converted_from_a_gguf_file_is_found_in_the_store(sample_run: Path, tmp_path: Path) -> None:
    provenance = Results.open(sample_run).provenance
    made = dataclasses.replace(provenance, model=dataclasses.replace(provenance.model, gguf_sha256="0123"))
    for digest in ("0122", "0123"):
        shutil.copytree(MODEL, tmp_path / f"models/gguf-1--tiny@{digest}")
    found = find_model(made, given="", store=str(tmp_path), remembered=())
    assert found == f"{tmp_path}/models/gguf-1--tiny@0123"
    other = dataclasses.replace(provenance, model=dataclasses.replace(provenance.model, gguf_sha256="9"))
    assert find_model(other, given="", store=str(tmp_path), remembered=()) is None
