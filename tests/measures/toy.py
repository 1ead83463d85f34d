"""Made-up books with windows and scores, for tests of statistics and charts."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from byheart.components.plot.frame import ChartData
from byheart.components.plot.provenance import Run
from byheart.contracts.books import Book, Chapter
from byheart.contracts.model import ModelIdentity
from byheart.contracts.only import Span
from byheart.contracts.selection import ControlSample, choose_control_sample, select_windows
from byheart.contracts.setting_groups import ChartSettings
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization, Windows
from byheart.measures.calibration.calibrate import calibrate
from byheart.measures.calibration.stretches import Document, compare
from byheart.measures.control import Control
from byheart.measures.measured import MeasuredBook, measure
from byheart.measures.outcomes import Outcome, join_controls, make_outcome
from byheart.measures.passages import find_all_passages
from byheart.measures.provenance import BookDescription, BookProvenance, Code, ComputedOn
from byheart.measures.statistics import BookStatistics
from byheart.scores.scores import Scores
from tests.contracts.test_settings import DEFAULTS

COMPUTED_ON = ComputedOn(
    device="cpu", devices=1, layout="1x1, one device", precision="float32", batch_size=16, jax="0.10.2",
    code=Code(version="0.1.0", commit=None),
)  # fmt: skip
CHART = ChartSettings(coverage="suffix", plot_title="", colormap="Greys", figsize="8x2", dpi=60)


def make_windows(count: int, *, stride: int = 10, prompt: int = 20, suffix: int = 20, first: int = 0) -> Windows:
    """Windows of `prompt` + `suffix` characters, one every `stride`, with a token a character."""
    start = first + stride * np.arange(count)
    token_stops = start[:, None] + 1 + np.arange(prompt + suffix)
    return Windows(
        cursor=start,
        start=start,
        suffix_start=start + prompt,
        stop=start + prompt + suffix,
        prompt_tokens=np.full(count, prompt, np.int32),
        suffix_tokens=np.full(count, suffix, np.int32),
        flagged=np.zeros(count, bool),
        spill=np.zeros(count, np.int32),
        token_ids=token_stops.astype(np.int32),
        token_stops=token_stops,
        dropped_tail=3,
        dropped_inside=1,
    )


def keep_rows(windows: Windows, which: np.ndarray) -> Windows:
    """The windows `which`, as if the slices of the others were too short."""
    return dataclasses.replace(windows, **{name: values[which] for name, values in windows.columns().items()})


def make_scores(log_p_z: np.ndarray, log_p_z_top_k: np.ndarray | None = None) -> Scores:
    """Scores of a single token with these log_p_z; greedy where p_z is above a half."""
    rows = len(log_p_z)
    return Scores(
        log_p_z=log_p_z,
        log_p_z_top_k=log_p_z if log_p_z_top_k is None else log_p_z_top_k,
        greedy=log_p_z > np.log(0.5),
        token_log_probs=log_p_z.astype(np.float32)[:, None],
        token_ranks=np.zeros((rows, 1), np.int32),
        top_token_ids=np.zeros((rows, 1), np.int32),
        token_log_top_k_mass=np.zeros((rows, 1), np.float32),
    )


def random_text(characters: int) -> str:
    """Words of random letters, in which nothing is repeated."""
    random = np.random.default_rng(0)
    letters = random.choice(list("abcdefghijklmnopqrstuvwxyz  "), characters)
    return "".join(letters)


def make_book(
    p_z: Sequence[float] | np.ndarray,
    *,
    p_z_top_k: Sequence[float] | np.ndarray | None = None,
    characters: int | None = None,
    text: str | None = None,
    which: np.ndarray | None = None,
    asked: Sequence[tuple[int, int]] = (),
    most: int = 0,
    sample: int = 0,
    sample_p_z: float = 1e-9,
    name: str = "toy",
    chapters: tuple[Chapter, ...] = (),
    role: str = "book",
    **spans: int,
) -> MeasuredBook:
    """A book whose windows have these probabilities.

    Args:
        which: the windows that exist; None is all.
        asked: the characters that `only` selects; empty is all.
        most: the most windows that are measured; 0 is all.
        sample: how many suffixes are also scored under another prompt, all with `sample_p_z`.
        spans: `stride`, `prompt` and `suffix`, as `make_windows` takes them.
    """
    with np.errstate(divide="ignore"):
        plain = np.log(np.asarray(p_z, np.float64))
        top_k = plain if p_z_top_k is None else np.log(np.asarray(p_z_top_k, np.float64))
    windows = make_windows(len(plain), **spans)
    windows = dataclasses.replace(windows, suffix_tokens=np.ones_like(windows.suffix_tokens))  # that is scored
    if which is not None:
        windows, plain, top_k = keep_rows(windows, which), plain[which], top_k[which]
    if text is None:
        text = random_text(int(windows.stop.max(initial=30)) + 5 if characters is None else characters)
    characters_asked = [Span(start=start, stop=stop) for start, stop in asked or ((0, len(text)),)]
    selection = select_windows(windows, characters_asked, most)
    numbers = selection.numbers()
    pairs: ControlSample = choose_control_sample(windows, sample, numbers)
    return measure(
        Book(name=name, source=f"{name}.txt", text=text, role=role, chapters=chapters),
        windows,
        selection,
        make_scores(plain[numbers], top_k[numbers]),
        pairs,
        make_scores(np.full(len(pairs), np.log(sample_p_z))),
        stride=spans.get("stride", 10),
    )


def compute_numbers(book: MeasuredBook, control: Control | None = None) -> BookStatistics:
    """The book's statistics."""
    return compute_outcome(book, control).statistics


