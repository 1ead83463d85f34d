"""Several models on the same texts: each model's numbers, and every two models against each other."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from byheart.contracts.errors import SettingsError
from byheart.measures.blocks import Blocks, choose_block_length, cut_characters, find_stretches
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.chapters import ListedChapter
from byheart.measures.character_map import find_longest_run
from byheart.measures.comparison.contrast import Contrast, contrast
from byheart.measures.comparison.models import ComparedModel, SharedText, find_shared_texts
from byheart.measures.comparison.overlap import Overlap
from byheart.measures.comparison.paired import PairedDifference, measure_difference
from byheart.measures.comparison.scored_text import LEVELS, Level, ScoredText, have_same_windows
from byheart.measures.comparison.settings import Disagreement, list_disagreements, state_limits
from byheart.measures.comparison.shades import shade
from byheart.measures.discoverable import THRESHOLDS
from byheart.measures.provenance import BookDescription
from byheart.measures.statistics import BookStatistics


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelAtLevel:
    """A text under one model at one level."""

    coverage: float | None
    """The share of measurable characters that reach the level; None where there are none."""
    longest: int
    """The characters of the longest run that reaches it."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ModelOnText:
    """A text under one model; its maps are dropped, or many long texts would not fit into memory."""

    model: str
    statistics: BookStatistics
    calibration: Calibration | None
    """The text against the controls of its run; None for a control, and without controls."""
    at: dict[Level, ModelAtLevel]
    """By level; without the band where there is no threshold from controls."""
    shades: np.ndarray
    """uint8 [C]: what each character is painted as, by p_z."""
    bands: np.ndarray | None
    """int8 [C]: the `Band` of each character; None without a threshold from controls."""
    contrast: Contrast | str | None
    """The contrast with the reference, or why there is none; None of a control, and without a reference."""

    @property
    def bits(self) -> float | None:
        """Bits per character; None without windows."""
        return self.statistics.headline.bits


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairAtLevel:
    """Two models at one level."""

    level: Level
    coverage: PairedDifference | None
    """Of the shares of characters; None without the same windows."""
    windows: PairedDifference | None
    """Of the shares of windows; None without the same windows."""
    overlap: Overlap
    """Of the characters that reach the level."""

    @property
    def difference(self) -> float | None:
        """The first model's share of the characters minus the second's; None where none has a value under both."""
        if not self.overlap.among:
            return None
        return (self.overlap.first_only - self.overlap.second_only) / self.overlap.among


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Two models on one text. The first is the one that was named later: people name small models first."""

    first: str
    second: str
    has_same_windows: bool
    """Whether both have the same windows of the text: if not, nothing is tested."""
    blocks: str
    """What a block is, in words."""
    at: tuple[PairAtLevel, ...]
    """By level, those that both have."""
    bits: PairedDifference | None
    """Of bits per character: negative where the first needs fewer. None without the same windows."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TextComparison:
    """One text under all models that have measured it."""

    description: BookDescription
    is_control: bool
    chapters: tuple[ListedChapter, ...]
    models: tuple[ModelOnText | None, ...]
    """In the order of the comparison's models; None where a model has not measured it."""
    pairs: tuple[Pair, ...]

    @property
    def measured(self) -> tuple[ModelOnText, ...]:
        """The models that have measured it."""
        return tuple(model for model in self.models if model)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ModelComparison:
    """Several models on the texts that they share."""

    models: tuple[ComparedModel, ...]
    reference: ComparedModel | None
    texts: tuple[TextComparison, ...]
    """Books first, then controls."""
    alone: tuple[BookDescription, ...]
    """The texts that only one model has measured: they are not compared."""
    disagreements: tuple[Disagreement, ...]
    limits: tuple[str, ...]
    """What may not be compared, in sentences."""

    @property
    def books(self) -> tuple[TextComparison, ...]:
        """The texts that are no controls."""
        return tuple(text for text in self.texts if not text.is_control)


def compare_models(models: Sequence[ComparedModel], reference: ComparedModel | None = None) -> ModelComparison:
    """The models on the texts that at least two of them have measured.

    Raises:
        SettingsError: no book was measured by two of them.
    """
    shared, alone = find_shared_texts(models)
    if all(text.is_control for text in shared):
        found = "; ".join(f"{model.name}: {_list_names(model)}" for model in models)
        raise SettingsError(
            f"results must share a book, the same text by its SHA-256, found none ({found}): measure one book under "
            "each model, with the same text settings",
            parameter="results",
        )
    contrasts = [contrast(model, reference) if reference else None for model in models]
    texts = tuple(_compare_text(text, models, contrasts) for text in shared)
    same = [pair.has_same_windows for text in texts for pair in text.pairs]
    disagreements = list_disagreements(models)
    return ModelComparison(
        models=tuple(models),
        reference=reference,
        texts=texts,
        alone=tuple(alone),
        disagreements=tuple(disagreements),
        limits=tuple(state_limits(disagreements, differ=not all(same), all_differ=not any(same))),
    )


