"""The speed of tokenizing, compared with a call of the library for each slice and with a call for many slices.

    python -m benchmarks.tokenize [CHARACTERS] [REPEATS]

Windows are 100 tokens from slices of 2,000 characters, every 10 characters. The book is English prose from Python's
documentation. The tokenizers are the sample model's, and others of 16,000 tokens in the layouts of known models, which
are trained here; texts of the last one cannot be cut. The three ways take turns, so that other work of the machine
slows all of them; each ratio is of one turn. One thread is timed by processor time, all cores by wall time. In one
thread, byheart must be ten times as fast as a call for each slice where texts can be cut.
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
"""The library's own ways are timed on every tenth slice only."""
_LAYOUTS = (
    *("gpt2", "llama3", "gpt_neox", "qwen2", "gpt4o", "deepseek", "deepseek2", "llama2", "phi3", "gemma3", "lowercase"),
)
"""As tests/tokenize/toy_tokenizers.py builds them."""
_ROOT = Path(__file__).parent.parent
_WAYS = ("call per slice", "one batch", "this")


def main(characters: int = 100_000, repeats: int = 5) -> int:
    """Time each way, print windows a second and ratios, and return 1 if a ratio is too low."""
    text = _make_book(characters)
    tokenizers = _load_tokenizers()
    rates: dict[str, dict[tuple[str, bool], list[float]]] = {name: {} for name in tokenizers}
    for _ in range(repeats):
        for name, tokenizer in tokenizers.items():
            for parallel in (False, True):
                os.environ["TOKENIZERS_PARALLELISM"] = str(parallel).lower()
                clock = time.perf_counter if parallel else time.process_time
                for way, rate in _time_ways(text, tokenizer, clock).items():
                    rates[name].setdefault((way, parallel), []).append(rate)

    print(f"{len(text):,} characters, {repeats} turns, {os.cpu_count()} cores; windows/s, and times a call per slice")
    print(f"{'':12}{'':12}" + "".join(f"{way:>16}" for way in _WAYS) + f"{'times (least-most)':>24}")
    too_slow = []
    for name, tokenizer in tokenizers.items():
        for parallel in (False, True):
            medians = [statistics.median(rates[name][way, parallel]) for way in _WAYS]
            turns = zip(rates[name]["this", parallel], rates[name]["call per slice", parallel], strict=True)
            ratios = sorted(own / other for own, other in turns)
            times = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})"
            threads = "all cores" if parallel else "one thread"
            print(f"{name:12}{threads:12}" + "".join(f"{median:16,.0f}" for median in medians) + f"{times:>24}")
            if tokenizer.cuts is not None and not parallel and statistics.median(ratios) < AT_LEAST:
                too_slow.append(name)
    if too_slow:
        print(f"less than {AT_LEAST} times as fast: {', '.join(too_slow)}")
    return int(bool(too_slow))


def _time_ways(text: str, tokenizer: Loaded, clock: Callable[[], float]) -> dict[str, float]:
    """Windows per second of each way."""
    window = Settings.from_parameters(DEFAULTS).window
    cursors = range(0, len(text), window.cursor_inc)
    slices = [text[cursor : cursor + window.slice_length] for cursor in cursors[::SPARED]]
    backend = tokenizer.backend

    def one_by_one() -> int:
        return sum(len(backend.encode(text, add_special_tokens=False).ids) > 0 for text in slices)

    def in_a_batch() -> int:
        return len(backend.encode_batch(slices, add_special_tokens=False))

    def by_this_stage() -> int:
        windows = slide(text, tokenizer.encode, window, scored_tokens=50, cuts=tokenizer.cuts)
        return len(windows) + windows.dropped_tail + windows.dropped_inside

    rates = {}
    for name, way in zip(_WAYS, (one_by_one, in_a_batch, by_this_stage), strict=True):
        started = clock()
        count = way()
        rates[name] = count / (clock() - started)
    return rates


def _make_book(characters: int) -> str:
    story = (_ROOT / "samples" / "the-soap-winter.txt").read_text(encoding="utf-8")
    prose = story + "\n".join(topics.values())
    return (prose * (characters // len(prose) + 1))[:characters]


def _load_tokenizers() -> dict[str, Loaded]:
    with tempfile.TemporaryDirectory(prefix="byheart-") as folder:
        loaded = {"sample": load_tokenizer(_ROOT / "samples" / "model")}
        for name in _LAYOUTS:
            loaded[name] = load_tokenizer(_learn_tokens(build(name, Path(folder) / name)))
    return loaded


def _learn_tokens(folder: Path) -> Path:
    """The folder, after its tokenizer was given 16,000 tokens, learned from Python's documentation and code."""
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = Tokenizer.from_file(str(file)).pre_tokenizer
    alphabet, first_tokens = pre_tokenizers.ByteLevel.alphabet(), []
    if "▁" in content["model"]["vocab"]:  # SentencePiece's: its control tokens and bytes come first
        learner.pre_tokenizer = pre_tokenizers.Metaspace()
        alphabet, first_tokens = [], sorted(content["model"]["vocab"], key=content["model"]["vocab"].get)[: 3 + 256]
    corpus = [*topics.values(), *(path.read_text("utf-8") for path in sorted(Path(os.__file__).parent.glob("*.py")))]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, special_tokens=first_tokens, show_progress=False
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
