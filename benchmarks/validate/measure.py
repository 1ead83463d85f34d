"""Trains the two models of a seed, and measures the texts under each as a person would: files, and `byheart.run`.

A book of its own for each of a thousand short texts would take an hour of tables. So texts of a kind stand in one file,
each from a multiple of the stride, and the windows that lie wholly within a text are taken from windows.parquet. These
are the windows that a file of that text alone has; `measure_alone` measures some such files, to show it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

import byheart
from benchmarks.validate.design import CURSOR_INC, END, MODELS, Design
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.measures.calibration.stretches import Document
from byheart.measures.results import BookResults, Results
from byheart.models.families import FAMILIES
from samples.train import CONFIG, fit, write_tokenizer, write_weights

BUILD = Path(__file__).parents[2] / "build" / "validate"
_CONFIG = CONFIG | {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 384,
}
_BATCH, _ROW, _PEAK_RATE = 4, 192, 1.5e-3
"""Rows of a step, tokens of a row, and the highest rate of learning."""
SETTINGS = {"cursor_inc": CURSOR_INC, "slice_length": 1_000, "precision": "float32", "chapters": "none"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What one model shows of the texts of its seed, by their names."""

    seed: int
    model: str
    folder: Path
    """The model's."""
    texts: dict[str, Document]


def train(design: Design, folder: Path) -> dict[str, Path]:
    """The folders of the two models; one that was trained on these very tokens before is used again."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, design.for_tokenizer)
    tokenizer = load_tokenizer(folder)
    training = design.write_training(lambda texts: [list(encoding.ids) for encoding in tokenizer.encode(list(texts))])
    return {model: _train_one(design.seed, model, training[model], folder) for model in MODELS}


def measure(design: Design, model: str, folder: Path, build: Path) -> Measured:
    """The windows of every passage and control under a model, and of the documents that are measured under it."""
    own = list(design.documents)[MODELS.index(model) :: len(MODELS)]
    files = {
        "passages": {passage.name: passage.text for passage in design.passages},
        "controls": design.controls,
        "documents": {name: design.documents[name] for name in own},
    }
    texts = build / f"texts-{model}"
    texts.mkdir(exist_ok=True)
    for name, contents in files.items():
        (texts / f"{name}.txt").write_text("".join(text + END for text in contents.values()), encoding="utf-8")
    results = byheart.run(
        texts / "passages.txt",
        model=folder,
        controls=[texts / "controls.txt", texts / "documents.txt"],
        store=build / "store",
        out=build / f"results-{model}",
        **SETTINGS,
    )
    found = {book.book.name: book for book in results.books}
    cut = (document for name, contents in files.items() for document in cut_texts(found[name], contents))
    return Measured(seed=design.seed, model=model, folder=folder, texts={document.name: document for document in cut})


def measure_alone(book: Mapping[str, str], controls: Mapping[str, str], folder: Path, build: Path) -> Results:
    """The results of texts that are files of their own, some of them controls."""
    texts = build / "texts-alone"
    for kind, contents in (("books", book), ("controls", controls)):
        (texts / kind).mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            (texts / kind / f"{name}.txt").write_text(text, encoding="utf-8")
    return byheart.run(
        texts / "books",
        model=folder,
        controls=texts / "controls",
        store=build / "store",
        out=build / "results-alone",
        **SETTINGS,
    )


def cut_texts(book: BookResults, contents: Mapping[str, str]) -> Iterator[Document]:
    """Each text of a file, with the windows that lie wholly within it."""
    table = book.read_windows()
    windows, start = table.windows, 0
    for name, text in contents.items():
        rows = np.flatnonzero((windows.cursor >= start) & (windows.stop <= start + len(text)))
        yield Document(
            name=name,
            text=text,
            number=np.arange(len(rows)),
            start=windows.start[rows] - start,
            suffix_start=windows.suffix_start[rows] - start,
            stop=windows.stop[rows] - start,
            log_p_z=table.scores.log_p_z[rows],
            repetitive=table.repetition.repetitive[rows],
            book_overlap=table.repetition.book_overlap[rows],
        )
        start += len(text + END)


def _train_one(seed: int, model: str, tokens: np.ndarray, folder: Path) -> Path:
    steps = len(tokens) // (_BATCH * _ROW)
    batches = tokens[: steps * _BATCH * _ROW].reshape(steps, _BATCH, _ROW)
    recipe = json.dumps([_CONFIG, _PEAK_RATE, seed, batches.shape])
    digest = hashlib.sha256(recipe.encode() + batches.tobytes()).hexdigest()[:12]
    trained = folder / f"model-{model}-{digest}"
    if not trained.exists():
        print(f"model {model} of seed {seed}: {tokens.size:,} tokens", flush=True)
        family = FAMILIES["llama"]
        config = family.parse_config(_CONFIG)
        parameters = family.describe_parameters(config)
        params = fit(parameters, config, iter(batches), steps=steps, seed=seed, peak_rate=_PEAK_RATE)
        part = trained.with_suffix(".part")
        part.mkdir(exist_ok=True)
        (part / "config.json").write_text(json.dumps(_CONFIG, indent=2) + "\n")
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (part / name).write_bytes((folder / name).read_bytes())
        write_weights(part, parameters, params)
        part.rename(trained)
    return trained
