"""Records what a run measured in the run file that repeats it, and compares a repetition with that record."""

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from byheart.contracts.books import CONTROL
from byheart.contracts.json_files import from_json, to_json
from byheart.contracts.model import ModelIdentity, TokenizerIdentity
from byheart.contracts.progress import format_count
from byheart.contracts.settings import SETTINGS
from byheart.contracts.version import VERSION
from byheart.launch.images import find_commit
from byheart.launch.paths import make_model_relative, make_relative
from byheart.launch.this_machine import locate_default_store
from byheart.measures.fields import list_fields
from byheart.measures.figures import show
from byheart.measures.provenance import Code
from byheart.measures.results import BookResults, Results
from byheart.measures.statistics import Headline

_HASH_CHARACTERS = 12
"""Characters of a hash that are printed."""
_NAME_CHARACTERS = 30
_TITLE = """\
# Repeats this run: `byheart run` with this file. Paths are relative to its folder.
"""
_TITLE_OF_RECORD = """\
# What was measured. A run of this file is held against it, and says what differs.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedModel:
    """The model that a run measured."""

    source: str
    commit: str | None
    weights_sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedBook:
    """A book or a control, and its numbers."""

    name: str
    role: str
    source: str
    file_sha256: str | None
    text_sha256: str
    list_sha256: str | None = None
    """The SHA-256 of the list that names the file, if one does."""
    characters: int
    headline: dict[str, float | int | None]
    """The headline of statistics.json."""
    scores: str
    """The address of its scores in the store."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What a run measured, with which model and settings, and the numbers."""

    settings: dict[str, Any]
    """By name; some may be missing, if the file was edited."""
    byheart: Code
    model: RecordedModel
    tokenizer_sha256: str
    precision: str
    books: list[RecordedBook]


def make_record(results: Results) -> Record:
    """The record of a finished run, from its results."""
    provenance, model = results.provenance, results.provenance.model
    return Record(
        settings=provenance.settings.by_name(),
        byheart=provenance.code,
        model=RecordedModel(source=model.source, commit=model.commit, weights_sha256=model.weights_sha256),
        tokenizer_sha256=provenance.tokenization.tokenizer_sha256,
        precision=provenance.precision,
        books=[_record_book(book) for book in results.books],
    )


def read_record(measured: Mapping[str, Any], settings: Mapping[str, Any]) -> Record:
    """The record in a run file, from its `measured` and its `settings`.

    Raises:
        DamagedError: it is not as `render_run_file` writes it.
    """
    return from_json(to_json({**measured, "settings": dict(settings)}), Record, name="measured")


def render_run_file(values: Mapping[str, Any], results: Results, out: Path, name: str = "") -> str:
    """The text of the run file that repeats a run, for the folder `out`.

    Args:
        values: the run's parameters; its settings are taken from the results, which hold all of them.
        name: the run's name; empty makes one from the name of `out`.
    """
    return render_measured(_list_paths(values, _pin_model(results, out), out, name, [results]), results)


def render_grid_file(values: Mapping[str, Any], results: Sequence[Results], out: Path, name: str = "") -> str:
    """The text of the run file that repeats a run with several models, for the folder `out`.

    It names the models as the results do, if all models have results; else as the run was given them.

    Args:
        values: the run's parameters; its settings are taken from the results, which hold all of them.
        results: of the models that have any, one at least.
        name: the run's name; empty makes one from the name of `out`.
    """
    asked = values["model"]
    models = (
        [_pin_model(found, out) for found in results]
        if len(results) == len(asked)
        else [make_model_relative(model, out) for model in asked]
    )
    run = {**_list_paths(values, models, out, name, results), "settings": results[0].provenance.settings.by_name()}
    return f"{_TITLE}{_dump(run)}"


def _list_paths(
    values: Mapping[str, Any], model: str | list[str], out: Path, name: str, results: Sequence[Results]
) -> dict[str, Any]:
    """What a run file for the folder `out` holds beside settings and numbers."""
    tokenizer = results[0].provenance.tokenization.tokenizer
    return {
        "name": name or _make_name(out),
        "model": model,
        **({"tokenizer": _name_tokenizer(tokenizer, values, out)} if tokenizer else {}),
        **({"base": base} if (base := _name_base(results, out)) else {}),
        "books": [make_relative(book, out) for book in values["books"]],
        "controls": [make_relative(book, out) for book in values.get("controls", [])],
        **({} if values["store"] == locate_default_store() else {"store": make_relative(values["store"], out)}),
    }


def _pin_model(results: Results, out: Path) -> str:
    """The model of results, for a run file in `out`: on the Hub at its commit, otherwise by its path."""
    model = results.provenance.model
    return f"{model.source}@{model.commit}" if model.commit else make_relative(model.source, out)


def render_measured(paths: Mapping[str, Any], results: Results) -> str:
    """The text of a run file with these paths, and the settings and numbers of these results."""
    settings, ignored = results.provenance.settings.by_name(), results.provenance.model.ignored_fields
    run = {**paths, "settings": {**settings, **({"ignore_fields": ",".join(ignored)} if ignored else {})}}
    measured = json.loads(to_json(make_record(results)))
    del measured["settings"]
    return f"{_TITLE}{_dump(run)}\n{_TITLE_OF_RECORD}{_dump({'measured': measured})}"


