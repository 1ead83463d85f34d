"""What the paragraph says, held against the run that it is about."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from byheart.components.plot.methods import write_methods
from byheart.contracts.books import Chapter, Origin
from byheart.contracts.model import AdapterIdentity
from byheart.measures.headline import list_figures
from tests.measures import toy

CHAPTERS = tuple(Chapter(title=str(start), start=start) for start in range(0, 300_000, 30_000))
BOOK = toy.compute_outcome(
    toy.make_book(
        np.exp(-np.random.default_rng(0).exponential(4, 300)), name="the-book", chapters=CHAPTERS, stride=1_000
    )
)
CONTROL = toy.compute_outcome(toy.make_book([1e-9] * 20, name="unseen", role="control"))
EMPTY = toy.compute_outcome(toy.make_book([], characters=30, name="empty"))


def write_text(books: tuple[Any, ...] = (BOOK,), **settings: Any) -> str:
    text = write_methods(toy.make_run(**settings), books)
    assert not re.search(r"\{[{%#]|[%#}]\}", text), "every brace is rendered"
    assert "None" not in text
    assert "nan" not in text
    return text


def test_settings_of_the_run_stand_in_the_text() -> None:
    text = write_text(cursor_inc=7, slice_length=1_234, chunk_size=90, prompt_tokens=40, temperature=0.7, top_k=25)
    for phrase in (
        "model (1,488,192 parameters, llama architecture)",
        "in steps of 7 characters",
        "the next 1,234 characters",
        "first 90 tokens",
        "The first 40 tokens were the prompt",
        "exactly the next 50, at temperature 1",
        "at temperature 0.7 over the 25 most probable tokens (top-k)",
        "Weights and arithmetic were float32",
        "only a comparison with controls can, and none was made.",
        "for other texts made of such blocks",
        "Of the measured text, shares are exact.",
        "Blocks are runs of at least 10,000 characters",
        "at least 5 blocks' worth of hits and of misses",
        "cpu with jax 0.10.2",
        "tokenizers 0.22.0",
        "weights: " + "w" * 64,
        "tokenizer: " + "t" * 64,
    ):
        assert phrase in text, phrase


def test_whole_vocabulary_is_no_top_k() -> None:
    text = write_text(top_k=0)
    assert "at temperature 1 over the whole vocabulary. Weights" in text
    assert "top-k" not in text


def test_bos_is_said_as_it_was_fed() -> None:
    assert "No beginning-of-sequence token was fed." in write_text()
    assert "The beginning-of-sequence token (id 2) was fed before each window." in write_text(bos_id=2)


@pytest.mark.parametrize("preset", ["paper", "marin"])
def test_preset_is_named(preset: str) -> None:
    assert f"the preset “{preset}”" in write_text(preset=preset)
    assert "preset" not in write_text()


def test_controls_are_named_where_there_are_some() -> None:
    assert "as controls" not in write_text()
    text = write_text((BOOK, CONTROL))
    assert "measured in the same way as controls" in text
    assert "t of p_z is the largest, over the controls, of the p_z that 0.1% of a control's windows exceed" in text
    assert "none was made" not in text
    assert "the largest but 1, over the controls, of the p_z that 2%" in write_text(
        (BOOK, CONTROL), band_share=0.02, band_rank=2
    )
    assert "**unseen** (control)" in text


def test_control_sample_is_named_where_there_is_one() -> None:
    assert "under prompts from elsewhere" not in write_text()
    sampled = toy.compute_outcome(toy.make_book([0.9] * 4 + [1e-9] * 4, sample=8))
    text = write_text((sampled,), control_sample=1_200)
    assert "Some suffixes of each text were also scored under prompts from elsewhere" in text
    assert "Of 8 suffixes, 50.0% had p_z ≥ 0.001 under their own prompt and 0.0% (≤ 65.8%) under another." in text
    assert "p_z does not fall in the median" in text, "of four that fall and four that do not, the lower middle"


def test_results_are_those_of_the_statistics() -> None:
    text = write_text()
    headline, coverage = BOOK.statistics.headline, BOOK.statistics.plain.coverage_at.suffix[0.5]
    low, high = coverage.interval or (None, None)
    assert f"{headline.coverage:.1%} of measurable characters" in text
    assert f"95% interval for other such texts {low:.1%} to {high:.1%});" in text
    assert f"p_z ≥ 0.5 ({list_figures(BOOK.statistics)[0].beside}; 95% interval" in text
    assert f"{headline.windows:.1%} of windows have p_z ≥ 0.001" in text
    assert f"; {headline.longest:,} characters lie in the longest passage at p_z ≥ 0.5;" in text
    assert f"; {headline.bits:.2f} bits per character: the fewer, the better known." in text
    size = f"{BOOK.book.characters:,} characters, 300 windows"
    assert f"{size} (cursors without one: 3 at the tail, 1 inside), blocks: 10 (chapters)." in text
    assert BOOK.book.sha256 in text


def test_what_was_done_to_a_text_is_said() -> None:
    origin = Origin(
        file_bytes=9, file_sha256=BOOK.book.sha256, encoding="utf-8", gutenberg="none", cut_front=0, cut_back=0,
        joined_lines=0,
    )  # fmt: skip

    def write_with(**changes: Any) -> str:
        book = toy.change_description(BOOK, title="A Title", origin=dataclasses.replace(origin, **changes))
        return write_text((book,)).partition("## Results")[2]

    untouched = write_with()
    assert "**A Title**" in untouched
    assert not any(word in untouched for word in ("Gutenberg", "line breaks", "of the file"))
    assert "Gutenberg's header and footer were measured too." in write_with(gutenberg="kept")
    cut = write_with(gutenberg="cut", cut_front=1_200, cut_back=18_000, joined_lines=3_456, file_sha256="f" * 64)
    assert "Gutenberg's header and footer were cut (1,200 and 18,000 characters)." in cut
    assert "3,456 line breaks that hard-wrapped its paragraphs were made spaces." in cut
    assert f"of the file: {'f' * 64}." in cut


def test_commit_of_a_model_on_the_hub_is_said() -> None:
    run = toy.make_run()
    model = dataclasses.replace(run.model, commit="c" * 40)
    hub = dataclasses.replace(run, provenance=dataclasses.replace(run.provenance, model=model))
    assert f"samples/model (commit {'c' * 40}, 1,488,192 parameters" in write_methods(hub, [BOOK])
    assert "(1,488,192 parameters" in write_text()


def test_book_of_few_blocks_has_no_interval_and_one_without_windows_no_share() -> None:
    results = write_text((CONTROL,)).partition("## Results")[2]
    assert "95% interval" not in results
    assert "p_z ≥ 0.5 (at most 43.4%, as none of 5 separate windows does; no interval: the text is shorter" in results
    assert "no share of measurable characters" in write_text((EMPTY,))


def test_paragraphs_are_lines() -> None:
    """Ready to be pasted: no line breaks but between paragraphs, headings and items."""
    lines = write_text((BOOK, CONTROL)).splitlines()
    assert "  " not in "".join(line for line in lines if not line.startswith(" "))
    body = [line for line in lines if line and not line.startswith(("#", "- "))]
    assert len(body) == 3
    assert all(line.endswith(".") for line in body)
    assert [line for line in lines if line.startswith("#")] == ["# Methods", "## Results", "## References"]


def test_release_and_commit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYHEART_COMMIT", "abc123")
    assert "byheart 0.1.0 (commit abc123) on" in write_text()
    monkeypatch.delenv("BYHEART_COMMIT")
    assert "byheart 0.1.0 on" in write_text()


def test_selection_is_described_for_each_text() -> None:
    assert "were selected" not in write_text()
    assert "evenly spread" not in write_text()
    part = toy.compute_outcome(toy.make_book([0.9] * 30, asked=[(100, 200)], name="part"))
    text = write_text((part, CONTROL), only="2")
    assert "Of each text that is no control only some windows were selected (chapters 2)" in text
    assert "All shares are of these windows and characters." in text
    assert "only 9 of the book's 30 windows were measured: those in characters 100 to 200 (chapter 2)" in text
    look = toy.compute_outcome(toy.make_book([0.9] * 3_000, asked=[(100, 20_000)], most=1_200, name="look"))
    text = write_text((look,), only="100:20000", windows=1_200)
    assert "Of each text only some windows were selected (characters 100:20000)" in text
    assert "Of these windows at most 1,200 of each text were measured, evenly spread" in text
    assert "only 1,200 of the book's 3,000 windows were measured, evenly spread over characters 100 to 20,000" in text


@pytest.mark.parametrize(("base", "commit"), [("org/base", "c" * 40), ("/home/somebody/base", None)])
def test_adapter_is_named_with_its_base_and_no_path_of_a_machine(base: str, commit: str | None) -> None:
    run = toy.make_run()
    adapter = AdapterIdentity(title="LoRA of rank 8", sha256="a" * 64, base=base, base_commit=commit)
    model = dataclasses.replace(run.provenance.model, adapter=adapter)
    run = dataclasses.replace(run, provenance=dataclasses.replace(run.provenance, model=model))
    named = f"org/base, commit {'c' * 40}" if commit else "base"
    said = write_methods(run, (BOOK,))
    assert f"(a LoRA of rank 8 (Hu et al. 2021) with SHA-256 {'a' * 64}, merged in float32 into {named}; 1,488" in said
    assert "somebody" not in said
