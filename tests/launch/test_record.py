"""What run.yaml says of a run, and what is said where a repetition differs."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from byheart.contracts.books import BookList, Origin
from byheart.contracts.model import AdapterIdentity, TokenizerIdentity
from byheart.contracts.parameters import flatten
from byheart.contracts.settings import Settings
from byheart.launch.compiled import Compiled
from byheart.launch.images import find_commit
from byheart.launch.record import (
    Record,
    compare,
    list_differences,
    list_differences_before,
    make_record,
    render_grid_file,
    render_run_file,
)
from byheart.launch.run_file import read_run_file
from byheart.measures.measured import MeasuredBook
from byheart.measures.provenance import Code
from byheart.measures.results import Results
from byheart.pipeline import DEFAULTS
from tests.launch.test_results import write_results
from tests.measures import toy

BOOKS = [toy.make_book([0.9, 0.6, 1e-5, 1e-9], name="known"), toy.make_book([1e-9] * 3, name="unseen", role="control")]
VALUES = {"books": ["books/known.txt"], "controls": ["unseen.txt"], "model": ["samples/model"], "store": "gs://b/store"}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return results_of(tmp_path / "out", BOOKS)


def results_of(folder: Path, books: list[MeasuredBook]) -> Results:
    write_results(folder, books)
    return Results.open(folder)


def test_settings_by_name_are_the_parameters_that_they_were_made_of() -> None:
    changed = {"bos": "true", "temperature": 0.5, "report_text": "200", "plot_title": "1984", "preset": "none"}
    assert Settings.from_parameters(DEFAULTS | changed).by_name() == {
        name: value
        for name, value in (DEFAULTS | changed).items()
        if name not in ("controls", "tokenizer", "base", "ignore_fields")
    }


def test_run_file_repeats_the_run_with_every_setting(
    results: Results, tmp_path: Path, compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "My Results!" / "run.yaml"
    path.parent.mkdir()
    path.write_text(render_run_file(VALUES, results, path.parent), encoding="utf-8")
    run = read_run_file(path, compiled)
    assert run.name == "my-results"
    assert run.values == results.provenance.settings.by_name() | {
        "books": [f"{tmp_path}/books/known.txt"], "controls": [f"{tmp_path}/unseen.txt"],
        "model": [f"{tmp_path}/samples/model"], "store": "gs://b/store",
    }  # fmt: skip
    assert flatten({**run.values, "options": {}}, DEFAULTS) == run.values | {
        "tokenizer": "",
        "base": "",
        "ignore_fields": "",
    }
    assert run.recorded == make_record(results)
    assert compare(run.recorded, results) == (
        "as run.yaml says: 1 book, 1 control, the model, every setting and the headline"
    )


def test_model_of_the_hub_is_pinned(results: Results, tmp_path: Path) -> None:
    model = dataclasses.replace(results.provenance.model, source="organisation/model", commit="c" * 40)
    pinned = dataclasses.replace(results, provenance=dataclasses.replace(results.provenance, model=model))
    written = yaml.safe_load(render_run_file(VALUES | {"model": ["short-name"]}, pinned, tmp_path))
    assert written["model"] == f"organisation/model@{'c' * 40}"
    assert written["measured"]["model"]["commit"] == "c" * 40


def test_tokenizer_that_was_named_is_pinned_or_relative(results: Results, tmp_path: Path) -> None:
    def write(source: str, commit: str | None) -> Any:
        tokenizer = TokenizerIdentity(source=source, commit=commit, sha256="0")
        tokenization = dataclasses.replace(results.provenance.tokenization, tokenizer=tokenizer)
        provenance = dataclasses.replace(results.provenance, tokenization=tokenization)
        values = VALUES | {"tokenizer": source}
        return yaml.safe_load(render_run_file(values, dataclasses.replace(results, provenance=provenance), tmp_path))

    assert write("organisation/words", "c" * 40)["tokenizer"] == f"organisation/words@{'c' * 40}"
    assert write(f"{tmp_path}/words", None)["tokenizer"] == "./words"
    assert "tokenizer" not in write("gs://b/words", None)["settings"]
    assert "tokenizer" not in yaml.safe_load(render_run_file(VALUES, results, tmp_path))


def test_base_of_an_adapter_is_pinned_or_relative_and_left_out_where_there_are_several(
    results: Results, tmp_path: Path
) -> None:
    def adapt(base: str, commit: str | None) -> Results:
        adapter = AdapterIdentity(title="LoRA of rank 8", sha256="0", base=base, base_commit=commit)
        model = dataclasses.replace(results.provenance.model, adapter=adapter)
        return dataclasses.replace(results, provenance=dataclasses.replace(results.provenance, model=model))

    def write(*adapted: Results) -> Any:
        values = VALUES | {"model": ["a"] * len(adapted)}
        render = render_run_file(values, adapted[0], tmp_path) if len(adapted) == 1 else ""
        return yaml.safe_load(render or render_grid_file(values, adapted, tmp_path))

    pinned, here = adapt("organisation/name", "c" * 40), adapt(f"{tmp_path}/base", None)
    assert write(pinned)["base"] == f"organisation/name@{'c' * 40}"
    assert write(here)["base"] == "./base"
    assert write(pinned, results)["base"] == f"organisation/name@{'c' * 40}"
    assert "base" not in write(pinned, here)
    assert "base" not in write(results)


def test_what_was_measured_is_no_part_of_what_a_run_is(results: Results, tmp_path: Path, compiled: Compiled) -> None:
    """A run that was submitted once is not submitted again for what was found."""
    path = tmp_path / "run.yaml"
    path.write_text(render_run_file(VALUES, results, tmp_path), encoding="utf-8")
    whole = read_run_file(path, compiled)
    path.write_text(path.read_text(encoding="utf-8").partition("measured:")[0], encoding="utf-8")
    assert read_run_file(path, compiled).digest == whole.digest
    assert read_run_file(path, compiled).recorded is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda then: {"byheart": Code(version="0.0.9", commit=then.byheart.commit)}, "byheart 0.1.0 instead of 0.0.9"),
        (lambda then: {"settings": then.settings | {"top_k": 20}}, "top_k=40 instead of 20"),
        (lambda then: {"model": dataclasses.replace(then.model, weights_sha256="a" * 64)},
         "model weights sha256 wwwwwwwwwwww instead of aaaaaaaaaaaa"),
        (lambda then: {"model": dataclasses.replace(then.model, commit="main")}, "model commit none instead of main"),
        (lambda _: {"tokenizer_sha256": "b" * 64}, "tokenizer sha256 tttttttttttt instead of bbbbbbbbbbbb"),
        (lambda _: {"precision": "bfloat16"}, "precision float32 instead of bfloat16"),
        (lambda then: {"books": then.books[:1]}, "control unseen is measured too"),
        (lambda then: {"books": [*then.books, dataclasses.replace(then.books[0], name="lost")]},
         "book lost is not measured"),
        (lambda then: {"books": [dataclasses.replace(then.books[0], text_sha256="f" * 64), then.books[1]]},
         f"known: text sha256 {BOOKS[0].book.sha256[:12]} instead of ffffffffffff"),
        (lambda then: {"books": [dataclasses.replace(then.books[0], list_sha256="f" * 64), then.books[1]]},
         "known: list sha256 none instead of ffffffffffff"),
        (lambda then: {"books": [dataclasses.replace(then.books[0], scores="0" * 32), then.books[1]]},
         "known: scores at aaaaaaaaaaaa instead of 000000000000"),
    ],
)  # fmt: skip
def test_each_difference_is_a_line(results: Results, change: Any, said: str) -> None:
    then = make_record(results)
    # Hashes of the toy are letters that no hash has.
    now = list_differences(dataclasses.replace(then, **change(then)), results)
    assert [line.replace("w" * 64, "w" * 12).replace("t" * 64, "t" * 12) for line in now] == [said]


def test_list_of_a_book_is_recorded_by_its_digest(tmp_path: Path) -> None:
    origin = Origin(
        file_bytes=9, file_sha256="a" * 64, encoding="utf-8", gutenberg="none", cut_front=0, cut_back=0, joined_lines=0,
        listed_in=BookList(source="list", sha256="b" * 64),
    )  # fmt: skip
    listed, named = (dataclasses.replace(book, book=dataclasses.replace(book.book, origin=origin)) for book in BOOKS)
    named = dataclasses.replace(
        named, book=dataclasses.replace(named.book, origin=dataclasses.replace(origin, listed_in=None))
    )
    recorded = make_record(results_of(tmp_path, [listed, named]))
    assert [book.list_sha256 for book in recorded.books] == ["b" * 64, None]


def test_other_headline_is_said_as_pages_show_it(results: Results, tmp_path: Path) -> None:
    now = results_of(tmp_path / "again", [toy.make_book([0.9, 1e-5, 1e-5, 1e-9], name="known"), BOOKS[1]])
    assert now.books[0].book.sha256 == results.books[0].book.sha256
    assert list_differences(make_record(results), now) == [
        "known: 40.0% instead of 60.0% of measurable characters lie in a suffix with p_z ≥ 0.5",
        "known: 25.0% instead of 50.0% of windows have p_z ≥ 0.001",
        "known: 20 instead of 30 characters lie in the longest passage at p_z ≥ 0.5",
        "known: 0.79 instead of 0.59 bits per character: the fewer, the better known",
    ]
    assert compare(make_record(results), now, "a.yaml").splitlines()[:2] == [
        "otherwise than a.yaml says:",
        "  known: 40.0% instead of 60.0% of measurable characters lie in a suffix with p_z ≥ 0.5",
    ]


def test_setting_that_the_file_has_lost_is_not_compared(results: Results) -> None:
    then = make_record(results)
    assert not list_differences(dataclasses.replace(then, settings={"top_k": 40}), results)


def test_before_a_repetition_begins_it_is_known_what_was_changed_by_hand(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = make_record(results)
    same: dict[str, Any] = {**VALUES, **then.settings}
    monkeypatch.setenv("BYHEART_COMMIT", then.byheart.commit or "")
    here = Code(version="0.1.0", commit=then.byheart.commit or find_commit())
    known: Record = dataclasses.replace(then, byheart=here)
    assert list_differences_before(known, same) == []
    monkeypatch.setenv("BYHEART_COMMIT", "d" * 40)
    assert list_differences_before(known, same | {"dpi": 20, "bos": "true"}) == [
        f"byheart's commit {'d' * 12} instead of {(here.commit or 'none')[:12]}",
        "bos=true instead of auto", "dpi=20 instead of 300",
    ]  # fmt: skip
