from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart.contracts.windows import Windows
from byheart.measures.repetition import (
    NGRAM_TOKENS,
    REPEATED_CHARACTERS,
    Repetition,
    find_repeated_characters,
    measure_repetition,
)
from tests.measures import toy

SOAP = (Path(__file__).parents[2] / "samples" / "the-soap-winter.txt").read_text(encoding="utf-8")
RUSSIAN = (
    "К вечеру ветер стих, и над рекой поднялся туман. Паромщик сидел на перевёрнутой лодке, курил и смотрел, как на "
    "том берегу зажигают огни. Он знал каждое окно: вот мельница, вот дом вдовы, вот школа, где давно уже никто не "
    "учится. Мальчик принёс ему хлеба и соли, но уходить не спешил, потому что дома его ждала только старая собака "
    "да немытая посуда. «Расскажи про лёд», — попросил он наконец, и старик, помолчав, начал с того года, когда "
    "погибла мать."
)
GREEK = (
    "Το πρωί ο γέρος κατέβηκε στο λιμάνι με άδειο καλάθι και βρήκε τη θάλασσα ήσυχη σαν λάδι. Κανένας δεν μιλούσε. "
    "Οι ψαράδες μάζευαν τα δίχτυα, μετρούσαν τις τρύπες και κουνούσαν το κεφάλι, γιατί ο χειμώνας είχε αργήσει κι "
    "εκείνη τη χρονιά. Μια γυναίκα φώναξε από το μπαλκόνι το όνομα του παιδιού της τρεις φορές, ύστερα έκλεισε τα "
    "παντζούρια. Εκείνος κάθισε πάνω στην πέτρα, έβγαλε το ψωμί από την τσέπη του και περίμενε να γυρίσει το καΐκι."
)
PROMPT, SUFFIX = 200, 200
"""Characters, about as many as 50 + 50 tokens of prose have."""


def find_by_loop(text: str) -> list[bool]:
    """A comparison of every run of 32 characters with every other run."""
    spaced = "".join(" " if character.isspace() else character for character in text)
    runs = [spaced[start : start + REPEATED_CHARACTERS] for start in range(len(text) - REPEATED_CHARACTERS + 1)]
    repeated = [False] * len(text)
    for start, run in enumerate(runs):
        if runs.count(run) > 1:
            repeated[start : start + REPEATED_CHARACTERS] = [True] * REPEATED_CHARACTERS
    return repeated


def compute_overlap(prompt: list[int], suffix: list[int]) -> float:
    """The prompt overlap of a window of these tokens, a character each."""
    windows = toy.make_windows(1, prompt=len(prompt), suffix=len(suffix))
    windows.token_ids[0] = prompt + suffix
    text = toy.random_text(len(prompt) + len(suffix))
    return float(measure_repetition(text, windows).prompt_overlap[0])


def measure_text(text: str, *, stride: int = 50) -> tuple[Windows, Repetition]:
    """Windows of 200 + 200 characters; each character is a token, but no two are the same."""
    count = (len(text) - PROMPT - SUFFIX) // stride + 1
    windows = toy.make_windows(count, stride=stride, prompt=PROMPT, suffix=SUFFIX)
    return windows, measure_repetition(text, windows)


@given(st.integers(0, 300), st.integers(1, 3), st.integers(0, 2**32 - 1), st.data())
def test_repeated_characters_are_those_of_a_naive_search(
    length: int, letters: int, seed: int, data: st.DataObject
) -> None:
    """Random letters of a small alphabet, with a piece of them copied to another position."""
    random = np.random.default_rng(seed)
    text = "".join(random.choice(list("a\n\U0001f9fc"[:letters]), length))
    if length:
        start, to = data.draw(st.integers(0, length - 1)), data.draw(st.integers(0, length - 1))
        text = text[:to] + text[start : start + data.draw(st.integers(0, 80))] + text[to:]
    assert find_repeated_characters(text).tolist() == find_by_loop(text)


@pytest.mark.parametrize(("length", "repeated"), [(31, 0), (32, 64), (33, 66), (60, 120)])
def test_copy_counts_from_thirty_two_characters_on(length: int, repeated: int) -> None:
    text = toy.random_text(400)
    copied = f"{text[:200]}|{text[50 : 50 + length]}|{text[200:]}"
    assert find_repeated_characters(copied).sum() == repeated
    if repeated:
        positions = np.flatnonzero(find_repeated_characters(copied))
        assert positions.tolist() == [*range(50, 50 + length), *range(201, 201 + length)]


def test_all_white_space_is_the_same() -> None:
    line = "the river keeps the tally of the lamps"
    other = line.replace(" ", "\n", 3).replace(" ", "\u00a0", 2).replace(" ", "\u3000", 1)
    assert other != line
    assert find_repeated_characters(f"{line}. {other}!").sum() == 2 * len(line)


@given(
    prompt=st.lists(st.integers(0, 3) | st.just(2**21 - 1), min_size=1, max_size=15),
    suffix=st.lists(st.integers(0, 3) | st.just(2**21 - 1), min_size=1, max_size=15),
)
def test_prompt_overlap_is_that_of_a_naive_loop(prompt: list[int], suffix: list[int]) -> None:
    in_prompt = {tuple(prompt[i : i + NGRAM_TOKENS]) for i in range(len(prompt) - NGRAM_TOKENS + 1)}
    asked = [tuple(suffix[i : i + NGRAM_TOKENS]) for i in range(len(suffix) - NGRAM_TOKENS + 1)]
    expected = sum(ngram in in_prompt for ngram in asked) / len(asked) if asked and in_prompt else 0.0
    assert compute_overlap(prompt, suffix) == pytest.approx(expected, abs=1e-7)