def list_differences_before(recorded: Record, values: Mapping[str, Any]) -> list[str]:
    """How a repetition differs from the record before it begins: in the version of byheart and in its settings."""
    current = Code(version=VERSION, commit=os.environ.get("BYHEART_COMMIT") or find_commit())
    settings = {name: value for name, value in values.items() if name in SETTINGS}
    return [*_compare_code(recorded.byheart, current), *_compare_settings(recorded.settings, settings)]


def list_differences(recorded: Record, results: Results) -> list[str]:
    """How a repetition's results differ from the record, a line for each difference; empty if nothing differs.

    Numbers are compared as they are printed. The sources of the model and of the books are not compared.
    """
    now = make_record(results)
    lines = [*_compare_code(recorded.byheart, now.byheart), *_compare_settings(recorded.settings, now.settings)]
    lines += _compare_values("model weights sha256", recorded.model.weights_sha256, now.model.weights_sha256)
    lines += _compare_values("model commit", recorded.model.commit, now.model.commit)
    lines += _compare_values("tokenizer sha256", recorded.tokenizer_sha256, now.tokenizer_sha256)
    lines += _compare_values("precision", recorded.precision, now.precision)
    then = {(book.role, book.name): book for book in recorded.books}
    repeated = {(book.role, book.name): book for book in now.books}
    lines += [f"{role} {name} is not measured" for role, name in then if (role, name) not in repeated]
    lines += [f"{role} {name} is measured too" for role, name in repeated if (role, name) not in then]
    both = [(then[key], repeated[key]) for key in then if key in repeated]
    lines += [line for before, after in both for line in _compare_books(before, after)]
    return lines or [
        line
        for before, after in both
        for line in _compare_values(f"{before.name}: scores at", before.scores, after.scores)
    ]


def compare(recorded: Record, results: Results, file: str = "run.yaml") -> str:
    """The lines for a terminal that say that the results agree with the file, or list the differences."""
    if lines := list_differences(recorded, results):
        return "\n".join((f"otherwise than {file} says:", *(f"  {line}" for line in lines)))
    controls = sum(book.role == CONTROL for book in recorded.books)
    counts = [
        format_count(len(recorded.books) - controls, "book"),
        *([format_count(controls, "control")] if controls else []),
    ]
    return f"as {file} says: {', '.join(counts)}, the model, every setting and the headline"


def _name_tokenizer(tokenizer: TokenizerIdentity, values: Mapping[str, Any], out: Path) -> str:
    return f"{tokenizer.source}@{tokenizer.commit}" if tokenizer.commit else make_relative(values["tokenizer"], out)


def _name_base(results: Sequence[Results], out: Path) -> str:
    """The base of the adapters that a run measured, as the parameter names it; empty if there are several, or none."""
    adapters = {(model.adapter.base, model.adapter.base_commit) for model in _list_models(results) if model.adapter}
    if len(adapters) != 1:
        return ""
    [(base, commit)] = adapters
    return f"{base}@{commit}" if commit else make_relative(base, out)


def _list_models(results: Sequence[Results]) -> list[ModelIdentity]:
    return [found.provenance.model for found in results]


def _record_book(results: BookResults) -> RecordedBook:
    book = results.book
    return RecordedBook(
        name=book.name,
        role=book.role,
        source=book.source,
        file_sha256=book.origin.file_sha256 if book.origin else None,
        text_sha256=book.sha256,
        list_sha256=book.origin.listed_in.sha256 if book.origin and book.origin.listed_in else None,
        characters=book.characters,
        headline=json.loads(to_json(results.statistics.headline)),
        scores=book.scores,
    )


def _compare_code(then: Code, now: Code) -> Iterator[str]:
    yield from _compare_values("byheart", then.version, now.version)
    yield from _compare_values("byheart's commit", then.commit, now.commit)


def _compare_settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, value in then.items():
        if now.get(name, value) != value:
            yield f"{name}={now[name]} instead of {value}"


def _compare_books(then: RecordedBook, now: RecordedBook) -> Iterator[str]:
    yield from _compare_values(f"{now.name}: text sha256", then.text_sha256, now.text_sha256)
    if then.text_sha256 == now.text_sha256:
        yield from _compare_values(f"{now.name}: file sha256", then.file_sha256, now.file_sha256)
    if then.list_sha256:
        yield from _compare_values(f"{now.name}: list sha256", then.list_sha256, now.list_sha256)
    for field in list_fields(Headline):
        before, after = (show(book.headline.get(field.name), field.unit) for book in (then, now))
        if before != after:
            yield f"{now.name}: {after} instead of {before} {field.sentence.removeprefix('… ')}"


def _compare_values(what: str, then: str | None, now: str | None) -> Iterator[str]:
    if then != now:
        yield f"{what} {_shorten_hash(now)} instead of {_shorten_hash(then)}"


def _shorten_hash(value: str | None) -> str:
    """A hash shortened to its beginning; any other value in full."""
    if value is None:
        return "none"
    return value[:_HASH_CHARACTERS] if re.match(r"[0-9a-f]{32}", value) else value


def _make_name(out: Path) -> str:
    """A valid name of a run, made from its folder's name."""
    words = re.sub(r"[^a-z0-9]+", "-", out.resolve().name.lower())[:_NAME_CHARACTERS].strip("-")
    return words or "run"


def _dump(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
