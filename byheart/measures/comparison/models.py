"""The models of a comparison, and the texts that they share: the same text is the one with the same SHA-256."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from byheart.contracts.books import CONTROL
from byheart.measures.provenance import BookDescription, Provenance
from byheart.measures.results import BookResults, Results


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ComparedModel:
    """The results of one model, under a name of its own."""

    name: str
    """What it is called in this comparison; unique."""
    results: Results

    @property
    def provenance(self) -> Provenance:
        """How its results were made."""
        return self.results.provenance

    def find(self, sha256: str) -> BookResults | None:
        """The results of the text with this hash; None if it was not measured."""
        return next((book for book in self.results.books if book.book.sha256 == sha256), None)

    @property
    def controls(self) -> tuple[BookResults, ...]:
        """The results of its controls."""
        return tuple(book for book in self.results.books if book.book.role == CONTROL)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SharedText:
    """A text that several models have measured."""

    description: BookDescription
    """As the first of these models describes it."""
    results: tuple[BookResults | None, ...]
    """Its results under each model of the comparison; None where a model has not measured it."""

    @property
    def is_control(self) -> bool:
        """Whether it is a control, which no model can have seen, in any of the runs."""
        return any(book.book.role == CONTROL for book in self.results if book)


def name_models(results: Sequence[Results], addresses: Sequence[str]) -> list[ComparedModel]:
    """The models by their labels; where labels are equal, the address of the results follows.

    Args:
        addresses: where the results lie, which a person gave.
    """
    labels = [run.provenance.label for run in results]
    last_parts = [address.rstrip("/").rpartition("/")[2] or address for address in addresses]
    counts = Counter(labels)
    long = [f"{label} ({part})" if counts[label] > 1 else label for label, part in zip(labels, last_parts, strict=True)]
    repeated, seen, names = Counter(long), Counter[str](), []
    for name in long:
        seen[name] += 1
        names.append(f"{name}, {seen[name]}" if repeated[name] > 1 else name)
    return [ComparedModel(name=name, results=run) for name, run in zip(names, results, strict=True)]


def find_shared_texts(models: Sequence[ComparedModel]) -> tuple[list[SharedText], list[BookDescription]]:
    """The texts that at least two models have measured, books first, and those that only one has, as it orders them."""
    descriptions: dict[str, BookDescription] = {}
    for model in models:
        for book in model.results.books:
            descriptions.setdefault(book.book.sha256, book.book)
    shared, alone = [], []
    for sha256, description in descriptions.items():
        results = tuple(model.find(sha256) for model in models)
        if sum(book is not None for book in results) > 1:
            shared.append(SharedText(description=description, results=results))
        else:
            alone.append(description)
    return sorted(shared, key=lambda text: text.is_control), alone
