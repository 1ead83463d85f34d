"""A run: its provenance for files, and in words for people."""

import dataclasses
import zlib
from importlib.metadata import version

import msgspec

from byheart.contracts.model import ModelIdentity
from byheart.contracts.settings import Settings
from byheart.contracts.version import CONTRACT_VERSION, RESULTS_VERSION, code_version
from byheart.contracts.windows import Tokenization
from byheart.measures.provenance import BookDescription, Code, Libraries, RunProvenance
from byheart.measures.selection import describe_selection


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """A run, with what pages and charts say of it."""

    provenance: RunProvenance
    """The provenance that all books, and all repetitions of the run, share."""

    @classmethod
    def describe_here(
        cls, *, settings: Settings, model: ModelIdentity, tokenization: Tokenization, precision: str, rescored: bool
    ) -> "Run":
        """The run whose results are made here and now: by this code, with these libraries."""
        return cls(
            provenance=RunProvenance(
                code=msgspec.convert(code_version(), Code),
                contract_version=CONTRACT_VERSION,
                results_version=RESULTS_VERSION,
                model=model,
                tokenization=tokenization,
                settings=settings,
                precision=precision,
                rescored=rescored,
                plotted_with=list_libraries(),
            )
        )

    @property
    def settings(self) -> Settings:
        """Every setting."""
        return self.provenance.settings

    @property
    def model(self) -> ModelIdentity:
        """The model."""
        return self.provenance.model

    @property
    def tokenization(self) -> Tokenization:
        """How the books were tokenized."""
        return self.provenance.tokenization

    def describe(self, book: BookDescription) -> str:
        """The footer of a book's charts: model, settings and windows."""
        model, window, bos, code = self.model, self.settings.window, self.tokenization.bos_id, self.provenance.code
        commit = f" at {model.commit[:12]}" if model.commit else ""
        preset = "" if self.settings.preset == "none" else f" (preset {self.settings.preset})"
        selection = describe_selection(book, self.settings.selection)
        return " · ".join(
            (
                f"{self.provenance.label}{commit}, {model.parameters:,} parameters, "
                f"weights sha256 {model.weights_sha256[:12]}",
                f"{self.provenance.arithmetic}, {'no BOS' if bos is None else f'BOS {bos}'}",
                f"{book.selection.of:,} windows of {self.provenance.window_size}, "
                f"one every {window.cursor_inc:,} characters{preset}",
                *([selection] if selection else []),
                "p_z at temperature 1, whole vocabulary",
                f"byheart {code.version}" + (f", commit {code.commit[:12]}" if code.commit else ""),
            )
        )


def list_libraries() -> Libraries:
    """The libraries here that make statistics and charts."""
    return Libraries(
        numpy=version("numpy"),
        pyarrow=version("pyarrow"),
        matplotlib=version("matplotlib"),
        zlib=zlib.ZLIB_RUNTIME_VERSION,
    )