def compute_outcome(book: MeasuredBook, control: Control | None = None) -> Outcome:
    """The outcome of the book."""
    text = book.book
    description = BookDescription(
        name=text.name, title=text.title, role=text.role, source=text.source, sha256=text.sha256,
        characters=len(text.text), origin=text.origin, report=text.report, chapters=len(text.chapters),
        selection=book.selection, scores="a" * 32, control_sample=None, rescored_scores=None, computed_on=[COMPUTED_ON],
    )  # fmt: skip
    provenance = BookProvenance(**vars(make_run().provenance), book=description)
    comparison = compare(Document.from_measured(book), control.documents) if control else None
    calibration = calibrate(comparison, q=0.001, r=1, books=1, sample=book.sample_log_p_z) if comparison else None
    return make_outcome(book, find_all_passages(book), provenance, control, calibration)


def change_description(outcome: Outcome, **changes: Any) -> Outcome:
    """The outcome with changes to the description of its book."""
    provenance = outcome.statistics.provenance
    changed = dataclasses.replace(provenance, book=dataclasses.replace(provenance.book, **changes))
    return dataclasses.replace(outcome, statistics=dataclasses.replace(outcome.statistics, provenance=changed))


def make_control(*books: MeasuredBook) -> Control:
    """The control books pooled."""
    control = join_controls([compute_outcome(book) for book in books])
    assert control
    return control


def make_chart_data(book: MeasuredBook, control: Control | None = None, **settings: Any) -> ChartData:
    """The data of a book's charts; `settings` are those of charts."""
    comparison = compare(Document.from_measured(book), control.documents) if control else None
    outcome = compute_outcome(book, control)
    return ChartData(
        measured=book,
        rates=outcome.rates,
        recall=outcome.recall,
        control=control,
        comparison=comparison,
        calibration=calibrate(comparison, q=0.001, r=1, books=1) if comparison else None,
        settings=dataclasses.replace(CHART, **settings),
        model="samples/model",
        footer="$\\frac{$ so",
    )


def make_run(*, bos_id: int | None = None, **settings: Any) -> Run:
    """A run as the stages before `plot` describe it; `settings` are the pipeline's parameters."""
    chosen = Settings.from_parameters({**DEFAULTS, **settings}, DEFAULTS)
    return Run.describe_here(
        settings=chosen,
        model=ModelIdentity(
            source="samples/model",
            commit=None,
            model_type="llama",
            parameters=1_488_192,
            weights_sha256="w" * 64,
        ),
        tokenization=Tokenization(
            tokenizer_sha256="t" * 64, tokenizers="0.22.0", bos_id=bos_id,
            scored_tokens=chosen.window.count_scored_tokens(has_bos=bos_id is not None),
        ),
        rescored=False,
        precision="float32",
    )  # fmt: skip
