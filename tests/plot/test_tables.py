import csv
import dataclasses
import io
import math
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.components.plot.tables import make_control_sample_table, make_passages_table, make_windows_table
from byheart.contracts.books import Chapter
from byheart.measures.measured import MeasuredBook
from byheart.measures.passages import find_all_passages, list_passages
from byheart.measures.provenance import BookProvenance
from tests.measures import toy

CHAPTERS = (Chapter(title="One, “so”", start=10), Chapter(title="Two", start=60))
BOOK = toy.make_book(
    [0.9, 1e-9, 1e-9, 1e-9, 0.8, 0.1, 0.7, 0.6], p_z_top_k=[0.9, 0, 0, 0, 0.8, 0, 0.7, 0.6], chapters=CHAPTERS, sample=8
)
PROVENANCE = toy.compute_outcome(BOOK).statistics.provenance


def read_rows(scheme: str, threshold: str) -> list[dict[str, str]]:
    return [row for row in read_table(BOOK) if (row["scheme"], row["threshold"]) == (scheme, threshold)]


def read_table(book: MeasuredBook) -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(make_passages_table(list_passages(book, find_all_passages(book), math.inf))))
    )


def test_passages_stand_in_the_order_of_the_text_with_their_chapter() -> None:
    first, second = read_rows("plain", "0.5")
    assert (first["start"], first["stop"], first["characters"], first["chapter"]) == ("20", "40", "20", "One, “so”")
    assert (second["start"], second["stop"], second["characters"], second["chapter"]) == ("60", "110", "50", "Two")
    assert (second["windows"], second["weakest_window"], second["longest_consecutive"]) == ("4", "5", "2")
    assert float(second["weakest_log_p_z"]) == np.log(0.1)


def test_passage_before_the_first_chapter_has_no_title() -> None:
    book = toy.make_book([0.9], chapters=(Chapter(title="One", start=30), Chapter(title="Two", start=35)))
    assert {row["chapter"] for row in read_table(book)} == {""}


def test_weakest_window_outside_the_top_k_has_an_empty_field() -> None:
    assert [row["weakest_log_p_z"] for row in read_rows("top_k", "0.5")][1] == ""


def test_passage_says_how_much_of_it_is_repetitive() -> None:
    """The suffix [140, 200) of the second window stands at [340, 400) too; the passage is [140, 300)."""
    text = toy.random_text(500)
    book = toy.make_book(
        [1e-9, 0.9, 0.9, 0.1], stride=100, prompt=40, suffix=100, text=text[:140] + text[340:400] + text[200:]
    )
    assert book.repetition.repetitive.tolist() == [False, True, False, True]
    [row] = [row for row in read_table(book) if (row["scheme"], row["threshold"]) == ("plain", "0.5")]
    assert (row["start"], row["stop"]) == ("140", "340")
    assert float(row["repetitive_share"]) == pytest.approx(0.5), "the suffix of the second window, of two"


def quote_passages(book: MeasuredBook, most_characters: float) -> dict[tuple[int, int], str | None]:
    listed = list_passages(book, find_all_passages(book), most_characters)
    return {(passage.start, passage.stop): passage.text for passage in listed}


def test_passages_have_their_words(tmp_path: Path) -> None:
    """Whatever ends lines elsewhere, and CSV's own signs, stand within a cell."""
    text = 'He said "so, now":\nand\r\nthen\rthere\x0bwas\u2028an\x85end. ' + toy.random_text(100)
    book = toy.make_book([0.9, 0.9, 0.9], prompt=1, stride=20, suffix=20, text=text)
    path = tmp_path / "passages.csv"
    path.write_bytes(make_passages_table(list_passages(book, find_all_passages(book), math.inf)).encode())
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert {(row["start"], row["stop"], row["text"]) for row in found} == {("1", "61", text[1:61])}
    assert pd.read_csv(path, lineterminator="\n")["text"].tolist() == [text[1:61]] * len(found)
    assert path.read_bytes().split(b"\n", 1)[0].endswith(b",text"), "lines end in LF"


def test_words_are_quoted_longest_passage_first_until_the_characters_are_used_up() -> None:
    """At 0.1 and 0.5, suffixes make [20, 40) and [60, 110); at 0.75 [60, 80) stands alone, and is quoted with it."""
    text = BOOK.book.text
    spans = {(20, 40), (60, 110), (60, 80)}
    assert quote_passages(BOOK, math.inf).items() >= {(start, stop): text[start:stop] for start, stop in spans}.items()
    used_up = quote_passages(BOOK, 60)
    assert [used_up[span] for span in ((60, 110), (60, 80), (20, 40))] == [text[60:110], text[60:80], text[20:30]]
    cut = quote_passages(BOOK, 15)
    assert [cut[span] for span in ((60, 110), (60, 80), (20, 40))] == [text[60:75], text[60:75], None]
    assert set(quote_passages(BOOK, 0).values()) == {None}


@given(most=st.integers(0, 150))
def test_no_more_characters_of_the_book_are_quoted_than_asked_for(most: int) -> None:
    quoted = {
        c for (start, _), text in quote_passages(BOOK, most).items() for c in range(start, start + len(text or ""))
    }
    assert len(quoted) == min(most, 20 + 50)


def test_windows_table_without_tokens_has_all_else() -> None:
    whole, without = (
        pq.read_table(io.BytesIO(make_windows_table(BOOK, PROVENANCE, with_tokens=tokens))) for tokens in (True, False)
    )
    assert whole.schema == without.schema
    for name in whole.column_names:
        if name in ("token_ids", "top_token_ids"):
            assert set(np.ravel(without[name].to_pylist())) == {-1}
            assert set(np.ravel(whole[name].to_pylist())) != {-1}
        else:
            assert whole[name] == without[name]


def test_windows_table_holds_every_window_with_its_figures() -> None:
    table = pq.read_table(io.BytesIO(make_windows_table(BOOK, PROVENANCE, with_tokens=True)))
    assert table.num_rows == 8
    assert set(table["book"].to_pylist()) == {"toy"}
    np.testing.assert_array_equal(table["log_p_z"].to_numpy(), BOOK.scores.log_p_z)
    assert set(table["unknown_tokens"].to_pylist()) == {0}
    np.testing.assert_array_equal(table["repetitive"].to_numpy(), BOOK.repetition.repetitive)
    assert msgspec.json.decode(table.schema.metadata[b"byheart"], type=BookProvenance) == PROVENANCE


def test_windows_table_counts_unknown_tokens() -> None:
    unknown = int(BOOK.windows.token_ids[3, 1])
    tokenization = dataclasses.replace(PROVENANCE.tokenization, unknown_id=unknown)
    provenance = dataclasses.replace(PROVENANCE, tokenization=tokenization)
    table = pq.read_table(io.BytesIO(make_windows_table(BOOK, provenance, with_tokens=False)))
    assert table["unknown_tokens"].to_pylist() == [ids.tolist().count(unknown) for ids in BOOK.windows.token_ids]
    assert table["unknown_tokens"].to_pylist()[3] > 0


def test_control_sample_table_says_which_windows_made_each_row() -> None:
    table = pq.read_table(io.BytesIO(make_control_sample_table(BOOK, PROVENANCE)))
    assert table.column_names == ["book", "suffix_window", "prompt_window", "log_p_z", "log_p_z_top_k", "rescored"]
    assert table["suffix_window"].to_pylist() == list(range(8))
    assert table["prompt_window"].to_pylist() == [4, 5, 6, 7, 0, 1, 2, 3]
    assert table["log_p_z"].to_numpy() == pytest.approx(np.full(8, np.log(1e-9)))
