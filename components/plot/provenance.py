"""A run as the stages before `plot` describe it: its provenance for files, and in words for people."""

import dataclasses
import functools
import zlib
from importlib.metadata import version

import msgspec

from byheart.contracts.model import Model, read_model
from byheart.contracts.plan import Plan, read_plan
from byheart.contracts.settings import Settings
from byheart.contracts.version import CONTRACT_VERSION, code_version
from byheart.contracts.windows import Tokenization, read_tokenization
from byheart.measures.provenance import BookDescription, Code, Libraries, RunProvenance
from byheart.measures.selection import describe_selection


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """The settings, model, tokenization and plan of a run."""

    settings: Settings
    model: Model
    tokenization: Tokenization
    plan: Plan

    @classmethod
    def read(cls, *, settings: str, model: str, windows: str, plan: str) -> "Run":
        """The run that these artifacts describe."""
        return cls(
            settings=Settings.read(settings),
            model=read_model(model),
            tokenization=read_tokenization(windows),
            plan=read_plan(plan),
        )

    @functools.cached_property
    def provenance(self) -> RunProvenance:
        """The provenance that all books, and all repetitions of the run, share."""
        return RunProvenance(
            code=msgspec.convert(code_version(), Code),
            contract_version=CONTRACT_VERSION,
            model=self.model.identity,
            tokenization=self.tokenization,
            settings=self.settings,
            precision=self.plan.precision,
            plotted_with=Libraries(
                numpy=version("numpy"),
                pyarrow=version("pyarrow"),
                matplotlib=version("matplotlib"),
                zlib=zlib.ZLIB_RUNTIME_VERSION,
            ),
        )

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
                f"{self.plan.precision}, {'no BOS' if bos is None else f'BOS {bos}'}",
                f"{book.selection.of:,} windows of {window.prompt_tokens} + {self.tokenization.scored_tokens} tokens, "
                f"one every {window.cursor_inc:,} characters{preset}",
                *([selection] if selection else []),
                "p_z at temperature 1, whole vocabulary",
                f"byheart {code.version}" + (f", commit {code.commit[:12]}" if code.commit else ""),
            )
        )
