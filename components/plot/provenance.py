"""How the numbers of a run were made, for files to carry and for people to read."""

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
    """What the stages before say of a run as a whole."""

    settings: Settings
    model: Model
    tokenization: Tokenization
    plan: Plan

    @classmethod
    def read(cls, *, settings: str, model: str, windows: str, plan: str) -> "Run":
        """The run that these artifacts belong to."""
        return cls(
            settings=Settings.read(settings),
            model=read_model(model),
            tokenization=read_tokenization(windows),
            plan=read_plan(plan),
        )

    @functools.cached_property
    def provenance(self) -> RunProvenance:
        """Everything that is the same for all books and for every repetition of the run."""
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

    def in_words(self, book: BookDescription) -> str:
        """The model, the settings and the windows of one book, as a chart's footer."""
        model, window, bos, code = self.model, self.settings.window, self.tokenization.bos_id, self.provenance.code
        commit = f" at {model.commit[:12]}" if model.commit else ""
        preset = "" if self.settings.preset == "none" else f" (preset {self.settings.preset})"
        part = describe_selection(book, self.settings.selection)
        return " · ".join(
            (
                f"model {model.source}{commit}, {model.parameters:,} parameters, "
                f"weights sha256 {model.weights_sha256[:12]}",
                f"{self.plan.precision}, {'no BOS' if bos is None else f'BOS {bos}'}",
                f"{book.selection.of:,} windows of {window.prompt_tokens} + {self.tokenization.scored_tokens} tokens, "
                f"one every {window.cursor_inc:,} characters{preset}",
                *([part] if part else []),
                "p_z at temperature 1, whole vocabulary",
                f"byheart {code.version}" + (f", commit {code.commit[:12]}" if code.commit else ""),
            )
        )
