"""How the numbers of a run were made, for files to carry and for people to read."""

import dataclasses

from byheart.contracts.books import BookIdentity, Refused
from byheart.contracts.model import ModelIdentity
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Selection, Tokenization
from byheart.measures.units import Characters


@dataclasses.dataclass(frozen=True, kw_only=True)
class Code:
    """The release of byheart."""

    version: str
    """The release."""
    commit: str | None
    """The commit, where it was known; one that ends in `-dirty` had local changes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Libraries:
    """Releases of the libraries that made statistics and charts."""

    numpy: str
    """NumPy's."""
    pyarrow: str
    """PyArrow's."""
    matplotlib: str
    """Matplotlib's."""
    zlib: str
    """zlib's."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComputedOn:
    """What a part of the scores was computed on."""

    device: str
    """The kind of device, as JAX names it."""
    devices: int
    """How many."""
    layout: str
    """How the model lay on them: the mesh, DATAxMODEL, and the same in words."""
    precision: str
    """The arithmetic; never `auto`."""
    batch_size: int
    """Windows in a batch."""
    jax: str
    """The release of JAX."""
    code: Code
    """The release of byheart that scored it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookDescription(BookIdentity):
    """What is said of a book and its scores, but for its text."""

    characters: Characters
    """Its length."""
    chapters: int
    """Chapters that were found; 0 where there are none."""
    selection: Selection
    """Which of its windows were measured."""
    scores: str
    """Where its scores lie in the store."""
    control_sample: str | None
    """Where those of its control sample lie; null where none was asked for."""
    computed_on: list[ComputedOn]
    """What its scores were computed on: each combination that occurs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunProvenance:
    """What is the same for all books of a run and for every repetition of it."""

    code: Code
    """The release of byheart that wrote the results."""
    contract_version: int
    """The version of the formats between the stages, and of the results."""
    model: ModelIdentity
    """The model."""
    tokenization: Tokenization
    """How the books were tokenized."""
    settings: Settings
    """Every setting, and the preset that some of them came from."""
    precision: str
    """The arithmetic that was used: `auto` is settled here."""
    plotted_with: Libraries
    """Releases of the libraries that made statistics and charts."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookProvenance(RunProvenance):
    """How the numbers of one book were made."""

    book: BookDescription
    """The book."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance(RunProvenance):
    """provenance.json: how a run was made, once for all its files."""

    created: str
    """When, in UTC."""
    python: str
    """The release of Python."""
    books: dict[str, BookDescription]
    """Each book by its name, in the order in which they were named."""
    not_measured: list[Refused]
    """What was named and could not be measured, and why."""
