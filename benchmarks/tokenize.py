"""How fast books become windows, against a call of the library per slice and against one call for many slices.

    python -m benchmarks.tokenize [CHARACTERS] [REPEATS]

Windows of 100 tokens from slices of 2,000 characters, every 10 characters. The book is English prose that Python brings
along; the tokenizers are the sample model's, and others of 16,000 tokens in the layouts of known models, trained here;
the last is one that cannot be cut.
The ways take turns, so that whatever else the machine does meets them all; each ratio is of one turn. One thread is
timed by the processor's clock, all cores by the wall's. In one thread this must be ten times as fast as a call per
slice, where the tokenizer can be cut.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from byheart.components.tokenize.tokenizer import Tokenizer as Loaded
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.settings import Settings
from byheart.pipeline import DEFAULTS
from tests.tokenize.toy_tokenizers import build

AT_LEAST = 10
VOCABULARY = 16_000
SPARED = 10
"""Of the library's own ways only each tenth slice is timed."""
_ROOT = Path(__file__).parent.parent
_WAYS = ("call per slice", "one batch", "this")


def main(characters: int = 100_000, repeats: int = 5) -> int:
    """Time each way, print windows per second and ratios; 1 if one is too low."""
    text = _book(characters)
    tokenizers = _tokenizers()
    rates: dict[str, dict[tuple[str, bool], list[float]]] = {name: {} for name in tokenizers}
    for _ in range(repeats):
        for name, tokenizer in tokenizers.items():
            for parallel in (False, True):
                os.environ["TOKENIZERS_PARALLELISM"] = str(parallel).lower()
                clock = time.perf_counter if parallel else time.process_time
                for way, rate in _rates(text, tokenizer, clock).items():
                    rates[name].setdefault((way, parallel), []).append(rate)

    print(f"{len(text):,} characters, {repeats} turns, {os.cpu_count()} cores; windows/s, and times a call per slice")
    print(f"{'':12}{'':12}" + "".join(f"{way:>16}" for way in _WAYS) + f"{'times (least-most)':>24}")
    too_slow = []
    for name, tokenizer in tokenizers.items():
        for parallel in (False, True):
            medians = [statistics.median(rates[name][way, parallel]) for way in _WAYS]
            turns = zip(rates[name]["this", parallel], rates[name]["call per slice", parallel], strict=True)
            ratios = sorted(this / one for this, one in turns)
            times = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})"
            threads = "all cores" if parallel else "one thread"
            print(f"{name:12}{threads:12}" + "".join(f"{median:16,.0f}" for median in medians) + f"{times:>24}")
            if tokenizer.cuts is not None and not parallel and statistics.median(ratios) < AT_LEAST:
                too_slow.append(name)
    if too_slow:
        print(f"less than {AT_LEAST} times as fast: {', '.join(too_slow)}")
    return int(bool(too_slow))


def _rates(text: str, tokenizer: Loaded, clock: Callable[[], float]) -> dict[str, float]:
    """Windows per second of each way."""
    window = Settings.from_parameters(DEFAULTS).window
    cursors = range(0, len(text), window.cursor_inc)
    slices = [text[cursor : cursor + window.slice_length] for cursor in cursors[::SPARED]]
    backend = tokenizer.backend

    def one_by_one() -> int:
        return sum(len(backend.encode(part, add_special_tokens=False).ids) > 0 for part in slices)

    def in_a_batch() -> int:
        return len(backend.encode_batch(slices, add_special_tokens=False))

    def here() -> int:
        windows = slide(text, tokenizer.encode, window, scored_tokens=50, cuts=tokenizer.cuts)
        return len(windows) + windows.dropped_tail + windows.dropped_inside

    rates = {}
    for name, way in zip(_WAYS, (one_by_one, in_a_batch, here), strict=True):
        started = clock()
        count = way()
        rates[name] = count / (clock() - started)
    return rates


def _book(characters: int) -> str:
    story = (_ROOT / "samples" / "the-soap-winter.txt").read_text(encoding="utf-8")
    prose = story + "\n".join(topics.values())
    return (prose * (characters // len(prose) + 1))[:characters]


def _tokenizers() -> dict[str, Loaded]:
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        loaded = {"sample": load_tokenizer(_ROOT / "samples" / "model")}
        for name in ("gpt2", "llama3", "gpt_neox", "qwen2", "gpt4o", "deepseek", "llama2", "lowercase"):
            loaded[name] = load_tokenizer(_with_many_tokens(build(name, Path(folder) / name)))
    return loaded


def _with_many_tokens(folder: Path) -> Path:
    """The folder, its tokenizer with as many tokens as one in use, learned from Python's documentation and code."""
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = Tokenizer.from_file(str(file)).pre_tokenizer
    alphabet, given = pre_tokenizers.ByteLevel.alphabet(), []
    if learner.pre_tokenizer is None:  # SentencePiece's: its control tokens and bytes come first
        learner.pre_tokenizer = pre_tokenizers.Metaspace()
        alphabet, given = [], sorted(content["model"]["vocab"], key=content["model"]["vocab"].get)[: 3 + 256]
    corpus = [*topics.values(), *(path.read_text("utf-8") for path in sorted(Path(os.__file__).parent.glob("*.py")))]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, special_tokens=given, show_progress=False
    )
    learner.train_from_iterator((line for text in corpus for line in text.splitlines(keepends=True)), trainer)
    learned = json.loads(learner.to_str())["model"]
    content["model"] |= {name: learned[name] for name in ("vocab", "merges")}
    for number, token in enumerate(content["added_tokens"], len(learned["vocab"])):
        token["id"] = content["model"]["vocab"].setdefault(token["content"], number)
    file.write_text(json.dumps(content | {"post_processor": None}), encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