def _list_names(model: ComparedModel) -> str:
    return ", ".join(book.book.name for book in model.results.books if book not in model.controls) or "none"


def _compare_text(
    text: SharedText, models: Sequence[ComparedModel], contrasts: Sequence[dict[str, Contrast | str] | None]
) -> TextComparison:
    scored = [ScoredText.read(results) if results else None for results in text.results]
    on_text = tuple(
        _describe(model.name, of_model, (found or {}).get(text.description.sha256)) if of_model else None
        for model, of_model, found in zip(models, scored, contrasts, strict=True)
    )
    chapters = max((results.read_chapters() for results in text.results if results), key=len)
    measured = [(model.name, of_model) for model, of_model in zip(models, scored, strict=True) if of_model]
    return TextComparison(
        description=text.description,
        is_control=text.is_control,
        chapters=tuple(chapters),
        models=on_text,
        pairs=tuple(
            _compare_pair(later, earlier, text.description.characters, [chapter.start for chapter in chapters])
            for earlier, later in itertools.combinations(measured, 2)
        ),
    )


def _describe(name: str, scored: ScoredText, contrast_of_text: Contrast | str | None) -> ModelOnText:
    def describe_at(reaching: np.ndarray, measurable: np.ndarray) -> ModelAtLevel:
        among = reaching[measurable]
        return ModelAtLevel(coverage=float(among.mean()) if len(among) else None, longest=find_longest_run(reaching))

    masks = {level: (scored.find_reaching(level), scored.find_measurable(level)) for level in LEVELS}
    return ModelOnText(
        model=name,
        statistics=scored.statistics,
        calibration=scored.calibration,
        at={
            level: describe_at(reaching, measurable)
            for level, (reaching, measurable) in masks.items()
            if reaching is not None and measurable is not None
        },
        shades=shade(scored),
        bands=scored.bands,
        contrast=contrast_of_text,
    )


def _compare_pair(
    first: tuple[str, ScoredText], second: tuple[str, ScoredText], characters: int, chapters: Sequence[int]
) -> Pair:
    (name, own), (other_name, other) = first, second
    blocks = _cut_both(own, other, characters, chapters)
    same = have_same_windows(own.spans, other.spans)
    levels = [level for level in LEVELS if all(text.find_reaching(level) is not None for text in (own, other))]
    return Pair(
        first=name,
        second=other_name,
        has_same_windows=same,
        blocks=blocks.unit,
        at=tuple(_compare_at(level, own, other, blocks, is_tested=same) for level in levels),
        bits=_compare_bits(own, other, blocks) if same else None,
    )


def _cut_both(first: ScoredText, second: ScoredText, characters: int, chapters: Sequence[int]) -> Blocks:
    """Blocks twice as long as the stretches that either model knows: exchanging their names does not move them."""
    lowest = math.log(min(THRESHOLDS))
    lengths = [
        choose_block_length(find_stretches(text.spans.log_p_z >= lowest, text.spans, text.selected))
        for text in (first, second)
    ]
    return cut_characters(characters, chapters, first.selected, max(lengths))


def _compare_at(level: Level, first: ScoredText, second: ScoredText, blocks: Blocks, *, is_tested: bool) -> PairAtLevel:
    def take(find: Callable[[ScoredText, Level], np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
        values = find(first, level), find(second, level)
        assert values[0] is not None
        assert values[1] is not None
        return values[0], values[1]

    reaching, measurable = take(ScoredText.find_reaching), take(ScoredText.find_measurable)
    among = measurable[0] & measurable[1]
    coverage = windows = None
    if is_tested:
        characters = blocks.find(np.flatnonzero(among))
        coverage = _measure([mask[among] for mask in reaching], among[among], characters, blocks)
        counted = np.ones(len(first.spans), bool) if level.threshold is not None else ~first.spans.repetitive
        hits, positions = take(ScoredText.find_windows_reaching), blocks.find(first.spans.suffix_start)
        windows = _measure(hits, counted, positions, blocks)
    return PairAtLevel(level=level, coverage=coverage, windows=windows, overlap=Overlap.count(*reaching, among=among))


def _compare_bits(first: ScoredText, second: ScoredText, blocks: Blocks) -> PairedDifference | None:
    spans = first.spans
    bits = [-text.spans.log_p_z / math.log(2) for text in (first, second)]
    return _measure(bits, spans.stop - spans.suffix_start, blocks.find(spans.suffix_start), blocks)


def _measure(
    values: Sequence[np.ndarray], totals: np.ndarray, block: np.ndarray, blocks: Blocks
) -> PairedDifference | None:
    """The difference of two ratios of sums.

    Args:
        values, totals: of each observation; `block` is where it lies.
    """
    first, second, observed = (np.bincount(block, each.astype(float), len(blocks)) for each in (*values, totals))
    return measure_difference(first, second, observed)
