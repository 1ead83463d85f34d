"""Models with different tokenizers on one grid of characters: ideal models of one source of words know equally much."""

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.books import Book
from byheart.contracts.errors import SettingsError
from byheart.contracts.only import Span
from byheart.contracts.selection import choose_control_sample, select_windows
from byheart.contracts.setting_groups import WindowSettings
from byheart.measures.comparison.comparison import compare_models
from byheart.measures.comparison.models import ComparedModel, name_models
from byheart.measures.comparison.pairs import Pair
from byheart.measures.measured import MeasuredBook, measure
from byheart.measures.results import Results
from byheart.scores.scores import Scores
from tests.measures import toy
from tests.measures.comparison.runs import write_run

WINDOW = WindowSettings(
    chunk_size=100, slice_length=600, cursor_inc=23, max_length=0, prompt_tokens=50, bos="false",
    suffix_characters=60, prompt_characters=40,
)  # fmt: skip
TOKENS = {"words": r" ?\w+", "characters": r".", "pairs": r" ?\w+ \w+| ?\w+"}
"""What a token is, by the name of its tokenizer; a pair of words is not cut at the space in it."""


class Source:
    """Words drawn independently; each ends in z and has no other, so that no word begins another."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        letters = ["".join(random.choice(list("abcde"), random.integers(1, 7))) for _ in range(60)]
        self.words = sorted({f"{word}z" for word in letters})
        self.p = dict(zip(self.words, random.dirichlet(np.ones(len(self.words))).tolist(), strict=True))
        self.text = " ".join(random.choice(self.words, 2_000, p=list(self.p.values())))
        entropy = -sum(p * math.log2(p) for p in self.p.values())
        self.bits_per_character = entropy / sum(p * (len(word) + 1) for word, p in self.p.items())

    def log_words(self, start: int, stop: int) -> float:
        """The log-probability of whole words; the space before a word is certain."""
        return sum(math.log(self.p[word]) for word in self.text[start:stop].split())

    def log_characters(self, start: int, stop: int) -> float:
        """The log-probability of characters, each given those of its word before it."""
        total = 0.0
        for at in range(start, stop):
            begun = self.text[self.text.rfind(" ", 0, at) + 1 : at]
            if self.text[at] != " ":
                total += math.log(self._weigh(begun + self.text[at]) / self._weigh(begun))
        return total

    def _weigh(self, begun: str) -> float:
        return sum(p for word, p in self.p.items() if word.startswith(begun))


SOURCE = Source()
IDEAL: dict[str, Callable[[int, int], float]] = {
    "words": SOURCE.log_words, "characters": SOURCE.log_characters, "pairs": SOURCE.log_words,
}  # fmt: skip


def measure_under(name: str, folder: Path) -> MeasuredBook:
    """The text under the ideal model of a tokenizer."""
    backend = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(TOKENS[name]), "isolated")
    folder.mkdir()
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    tokenizer = load_tokenizer(folder)
    windows = slide(SOURCE.text, tokenizer.encode, WINDOW, scored_tokens=0, cuts=tokenizer.cuts)
    log_probs = np.zeros((len(windows), int(windows.suffix_tokens.max())), np.float64)
    for row in range(len(windows)):
        first = windows.prompt_tokens[row]
        stops = windows.token_stops[row, first - 1 : first + windows.suffix_tokens[row]].tolist()
        log_probs[row, : len(stops) - 1] = [IDEAL[name](*span) for span in itertools.pairwise(stops)]
    scores = Scores(
        log_p_z=log_probs.sum(axis=1),
        log_p_z_top_k=log_probs.sum(axis=1),
        greedy=np.zeros(len(windows), bool),
        token_log_probs=log_probs.astype(np.float32),
        token_ranks=np.zeros(log_probs.shape, np.int32),
        top_token_ids=np.zeros(log_probs.shape, np.int32),
        token_log_top_k_mass=np.zeros(log_probs.shape, np.float32),
    )
    selection = select_windows(windows, [Span(start=0, stop=len(SOURCE.text))])
    book = Book(name="drawn", source="drawn.txt", text=SOURCE.text)
    return measure(
        book, windows, selection, scores, choose_control_sample(windows, 0), scores.rows(slice(0)),
        stride=WINDOW.cursor_inc,
    )  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MeasuredBook]:
    folder = tmp_path_factory.mktemp("tokenizers")
    return {name: measure_under(name, folder / name) for name in TOKENS}


@pytest.fixture(scope="module")
def compared(measured: dict[str, MeasuredBook], tmp_path_factory: pytest.TempPathFactory) -> list[ComparedModel]:
    folder = tmp_path_factory.mktemp("results")
    on_grid = {"suffix_characters": 60, "prompt_characters": 40, "slice_length": 600, "cursor_inc": 23}
    folders = [write_run(folder / name, [measured[name]], tokenizer=name[0], **on_grid) for name in TOKENS]
    return name_models([Results.open(address) for address in folders], folders)


def list_pairs(models: list[ComparedModel]) -> dict[tuple[str, str], Pair]:
    (text,) = compare_models(models).texts
    return {(pair.second, pair.first): pair for pair in text.pairs}


def test_ideal_models_need_the_bits_of_their_source(measured: dict[str, MeasuredBook]) -> None:
    bits = {name: toy.compute_numbers(book).headline.bits for name, book in measured.items()}
    assert bits["words"] == pytest.approx(bits["characters"], rel=1e-6)
    assert bits["words"] == pytest.approx(SOURCE.bits_per_character, rel=0.03)


def test_windows_that_both_tokenizers_cut_differ_in_nothing(compared: list[ComparedModel]) -> None:
    pairs = list_pairs(compared)
    pair = pairs["words", "characters"]
    assert pair.has_same_windows
    assert pair.paired.share is not None
    assert pair.paired.share > 0.98, "all but the last"
    for found in pairs.values():
        assert found.delta
        assert found.bits
        assert max(map(abs, found.delta.quantiles.values())) < 1e-9
        assert abs(found.bits.value) < 1e-9
        assert {at.overlap.first_only + at.overlap.second_only for at in found.at} == {0}


def test_windows_that_one_of_them_does_not_cut_are_left_out(
    measured: dict[str, MeasuredBook], compared: list[ComparedModel]
) -> None:
    words, couples = measured["words"], measured["pairs"]
    spills = couples.windows.spill > 0
    assert 0.5 < spills.mean() < 0.9
    assert couples.windows.flagged[spills].all()
    _, rows, others = np.intersect1d(words.windows.start, couples.windows.start, return_indices=True)
    delta = words.scores.log_p_z[rows] - couples.scores.log_p_z[others]
    differ = np.abs(delta) > 1e-9
    assert differ.mean() > 0.3, "with their spill, windows are of other words"
    assert couples.windows.flagged[others][differ].all()
    paired = list_pairs(compared)["words", "pairs"].paired
    kept = ~words.windows.flagged[rows] & ~couples.windows.flagged[others]
    assert paired.windows == kept.sum()
    assert paired.of == max(len(words.windows), len(couples.windows))


def test_model_against_itself_knows_the_same(compared: list[ComparedModel]) -> None:
    (pair,) = list_pairs([compared[0], ComparedModel(name="again", results=compared[0].results)]).values()
    assert pair.delta
    assert set(pair.delta.quantiles.values()) == {0}
    known = [at for at in pair.at if at.overlap.jaccard is not None]
    assert all(at.overlap.jaccard == 1 for at in known)


def test_windows_of_tokens_are_refused_beside_windows_of_characters(
    compared: list[ComparedModel], tmp_path: Path
) -> None:
    address = write_run(tmp_path / "plain", [toy.make_book([0.9] * 4, text=SOURCE.text)])
    plain = ComparedModel(name="plain", results=Results.open(address))
    with pytest.raises(
        SettingsError, match=r"found 50 \+ 50 tokens of plain and 40 \+ 60 characters of words: measure"
    ):
        compare_models([compared[0], plain])
    with pytest.raises(SettingsError, match="plain with suffix_characters=60 too, or leave one of them out"):
        compare_models(compared[:2], reference=plain)
