"""How the numbers of a run were made, as its files record it."""

import dataclasses

from byheart.contracts.books import BookIdentity, Refused
from byheart.contracts.model import ModelIdentity
from byheart.contracts.plan import Registration
from byheart.contracts.selection import Selection
from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization
from byheart.measures.units import Characters
from byheart.scores.registration import RegisteredText, compute_digest

PROVENANCE = "provenance.json"
"""The file of a run's `Provenance`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Code:
    """A release of byheart."""

    version: str
    """The version."""
    commit: str | None
    """The commit, null if unknown; it ends in `-dirty` if there were local changes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Libraries:
    """The libraries that made statistics and charts."""

    numpy: str
    """The version of NumPy."""
    pyarrow: str
    """The version of PyArrow."""
    matplotlib: str
    """The version of Matplotlib."""
    zlib: str
    """The version of zlib."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComputedOn:
    """The devices, the arithmetic and the code that computed scores."""

    device: str
    """The kind of device, as JAX names it."""
    devices: int
    """How many devices."""
    layout: str
    """How the model was laid out on them: the mesh, DATAxMODEL, and a description."""
    precision: str
    """The arithmetic: never `auto`."""
    batch_size: int
    """The windows in a batch."""
    jax: str
    """The version of JAX."""
    code: Code
    """The release of byheart that computed the scores."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookDescription(BookIdentity):
    """A book and its scores, described without its text."""

    characters: Characters
    """The length of the book."""
    chapters: int
    """How many chapters were found."""
    selection: Selection
    """Which windows of the book were measured."""
    scores: str
    """The address of its scores in the store."""
    control_sample: str | None
    """The address of the control sample's scores; null if there is no control sample."""
    rescored_scores: str | None
    """The address in the store of the scores in float32 of its windows near thresholds; null if none \
were scored again."""
    computed_on: list[ComputedOn]
    """What computed its scores: every combination that occurs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunProvenance:
    """The provenance that all books of a run, and all repetitions of the run, share."""

    code: Code
    """The release of byheart that wrote the results."""
    contract_version: int
    """The version of the scores, and of the formats between the stages."""
    results_version: int
    """The version of the files of the results."""
    model: ModelIdentity
    """The model."""
    tokenization: Tokenization
    """How the books were tokenized."""
    settings: Settings
    """Every setting, and the preset that some of them come from."""
    precision: str
    """The arithmetic that was used: never `auto`."""
    rescored: bool
    """Whether windows near thresholds were scored again in float32, from the weights as they were \
published: the column `rescored` of windows.parquet says which."""
    plotted_with: Libraries
    """The libraries that made statistics and charts."""

    @property
    def window_size(self) -> str:
        """How long prompts and suffixes are, in words: `50 + 50 tokens`, or `200 + 200 characters`."""
        window = self.settings.window
        if window.suffix_characters:
            return f"{window.prompt_characters} + {window.suffix_characters} characters"
        return f"{window.prompt_tokens} + {self.tokenization.scored_tokens} tokens"

    @property
    def arithmetic(self) -> str:
        """The precision in words: `bfloat16`, or `bfloat16, near thresholds float32`."""
        return f"{self.precision}, near thresholds float32" if self.rescored else self.precision

    @property
    def definition(self) -> str:
        """What p_z is, as a sentence."""
        window, model = self.settings.window, "p_z is the probability that the model, given"
        if window.suffix_characters:
            return (
                f"{model} a window’s first {window.prompt_characters} characters, continues with exactly the next "
                f"{window.suffix_characters}, both up to the next end of a word that is a boundary for all tokenizers."
            )
        return (
            f"{model} a window’s first {window.prompt_tokens} tokens, continues with exactly the next "
            f"{self.tokenization.scored_tokens}."
        )

    @property
    def label(self) -> str:
        """What the model is called in all that people read: the source may be a private path."""
        return self.settings.report.label or self.model.short_name


@dataclasses.dataclass(frozen=True, kw_only=True)
class BookProvenance(RunProvenance):
    """How the numbers of one book were made."""

    book: BookDescription
    """The book."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance(RunProvenance):
    """provenance.json: how a run was made, once for all its files."""

    created: str
    """When the results were written, in UTC."""
    python: str
    """The version of Python."""
    books: dict[str, BookDescription]
    """The books by name, in the order of the run's parameters."""
    not_measured: list[Refused]
    """The books that could not be measured, and why."""
    registration: Registration | None = None
    """What is measured, as it was registered before it was scored; docs/verify.md explains it."""

    def compute_digest(self) -> str:
        """The digest of what was measured, under which the run registered it."""
        texts = [
            RegisteredText(role=book.role, sha256=book.sha256, scores=book.scores, control_sample=book.control_sample)
            for book in self.books.values()
        ]
        return compute_digest(
            texts,
            weights_sha256=self.model.weights_sha256,
            tokenization=self.tokenization,
            settings=self.settings,
            precision=self.precision,
            rescored=self.rescored,
        )
