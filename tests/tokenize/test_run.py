import dataclasses
import json
import math
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from byheart.components.tokenize.run import run
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.contracts.books import Book, Chapter, read_refused, write_books
from byheart.contracts.errors import BookError, ModelError, SettingsError
from byheart.contracts.model import Model, write_model
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import has_windows, read_selection, read_tokenization, read_windows
from tests.contracts.test_settings import DEFAULTS
from tests.tokenize.toy_tokenizers import TEXT, build, build_words

_WORDS = ["The", " ferryman", "ferryman", "yman", " did", " not", " answer", " her", "wer", "her", "."]
_FERRYMAN = Book(name="ferryman", source="shelf/ferryman.txt", text="The ferryman did not answer her.")
_PARAMETERS = {**DEFAULTS, "chunk_size": 3, "slice_length": 20, "cursor_inc": 4, "prompt_tokens": 2}
_CONFIG = json.loads("""{
    "model_type": "llama", "hidden_act": "silu", "vocab_size": 500, "max_position_embeddings": 64,
    "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2
}""")

_PROSE = " ".join(TEXT.split("日")[0].split())
_RARE = "ﷺ𝔄ﬀ" * 60
"""No space, and several tokens a character."""

Stage = Callable[..., Path]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Runs the stage on a model folder, with settings other than the defaults above; gives the folder of windows."""

    def run_stage(folder: Path, *books: Book, **parameters: Any) -> Path:
        save_file({"model.norm.weight": np.ones(8, np.float32)}, folder / "model.safetensors")
        if not (folder / "config.json").exists():
            _write_config(folder)
        write_books(tmp_path / "books", list(books))
        model = Model(
            source="toy",
            commit=None,
            address=str(folder),
            model_type="llama",
            parameters=8,
            weights_sha256="0",
            files={},
        )
        write_model(tmp_path / "model.json", model)
        Settings.from_parameters(_PARAMETERS | parameters).write(tmp_path / "settings.json")
        inputs = {name: str(tmp_path / name) for name in ("books", "windows")}
        run(**inputs, model=str(tmp_path / "model.json"), settings=str(tmp_path / "settings.json"))
        return tmp_path / "windows"

    return run_stage


@pytest.fixture
def words(tmp_path: Path) -> Path:
    return build_words(_WORDS, tmp_path / "model")


@pytest.fixture
def gpt2(tmp_path: Path) -> Path:
    return build("gpt2", tmp_path / "model")


def test_windows_of_every_book_read_back(stage: Stage, words: Path) -> None:
    fragment = Book(name="fragment", source="shelf/fragment.txt", text="ferryman did not")
    folder = stage(words, _FERRYMAN, fragment)
    windows = read_windows(folder, "ferryman")
    assert windows.cursor.tolist() == windows.start.tolist() == [0, 4, 8, 12, 16, 20, 24]
    assert windows.suffix_start.tolist() == [12, 16, 16, 20, 27, 31, 31]
    assert windows.stop.tolist() == [16, 20, 20, 27, 31, 32, 32]
    assert windows.token_ids[0].tolist() == [1, 2, 5]
    assert windows.token_stops[0].tolist() == [3, 12, 16]
    assert (windows.dropped_tail, windows.dropped_inside) == (1, 0)
    windows = read_windows(folder, "fragment")
    # cursor 0 [ferryman][ did][ not], 4 [yman][ did][ not]; 8 [ did][ not] and 12 [ not] are too short
    assert windows.token_ids.tolist() == [[3, 5, 6], [4, 5, 6]]
    assert (windows.dropped_tail, windows.dropped_inside) == (2, 0)
    assert {file.name for file in folder.iterdir()} == {
        "manifest.json",
        "pieces.json",
        *(f"{name}{end}" for name in ("ferryman", "fragment") for end in (".parquet", ".selection.json")),
    }


def test_tokenization_is_recorded(stage: Stage, words: Path) -> None:
    tokenization = read_tokenization(stage(words, _FERRYMAN))
    assert tokenization.tokenizer_sha256 == load_tokenizer(words).sha256
    assert tokenization.tokenizers == version("tokenizers")
    assert tokenization.scored_tokens == 1


def test_story_tells_the_windows_and_what_was_dropped(
    stage: Stage, words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage(words, _FERRYMAN)
    said = capsys.readouterr().out
    assert "7 windows; 1 cursors at a book's tail and 0 inside have none" in said
    assert "8 / 8 slices" in said


def test_story_tells_where_text_is_not_shared(stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "this tokenizer is not known to cut safely: each slice is tokenized on its own"
    stage(build_words(_WORDS, tmp_path / "words"), _FERRYMAN)
    assert line in capsys.readouterr().out
    stage(build("gpt2", tmp_path / "gpt2"), _FERRYMAN)
    assert line not in capsys.readouterr().out


@pytest.mark.parametrize(("bos", "bos_id"), [("auto", None), ("false", None), ("true", 0)])
def test_bos_id_is_recorded_where_one_is_fed(stage: Stage, gpt2: Path, bos: str, bos_id: int | None) -> None:
    book = Book(name="text", source="text.txt", text=TEXT)
    # 5 positions: 2 of prompt and 3 of suffix, or the BOS, 2 and 2
    folder = stage(gpt2, book, chunk_size=8, cursor_inc=50, max_length=5, bos=bos)
    tokenization = read_tokenization(folder)
    assert tokenization.bos_id == bos_id
    assert tokenization.scored_tokens == (3 if bos_id is None else 2)
    windows = read_windows(folder, "text")
    assert windows.stop.tolist() == windows.token_stops[:, 1 + tokenization.scored_tokens].tolist()
    assert 0 not in windows.token_ids


def test_part_is_the_windows_whose_suffix_lies_in_it_of_all_that_are_written(
    stage: Stage, words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Suffixes are [12, 16), [16, 20) twice, [20, 27), [27, 31), [31, 32) twice."""
    control = dataclasses.replace(_FERRYMAN, name="control", role="control")
    folder = stage(words, _FERRYMAN, control, only="13:31")
    assert read_selection(folder, "ferryman").numbers().tolist() == [1, 2, 3, 4]
    assert read_selection(folder, "control").numbers().tolist() == list(range(7))
    assert len(read_windows(folder, "ferryman")) == 7
    assert "14 windows, of which 11 are asked for" in capsys.readouterr().out
    folder = stage(words, _FERRYMAN, control, only="13:31", windows=2)
    assert read_selection(folder, "ferryman").numbers().tolist() == [2, 4]
    assert read_selection(folder, "control").numbers().tolist() == [1, 5]


