"""Several models on the same texts: each model's numbers, and every two models against each other."""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from byheart.contracts.errors import SettingsError
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.chapters import ListedChapter
from byheart.measures.character_map import find_longest_run
from byheart.measures.comparison.contrast import Contrast, contrast
from byheart.measures.comparison.models import ComparedModel, SharedText, find_shared_texts
from byheart.measures.comparison.pairs import Pair, compare_pair
from byheart.measures.comparison.scored_text import LEVELS, Level, ScoredText
from byheart.measures.comparison.settings import Disagreement, check_windows, list_disagreements, state_limits
from byheart.measures.comparison.shades import shade
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
        SettingsError: no book was measured by two of them, or some have windows of tokens and others of characters.
    """
    check_windows([*models, *([reference] if reference else [])])
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
            compare_pair(later, earlier, text.description.characters, [chapter.start for chapter in chapters])
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
