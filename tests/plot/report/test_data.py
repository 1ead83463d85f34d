"""The data of report.html, read back as a stranger reads it, against the windows it was made from."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from byheart.components.plot.report.columns import SLIDER, round_to_float32
from byheart.components.plot.report.data import ReportData
from byheart.components.plot.report.filling import Filled
from byheart.contracts.books import Chapter
from byheart.contracts.only import Span
from byheart.measures.calibration.bands import EXTRACTABLE_LOG_P_Z
from byheart.measures.calibration.stretches import Document, compare
from byheart.measures.control import Control
from byheart.measures.discoverable import STEPS
from byheart.measures.measured import MeasuredBook, measure
from byheart.scores.scores import Scores
from tests.measures import toy
from tests.plot.report.reading import ReadText, read_report

RUN = toy.make_run(prompt_tokens=20, chunk_size=40)
TOKENS = 20
MUCH = 10**9


def make_text(
    name: str, windows: int, *, seed: int = 0, role: str = "book", mean: float = 1.0, **more: Any
) -> MeasuredBook:
    """A text with windows of 20 + 20 tokens of a character, their scores drawn at random."""
    random = np.random.default_rng(seed)
    scale = mean * np.exp(np.sin(np.arange(windows) / 5))
    log_probs = -random.exponential(scale[:, None] / TOKENS, (windows, TOKENS)).astype(np.float32)
    ranks = np.where(log_probs < -mean / TOKENS, random.integers(1, 400, log_probs.shape), 0).astype(np.int32)
    log_p_z = log_probs.sum(axis=1, dtype=np.float64)
    book = toy.make_book(np.exp(log_p_z), name=name, role=role, **more)
    numbers = book.selection.numbers()
    ids = book.windows.token_ids[:, 20:]
    scores = Scores(
        log_p_z=log_p_z[numbers],
        log_p_z_top_k=np.where(ranks.max(axis=1) < 350, log_p_z / 2, -np.inf)[numbers],
        greedy=(ranks == 0).all(axis=1)[numbers],
        token_log_probs=log_probs[numbers],
        token_ranks=ranks[numbers],
        top_token_ids=np.where(ranks[numbers] > 0, ids + 1, ids).astype(np.int32),
        token_log_top_k_mass=log_probs[numbers] / 2,
    )
    scored = np.full(len(book.all_windows), TOKENS, np.int32)
    return measure(
        book.book, dataclasses.replace(book.all_windows, suffix_tokens=scored), book.selection, scores, book.sample,
        book.sample_scores, stride=book.stride,
    )  # fmt: skip


def fill(
    *texts: MeasuredBook,
    control: Control | None = None,
    quoted: Sequence[Span] | None = None,
    pieces: Mapping[int, str] | None = None,
    room: int = MUCH,
) -> Filled:
    data = ReportData(RUN.provenance, pieces)
    for text in texts:
        of_text = None if text.book.role == "control" else control
        comparison = compare(Document.from_measured(text), of_text.documents) if of_text else None
        data.add(text, toy.compute_outcome(text, of_text), comparison, quoted)
    return data.fill([text.book.name for text in texts], room)


def read_text(*texts: MeasuredBook, **more: Any) -> ReadText:
    """The first of the texts, read back."""
    return read_report(fill(*texts, **more).render())[1][texts[0].book.name]


BOOK = make_text("the-book", 60, chapters=(Chapter(title="I </script>", start=3), Chapter(title="II", start=200)))


def test_every_character_has_its_best_window_and_span() -> None:
    read, windows = read_text(BOOK), BOOK.windows
    assert len(read.best) == len(BOOK.book.text)
    for position, index in enumerate(read.best):
        covering = [row for row in range(len(windows)) if windows.suffix_start[row] <= position < windows.stop[row]]
        if index is None:
            assert not covering
            continue
        row = max(covering, key=lambda row: (BOOK.scores.log_p_z[row], -row))
        span = {name: int(getattr(windows, name)[row]) for name in ("start", "suffix_start", "stop")}
        assert {name: read.windows[index][name] for name in ("row", *span)} == {"row": row, **span}
        assert read.windows[index]["log_p_z"] == pytest.approx(BOOK.scores.log_p_z[row], rel=1e-6)


def test_only_windows_that_are_best_over_a_character_travel() -> None:
    read = read_text(BOOK)
    assert sorted({index for index in read.best if index is not None}) == list(range(len(read.windows)))
    assert len(read.windows) < len(BOOK.windows)


def test_scores_of_a_window_are_those_of_the_table() -> None:
    scores, repetition = BOOK.scores, BOOK.repetition
    for window in read_text(BOOK).windows:
        row = window["row"]
        assert window["log_p_z_top_k"] == pytest.approx(scores.log_p_z_top_k[row], abs=6e-4)
        assert window["greedy"] == scores.greedy[row]
        assert window["repetitive"] == repetition.repetitive[row]
        assert window["book_overlap"] / 255 == pytest.approx(repetition.book_overlap[row], abs=1 / 500)


def test_top_k_below_the_plain_score_travels_as_it_is() -> None:
    scores = dataclasses.replace(BOOK.scores, log_p_z_top_k=BOOK.scores.log_p_z * 3)  # a temperature below 1
    for window in read_text(dataclasses.replace(BOOK, scores=scores)).windows:
        assert window["log_p_z_top_k"] == pytest.approx(3 * BOOK.scores.log_p_z[window["row"]], rel=1e-6)


def test_tokens_of_a_window_are_those_of_the_table() -> None:
    pieces = {number: f"‹{number}›" for number in range(1_000)}
    read = read_text(BOOK, pieces=pieces)
    assert sorted(read.details) == list(range(len(read.windows)))
    for index, tokens in read.details.items():
        row = read.windows[index]["row"]
        for token, read_token in enumerate(tokens):
            assert read_token["stop"] == BOOK.windows.token_stops[row, 20 + token]
            log_prob, rank = BOOK.scores.token_log_probs[row, token], BOOK.scores.token_ranks[row, token]
            assert np.cbrt(-read_token["log_prob"] / 30) == pytest.approx(np.cbrt(-log_prob / 30), abs=0.51 / 255)
            assert read_token["rank"] == min(rank, 255)
            top = BOOK.scores.top_token_ids[row, token]
            assert read_token["preferred"] == ("" if rank == 0 else pieces[top])


def test_windows_of_fewer_tokens_have_no_others() -> None:
    """Every window but the first has its own number of tokens; the last one goes to where the window stops."""
    counts = 1 + np.arange(len(BOOK.windows), dtype=np.int32) % TOKENS
    stops = BOOK.windows.token_stops.copy()
    for row, count in enumerate(counts):
        stops[row, 20 + count - 1 :] = BOOK.windows.stop[row]
    windows = dataclasses.replace(BOOK.windows, suffix_tokens=counts, token_stops=stops)
    read = read_text(dataclasses.replace(BOOK, windows=windows))
    assert read.details
    for index, tokens in read.details.items():
        window = read.windows[index]
        assert len(tokens) == counts[window["row"]]
        assert (tokens[0]["start"], tokens[-1]["stop"]) == (window["suffix_start"], window["stop"])


def test_preferred_tokens_do_not_travel_where_their_texts_do_not() -> None:
    filled = fill(BOOK, pieces=None)
    assert filled.head["pieces"] == [""]
    assert {
        token["preferred"]
        for tokens in read_report(filled.render())[1]["the-book"].details.values()
        for token in tokens
    } == {None}


def test_preferred_token_without_a_text_is_empty() -> None:
    assert {token["preferred"] for tokens in read_text(BOOK, pieces={}).details.values() for token in tokens} == {""}


def test_tiles_are_tokens_of_suffixes_that_do_not_overlap() -> None:
    expected, stop, row = [], 0, 0
    while row < len(BOOK.windows):
        for token in range(TOKENS):
            start, after = BOOK.windows.token_stops[row, 19 + token : 21 + token].tolist()
            if token == 0 and start > stop:
                expected.append((stop, start, 2))
            expected.append((start, after, int(BOOK.scores.token_ranks[row, token] > 0)))
        stop = after
        row = next((later for later in range(row, len(BOOK.windows)) if BOOK.windows.suffix_start[later] >= stop), MUCH)
    assert read_text(BOOK).tiles == expected


def test_slip_in_a_part_of_a_character_is_the_characters() -> None:
    stops = BOOK.windows.token_stops.copy()
    stops[:, 25] = stops[:, 24]  # the 5th and the 6th token of each suffix share a character
    ranks = np.zeros_like(BOOK.scores.token_ranks)
    ranks[:, 5] = 1
    windows, scores = (
        dataclasses.replace(BOOK.windows, token_stops=stops),
        dataclasses.replace(BOOK.scores, token_ranks=ranks),
    )
    tiles = read_text(dataclasses.replace(BOOK, windows=windows, scores=scores)).tiles
    assert tiles[:8] == [(0, 20, 2), *((at, at + 1, int(at == 24)) for at in range(20, 25)), (25, 27, 0), (27, 28, 0)]


@pytest.mark.parametrize("seed", range(3))
def test_log_p_z_stays_on_its_side_of_every_step(seed: int) -> None:
    steps = [math.log(p) for p in {*STEPS, *SLIDER}]
    t = -20.000_000_1
    near = np.random.default_rng(seed).normal(0, 1e-7, 200)
    values = np.concatenate([step * (1 + near) for step in [*steps, t]] + [np.array([*steps, t])])
    rounded = round_to_float32(values, [t]).astype(np.float64)
    for step in steps:
        np.testing.assert_array_equal(rounded >= step, values >= step)
    np.testing.assert_array_equal(rounded > t, values > t)
    np.testing.assert_allclose(rounded, values, rtol=1e-6)
    assert (values.astype(np.float32).astype(np.float64) >= steps[0]).tolist() != (values >= steps[0]).tolist()


UNSEEN = make_text("unseen", 40, seed=1, role="control", mean=6.0)


def test_bands_are_by_the_characters_threshold() -> None:
    control = toy.make_control(UNSEEN)
    read = read_text(BOOK, control=control)
    assert read.bands
    bands, best = read.entry["bands"], read.best
    assert not any(window["repetitive"] for window in read.windows)
    names = {(False, False): 1, (False, True): 2, (True, False): 3, (True, True): 4}
    for position, band in enumerate(read.bands):
        index = best[position]
        if index is None:
            assert band == 0
            continue
        log_p_z = read.windows[index]["log_p_z"]
        assert band == names[log_p_z > bands["t"], log_p_z >= EXTRACTABLE_LOG_P_Z]
    assert {1, 4} & {*read.bands}
    assert (bands["controls"], bands["q"], bands["r"], bands["chance"]) == (1, 0.001, 1, 0.5)
    assert bands["chance_whole_book"] >= bands["chance"]
    assert bands["is_spread"] is False


def test_text_without_controls_has_no_bands() -> None:
    read = read_text(BOOK)
    assert (read.bands, read.entry["bands"]) == (None, None)


def test_entry_says_what_is_known_of_the_text() -> None:
    entry = read_text(BOOK).entry
    log_p_z = BOOK.scores.log_p_z
    best = int(np.argmax(log_p_z))
    assert entry["best"]["row"] == best
    assert entry["best"]["log_p_z"] == log_p_z[best]
    assert entry["median_log_p_z"] == sorted(log_p_z)[(len(log_p_z) - 1) // 2]
    assert entry["chapters"] == [[1, "I </script>", 3, 200], [2, "II", 200, len(BOOK.book.text)]]
    assert (entry["windows"], entry["characters"]) == (60, len(BOOK.book.text))
    assert entry["measurable"] == sum(index is not None for index in read_text(BOOK).best)


@pytest.mark.parametrize(("quoted", "shown"), [(None, "all"), ([], "none"), ([(0, 5), (9, 30)], [[0, 5], [9, 30]])])
def test_only_what_may_be_quoted_travels(quoted: Any, shown: Any) -> None:
    spans = None if quoted is None else [Span(start=start, stop=stop) for start, stop in quoted]
    read = read_text(BOOK, quoted=spans)
    assert read.entry["shown"] == shown
    expected = [(0, len(BOOK.book.text))] if quoted is None else quoted
    assert read.shown == {at: BOOK.book.text[at] for span in expected for at in range(*span)}


def test_page_is_filled_with_tokens_from_the_most_probable_window_down() -> None:
    books = [make_text(f"book-{seed}", 400, seed=seed) for seed in range(3)]
    whole = fill(*books)
    room = whole.size // 2
    filled = fill(*books, room=room)
    assert 0.9 * room < filled.size <= room
    assert filled.size == len(filled.render().encode())
    texts = read_report(filled.render())[1].values()
    with_detail = [text.windows[index]["log_p_z"] for text in texts for index in text.details]
    without = [
        window["log_p_z"] for text in texts for index, window in enumerate(text.windows) if index not in text.details
    ]
    assert min(with_detail) >= max(without)


def test_room_goes_to_books_before_controls_and_to_the_best_known_first() -> None:
    texts = [
        make_text("control", 60, seed=1, role="control", mean=0.1),
        make_text("unknown", 60, seed=2, mean=9.0),
        make_text("known", 60, seed=3, mean=0.1),
    ]
    smallest = fill(*texts, room=0)
    assert not smallest.blobs
    assert [text["blobs"] for text in smallest.head["texts"]] == [False, False, False]
    orders = []
    for room in range(smallest.size, smallest.size + 9_000, 450):
        head, texts_read = read_report(fill(*texts, room=room).render())
        assert [text["name"] for text in head["texts"]] == ["control", "unknown", "known"]
        if list(texts_read) not in orders:
            orders.append(list(texts_read))
    assert orders == [[], ["known"], ["unknown", "known"], ["control", "unknown", "known"]]


def test_texts_are_numbered_in_the_order_of_the_page() -> None:
    other = make_text("other", 20, seed=5)
    assert [text["id"] for text in fill(BOOK, other).head["texts"]] == ["t0", "t1"]


def test_part_of_a_book_has_no_best_window_outside() -> None:
    part = make_text("part", 60, asked=[(100, 300)])
    read = read_text(part)
    assert {position for position, index in enumerate(read.best) if index is not None} <= set(range(100, 300))
    assert {window["row"] for window in read.windows} <= set(range(len(part.windows)))


def test_equal_runs_give_equal_data() -> None:
    assert fill(BOOK).render() == fill(BOOK).render()