def test_part_without_a_window_is_refused_and_others_go_on(
    stage: Stage, words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chapters = (Chapter(title="1", start=0), Chapter(title="2", start=22))
    other = dataclasses.replace(_FERRYMAN, name="other", source="other.txt", chapters=chapters)
    short = dataclasses.replace(
        other, name="short", source="short.txt", chapters=(chapters[0], Chapter(title="2", start=3))
    )
    folder = stage(words, other, short, only="1")
    assert has_windows(folder, "other")
    (refused,) = read_refused(folder)
    assert refused.why == (
        "short.txt must have a window whose suffix lies in the 3 characters that only=1 asks for, found none of its 7 "
        "windows there: ask for more"
    )
    assert f"not measured: {refused.why}" in capsys.readouterr().out
    with pytest.raises(BookError, match="found none of its 7 windows there"):
        stage(words, _FERRYMAN, only="0:12")


def test_book_too_short_for_a_window_is_refused_by_its_source_and_others_go_on(
    stage: Stage, words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = Book(name="stub", source="shelf/the stub (1).txt", text="The ferryman")
    folder = stage(words, stub, _FERRYMAN)
    (refused,) = read_refused(folder)
    assert (refused.source, refused.role) == (stub.source, "book")
    assert refused.why.startswith("shelf/the stub (1).txt must be long enough for one window of 3 tokens, found 12 ")
    assert f"not measured: {refused.why}" in capsys.readouterr().out
    assert len(read_windows(folder, "ferryman")) == 7
    assert [path.name for path in folder.glob("*.parquet")] == ["ferryman.parquet"]


def test_run_in_which_every_book_is_too_short_ends_there(stage: Stage, words: Path) -> None:
    control = dataclasses.replace(_FERRYMAN, name="control", role="control")
    stubs = [Book(name=name, source=f"shelf/{name}.txt", text="The ferryman") for name in "abcde"]
    with pytest.raises(BookError, match=r"^shelf/a.txt must be long enough"):
        stage(words, control, stubs[0])
    with pytest.raises(BookError, match=r"found 5 that cannot be measured: shelf/a.txt .*shelf/c.txt .*; and 2 more$"):
        stage(words, control, *stubs)


def test_id_beyond_the_models_vocabulary_is_refused(stage: Stage, words: Path) -> None:
    _write_config(words, vocab_size=len(_WORDS))  # the ids 0 to 10; "." is 11
    with pytest.raises(ModelError, match=r"ids stay below vocab_size=11, found id 11"):
        stage(words, _FERRYMAN)


def test_ids_up_to_the_models_vocabulary_are_taken(stage: Stage, words: Path) -> None:
    _write_config(words, vocab_size=len(_WORDS) + 1)
    assert read_windows(stage(words, _FERRYMAN), "ferryman").token_ids.max() == 11


@pytest.mark.parametrize(("bos", "positions"), [("false", 7), ("true", 8)])
def test_input_longer_than_the_models_positions_is_refused(stage: Stage, gpt2: Path, bos: str, positions: int) -> None:
    book = Book(name="text", source="text.txt", text=TEXT)
    _write_config(gpt2, max_position_embeddings=positions)
    assert len(read_windows(stage(gpt2, book, chunk_size=8, bos=bos), "text")) > 0  # the last token is not fed
    _write_config(gpt2, max_position_embeddings=positions - 1)
    with pytest.raises(SettingsError, match=f"{positions - 1} positions, found {positions} fed.*max_length"):
        stage(gpt2, book, chunk_size=8, bos=bos)


def test_windows_of_characters_are_padded_to_the_longest_and_must_fit_the_models_positions(
    stage: Stage, gpt2: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = [Book(name=name, source=f"{name}.txt", text=text) for name, text in (("prose", _PROSE), ("rare", _RARE))]
    characters = {"suffix_characters": 40, "prompt_characters": 30, "slice_length": 400}
    _write_config(gpt2, max_position_embeddings=1_000)
    folder = stage(gpt2, *books, **characters)
    tokenization = read_tokenization(folder)
    longest = {book.name: read_windows(folder, book.name) for book in books}
    for name in ("prompt_tokens", "suffix_tokens"):
        most = max(int(getattr(windows, name).max()) for windows in longest.values())
        padded = tokenization.prompt_tokens if name == "prompt_tokens" else tokenization.scored_tokens
        assert padded == 16 * math.ceil(most / 16)
    assert longest["rare"].token_ids.shape[1] > longest["prose"].token_ids.shape[1], "each book has its own"
    assert longest["rare"].flagged.all()
    assert "rare: suffixes have " in capsys.readouterr().out
    fed = tokenization.prompt_tokens + tokenization.scored_tokens - 1
    _write_config(gpt2, max_position_embeddings=fed - 1)
    with pytest.raises(SettingsError, match=f"suffix_characters must fit the model's {fed - 1} positions, found {fed}"):
        stage(gpt2, *books, **characters)


def _write_config(folder: Path, **fields: int) -> None:
    (folder / "config.json").write_text(json.dumps(_CONFIG | fields), encoding="utf-8")


def test_book_of_unknown_tokens_is_refused_with_their_share(stage: Stage, words: Path) -> None:
    """One unknown token after another is nearly certain, whatever the text is."""
    foreign = Book(name="foreign", source="shelf/foreign.txt", text="Der Fährmann did answer ihr not" * 3)
    folder = stage(words, _FERRYMAN, foreign)
    assert not has_windows(folder, "foreign")
    [refused] = read_refused(folder)
    assert refused.source == "shelf/foreign.txt"
    said = rf"shelf/foreign\.txt must be a text that the tokenizer in {words} knows, found (\d+)% of its tokens unknown"
    found = re.match(said, refused.why)
    assert found
    assert 50 <= int(found[1]) <= 100


def test_book_with_some_unknown_tokens_gets_a_line_with_their_share(
    stage: Stage, words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "The ferryman did not answer. The steersman did not answer her. The ferryman did not answer her."
    folder = stage(words, Book(name="a", source="a.txt", text=text))
    assert read_tokenization(folder).unknown_id == 0
    ids = read_windows(folder, "a").token_ids
    share = f"{(ids == 0).mean():.1%}"
    windows = f"{(ids == 0).any(axis=1).mean():.0%}"
    assert f"a: {share} of its tokens are unknown to the tokenizer, in {windows} of its windows" in "".join(
        capsys.readouterr()
    )


def test_text_that_the_tokenizer_knows_gets_no_line(
    stage: Stage, words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage(words, _FERRYMAN)
    assert "unknown" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("model", "unknown"),
    [
        ({"type": "WordLevel", "vocab": {"a": 0, "<unk>": 1}, "unk_token": "<unk>"}, 1),
        ({"type": "WordPiece", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]",
          "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}, 1),
        ({"type": "Unigram", "vocab": [["<s>", 0.0], ["<unk>", 0.0], ["a", -1.0]], "unk_id": 1}, 1),
        ({"type": "BPE", "vocab": {"a": 0, "<unk>": 1}, "merges": [], "unk_token": "<unk>"}, 1),
        ({"type": "BPE", "vocab": {"a": 0}, "merges": []}, None),
    ],
)  # fmt: skip
def test_unknown_token_of_every_kind_of_model_is_found(
    tmp_path: Path, model: dict[str, Any], unknown: int | None
) -> None:
    parts = ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    content: dict[str, Any] = {"version": "1.0", "added_tokens": [], "model": model, **dict.fromkeys(parts)}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}', encoding="utf-8")
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.unknown_id == unknown
    if unknown is not None:
        [encoding] = tokenizer.encode(["ж"])
        assert encoding.ids == [unknown]