def test_trigrams_of_large_ids_are_told_apart() -> None:
    """Up to 21 bits: no two of these make the same number."""
    for bit in range(21):
        first, second = [2**bit, 0, 0], [0, 1, 0]
        assert compute_overlap(first, second) == compute_overlap(second[::-1], first) == 0
        assert compute_overlap(first, first) == 1
    highest = 2**21 - 1
    assert compute_overlap([highest] * 3, [highest] * 3) == 1
    assert compute_overlap([highest] * 3, [highest, highest, highest - 1]) == 0


def test_prompt_overlap_is_each_windows_own() -> None:
    """More windows than are processed at once; the prompt of a window does not count for other windows."""
    random = np.random.default_rng(0)
    count, prompt, suffix = 9_000, 6, 5
    windows = toy.make_windows(count, stride=1, prompt=prompt, suffix=suffix)
    windows.token_ids[:] = random.integers(0, 2, windows.token_ids.shape)
    overlap = measure_repetition(toy.random_text(count + 20), windows).prompt_overlap
    for window in (0, 1, 4_000, 8_191, 8_192, 8_999):
        ids = windows.token_ids[window].tolist()
        in_prompt = {tuple(ids[i : i + 3]) for i in range(prompt - 2)}
        expected = np.mean([tuple(ids[i : i + 3]) in in_prompt for i in range(prompt, prompt + suffix - 2)])
        assert overlap[window] == pytest.approx(expected)


def test_prompt_overlap_of_windows_of_different_tokens_is_that_of_each_alone() -> None:
    random = np.random.default_rng(0)
    windows = toy.make_windows(300, stride=1, prompt=9, suffix=8)
    windows.token_ids[:] = random.integers(0, 2, windows.token_ids.shape)
    windows.prompt_tokens[:] = random.integers(1, 10, 300)
    windows.suffix_tokens[:] = random.integers(1, 9, 300)
    overlap = measure_repetition(toy.random_text(400), windows).prompt_overlap
    for window in range(300):
        prompt, suffix = windows.prompt_tokens[window], windows.suffix_tokens[window]
        ids = windows.token_ids[window, : prompt + suffix].tolist()
        assert overlap[window] == pytest.approx(compute_overlap(ids[:prompt], ids[prompt:]))


def test_tokens_that_are_not_scored_are_no_suffix() -> None:
    """Five of prompt, five scored, and a last one that max_length cuts off."""
    windows = toy.make_windows(1, prompt=5, suffix=6)
    windows.suffix_tokens[:] = 5
    windows.token_ids[0] = [1, 2, 3, 4, 5, 7, 8, 1, 2, 9, 3]
    cut = measure_repetition(toy.random_text(12), windows).prompt_overlap[0]
    windows.token_ids[0] = [1, 2, 3, 4, 5, 7, 8, 1, 2, 3, 3]
    overlap = measure_repetition(toy.random_text(12), windows).prompt_overlap[0]
    assert (cut, overlap) == (0, pytest.approx(1 / 3))


def test_book_overlap_is_the_share_of_the_suffix_that_is_repeated() -> None:
    letters = toy.random_text(1_000)
    text = f"{letters[:299]}|{letters[300:400]}|{letters[401:]}{letters[300:400]}"
    windows, repetition = measure_text(text)
    repeated = find_by_loop(text)
    for window, share in enumerate(repetition.book_overlap):
        suffix = repeated[windows.suffix_start[window] : windows.stop[window]]
        assert share == pytest.approx(sum(suffix) / len(suffix))
    assert repetition.book_overlap.max() == 0.5
    assert repetition.repetitive.tolist() == (repetition.book_overlap >= 0.5).tolist()


@pytest.mark.parametrize(
    "text",
    ["la " * 400, "".join(f"{number}. item\n" for number in range(1, 120)), "." * 1_000, "He said no. " * 100],
    ids=["syllable", "list", "dots", "sentence"],
)
def test_little_is_left_of_what_repeats_itself(text: str) -> None:
    _, repetition = measure_text(text)
    assert repetition.compressed_bytes_per_character.max() < 0.4
    assert repetition.repetitive.all()


def test_prose_is_not_repetitive() -> None:
    """But for the refrain, which stands in five chapters."""
    _, repetition = measure_text(SOAP)
    assert repetition.compressed_bytes_per_character.min() > 0.5
    elsewhere = repetition.book_overlap < 0.5
    assert elsewhere.mean() > 0.9
    assert not repetition.repetitive[elsewhere].any()


@pytest.mark.parametrize("text", [RUSSIAN, GREEK], ids=["russian", "greek"])
def test_prose_in_another_script_is_not_repetitive(text: str) -> None:
    _, repetition = measure_text(text, stride=5)
    assert repetition.compressed_bytes_per_character.min() > 0.5
    assert not repetition.repetitive.any()


def test_compressed_size_is_of_the_suffix_alone() -> None:
    """A prompt of dots makes no suffix of prose repetitive, nor the other way round."""
    prose = SOAP[1_000:1_200]
    _, [repetition, other] = zip(*(measure_text(text) for text in ("." * 200 + prose, prose + "." * 200)), strict=True)
    assert repetition.compressed_bytes_per_character[0] > 0.5
    assert other.compressed_bytes_per_character[0] < 0.1


def test_book_without_windows_has_no_figures() -> None:
    repetition = measure_repetition("short", toy.make_windows(0))
    assert [len(values) for values in repetition.columns().values()] == [0, 0, 0, 0]
    assert list(repetition.columns()) == [
        "prompt_overlap", "book_overlap", "compressed_bytes_per_character", "repetitive",
    ]  # fmt: skip
