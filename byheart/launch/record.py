"""What a run file of a finished run says was measured, and how a repetition differs from it."""

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from byheart.contracts.books import CONTROL
from byheart.contracts.json_files import from_json, to_json
from byheart.contracts.settings import SETTINGS
from byheart.contracts.version import VERSION
from byheart.launch.here import default_store
from byheart.launch.images import commit
from byheart.launch.paths import relative
from byheart.measures.fields import list_fields
from byheart.measures.headline import show
from byheart.measures.provenance import Code
from byheart.measures.results import BookResults, Results
from byheart.measures.statistics import Headline

_HASH_CHARACTERS = 12
"""Of a hash, that are shown."""
_NAME_CHARACTERS = 30
_TITLE = """\
# Repeats this run: `byheart run` with this file. Paths are relative to its folder.
"""
_TITLE_OF_RECORD = """\
# What was measured. A run of this file is held against it, and says what differs.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedModel:
    """The model of a run."""

    source: str
    commit: str | None
    weights_sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedBook:
    """A book or a control, and what was found of it."""

    name: str
    role: str
    source: str
    file_sha256: str | None
    text_sha256: str
    characters: int
    headline: dict[str, float | int | None]
    """As statistics.json has it."""
    scores: str
    """Their address in the store."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What a run has measured, with what, and what came out."""

    settings: dict[str, Any]
    """By name; a file may have lost some."""
    byheart: Code
    model: RecordedModel
    tokenizer_sha256: str
    precision: str
    books: list[RecordedBook]


def record(results: Results) -> Record:
    """What results say of their run."""
    made = results.provenance
    return Record(
        settings=made.settings.by_name(),
        byheart=made.code,
        model=RecordedModel(
            source=made.model.source, commit=made.model.commit, weights_sha256=made.model.weights_sha256
        ),
        tokenizer_sha256=made.tokenization.tokenizer_sha256,
        precision=made.precision,
        books=[_record_book(book) for book in results.books],
    )


def read_record(measured: Mapping[str, Any], settings: Mapping[str, Any]) -> Record:
    """What a run file says under `measured`, and under `settings`.

    Raises:
        DamagedError: it is not as `run_file_text` writes it.
    """
    return from_json(to_json({**measured, "settings": dict(settings)}), Record, name="measured")


def run_file_text(values: Mapping[str, Any], results: Results, out: Path, name: str = "") -> str:
    """The run file that repeats a run, to stand in `out`.

    Args:
        values: the parameters that it was given; of settings, the results have them all.
        name: what the file calls the run; empty is what `out` is called, as far as a name may be.
    """
    made = results.provenance
    model = f"{made.model.source}@{made.model.commit}" if made.model.commit else relative(values["model"], out)
    run = {
        "name": name or _name(out),
        "model": model,
        "books": [relative(book, out) for book in values["books"]],
        "controls": [relative(book, out) for book in values.get("controls", [])],
        **({} if values["store"] == default_store() else {"store": relative(values["store"], out)}),
        "settings": made.settings.by_name(),
    }
    measured = json.loads(to_json(record(results)))
    del measured["settings"]
    return f"{_TITLE}{_dump(run)}\n{_TITLE_OF_RECORD}{_dump({'measured': measured})}"


def differences_before(recorded: Record, values: Mapping[str, Any]) -> list[str]:
    """What differs from a recorded run before a repetition begins: this byheart, and the settings that it is given."""
    here = Code(version=VERSION, commit=os.environ.get("BYHEART_COMMIT") or commit())
    settings = {name: value for name, value in values.items() if name in SETTINGS}
    return [*_code(recorded.byheart, here), *_settings(recorded.settings, settings)]


def differences(recorded: Record, results: Results) -> list[str]:
    """What of a repetition's results is not as it was recorded, a line each; none where everything is.

    Numbers are compared as pages show them. Where a book was found and who named it so is no part of it.
    """
    now = record(results)
    lines = [*_code(recorded.byheart, now.byheart), *_settings(recorded.settings, now.settings)]
    lines += _differs("model weights sha256", recorded.model.weights_sha256, now.model.weights_sha256)
    lines += _differs("model commit", recorded.model.commit, now.model.commit)
    lines += _differs("tokenizer sha256", recorded.tokenizer_sha256, now.tokenizer_sha256)
    lines += _differs("precision", recorded.precision, now.precision)
    then = {(book.role, book.name): book for book in recorded.books}
    there = {(book.role, book.name): book for book in now.books}
    lines += [f"{role} {name} is not measured" for role, name in then if (role, name) not in there]
    lines += [f"{role} {name} is measured too" for role, name in there if (role, name) not in then]
    both = [(then[key], there[key]) for key in then if key in there]
    lines += [line for before, after in both for line in _of_book(before, after)]
    return lines or [
        line for before, after in both for line in _differs(f"{before.name}: scores at", before.scores, after.scores)
    ]


def compare(recorded: Record, results: Results, file: str = "run.yaml") -> str:
    """One line or more for a terminal: that the results are as the file says, or what differs."""
    if lines := differences(recorded, results):
        return "\n".join((f"otherwise than {file} says:", *(f"  {line}" for line in lines)))
    controls = sum(book.role == CONTROL for book in recorded.books)
    counts = [_count(len(recorded.books) - controls, "book"), *([_count(controls, "control")] if controls else [])]
    return f"as {file} says: {', '.join(counts)}, the model, every setting and the headline"


def _record_book(results: BookResults) -> RecordedBook:
    book = results.book
    return RecordedBook(
        name=book.name,
        role=book.role,
        source=book.source,
        file_sha256=book.origin.file_sha256 if book.origin else None,
        text_sha256=book.sha256,
        characters=book.characters,
        headline=json.loads(to_json(results.statistics.headline)),
        scores=book.scores,
    )


def _code(then: Code, now: Code) -> Iterator[str]:
    yield from _differs("byheart", then.version, now.version)
    yield from _differs("byheart's commit", then.commit, now.commit)


def _settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, value in then.items():
        if now.get(name, value) != value:
            yield f"{name}={now[name]} instead of {value}"


def _of_book(then: RecordedBook, now: RecordedBook) -> Iterator[str]:
    yield from _differs(f"{now.name}: text sha256", then.text_sha256, now.text_sha256)
    if then.text_sha256 == now.text_sha256:
        yield from _differs(f"{now.name}: file sha256", then.file_sha256, now.file_sha256)
    for field in list_fields(Headline):
        before, after = (show(book.headline.get(field.name)) for book in (then, now))
        if before != after:
            yield f"{now.name}: {after} instead of {before} {field.sentence.removeprefix('… ')}"


def _differs(what: str, then: str | None, now: str | None) -> Iterator[str]:
    if then != now:
        yield f"{what} {_shown(now)} instead of {_shown(then)}"


def _shown(value: str | None) -> str:
    """A hash by its beginning; whatever else in full."""
    if value is None:
        return "none"
    return value[:_HASH_CHARACTERS] if re.match(r"[0-9a-f]{32}", value) else value


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'s' * (number != 1)}"


def _name(out: Path) -> str:
    """What a run may be called, of its folder's name."""
    words = re.sub(r"[^a-z0-9]+", "-", out.resolve().name.lower())[:_NAME_CHARACTERS].strip("-")
    return words or "run"


def _dump(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
