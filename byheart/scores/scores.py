"""The scores of a book's windows: what a part holds, where it lies, and how it is read back."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError
from byheart.contracts.settings import ScoreSettings, WindowSettings
from byheart.contracts.version import CONTRACT_VERSION
from byheart.contracts.windows import Tokenization

PART_WINDOWS = 1024
"""Windows in a part, whatever the batch or the device."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """The scores of W windows with S scored tokens each; logarithms are natural."""

    log_p_z: np.ndarray
    """float64 [W]: the sum of `token_log_probs`, at temperature 1 over the whole vocabulary; at most 0."""
    log_p_z_top_k: np.ndarray
    """float64 [W]: the same under the decoding scheme; -inf where a suffix token falls outside the top k."""
    greedy: np.ndarray
    """bool [W]: no token of the vocabulary was more probable than the suffix's, at any position."""
    token_log_probs: np.ndarray
    """float32 [W, S]"""
    token_ranks: np.ndarray
    """int32 [W, S]: how many logits are strictly greater."""
    token_log_top_k_mass: np.ndarray
    """float32 [W, S]: log of the probability of the `top_k` largest logits together, after temperature."""

    def __len__(self) -> int:
        return len(self.log_p_z)

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name, in the order of `windows.parquet`."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def rows(self, which: slice) -> "Scores":
        """Some of the windows."""
        return dataclasses.replace(self, **{name: values[which] for name, values in self.columns().items()})

    @classmethod
    def concatenate(cls, parts: list["Scores"]) -> "Scores":
        """All rows of `parts`, in order."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def fingerprint(
    *,
    model_input: np.ndarray,
    book_sha256: str,
    weights_sha256: str,
    tokenization: Tokenization,
    window: WindowSettings,
    score: ScoreSettings,
) -> str:
    """The address of one book's scores: a hash of everything that determines them, and of nothing else.

    Args:
        model_input: int32 [W, T], the token ids that are fed and scored.
        score: its `precision` must be the arithmetic that is used, not `auto`.
    """
    determines = {
        "contract": CONTRACT_VERSION,
        "model_input": [model_input.shape, hashlib.sha256(model_input.astype("<i4").tobytes()).hexdigest()],
        "book": book_sha256,
        "weights": weights_sha256,
        "tokenizer": tokenization.tokenizer_sha256,
        "bos_id": tokenization.bos_id,
        "scored_tokens": tokenization.scored_tokens,
        "window": {**dataclasses.asdict(window), "bos": None},
        "score": dataclasses.asdict(score),
    }
    return hashlib.sha256(json.dumps(determines, sort_keys=True).encode()).hexdigest()[:32]


def part_ranges(windows: int) -> list[range]:
    """The windows of each part of a book, by index."""
    return [range(first, min(first + PART_WINDOWS, windows)) for first in range(0, windows, PART_WINDOWS)]


SCORES = "scores"
"""The folder of the store below which each address has its own."""


def folder_name(address: str) -> str:
    """Where the scores at `address` lie in the store."""
    return f"{SCORES}/{address}"


def part_name(address: str, part: int) -> str:
    """Where part number `part` of them lies."""
    return f"{folder_name(address)}/part-{part:05}.parquet"


def about_name(address: str) -> str:
    """Where it is said, for people, what they are."""
    return f"{folder_name(address)}/about.json"


def estimate_bytes(parts: Iterable[int], scored_tokens: int) -> int:
    """Room for parts of so many windows each, on the safe side: the columns of `Scores`, and 32 KB a part around them.

    Text that a model does not know takes all of it, in full parts; text that it has memorised about half.
    """
    return sum(windows * (8 + 8 + 1 + scored_tokens * (4 + 4 + 4)) + 2**15 for windows in parts)


def part_to_bytes(scores: Scores, address: str, part: int, computed_on: dict[str, Any]) -> bytes:
    """A part as one Parquet file that says which part it is and what it was computed on."""
    return parquet.to_bytes(dict(scores.columns()), {"address": address, "part": part, "computed_on": computed_on})


def part_from_bytes(data: bytes, address: str, part: int, rows: int, *, name: str) -> tuple[Scores, dict[str, Any]]:
    """The `rows` scores of a part, and what they were computed on; `name` is for the error.

    Raises:
        DamagedError: it is not whole, or not this part.
    """
    columns, note = parquet.from_bytes(data, name=name)
    if (note.get("address"), note.get("part"), len(columns["log_p_z"])) != (address, part, rows):
        raise DamagedError(f"{name} must hold {rows:,} windows as part {part}, found another: remove it and run again")
    return Scores(**columns), note["computed_on"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreManifest:
    """Where the scores of a run lie: all that passes between `extract` and `plot`."""

    store: str
    precision: str
    """The arithmetic that was used; never `auto`."""
    addresses: dict[str, str]
    """Where the windows of each book are, in the store."""
    control_addresses: dict[str, str]
    """Where the control sample of each book is, if there is one."""


def write_score_manifest(path: str | Path, manifest: ScoreManifest) -> None:
    """Write the manifest as JSON."""
    Path(path).write_text(json.dumps(dataclasses.asdict(manifest), indent=2) + "\n", encoding="utf-8")


def read_score_manifest(paths: Sequence[str | Path]) -> ScoreManifest:
    """The manifest of a run, which each of its shards has written.

    Raises:
        DamagedError: they differ, as where shards ran on devices that give `precision=auto` another meaning.
    """
    first, *others = [ScoreManifest(**json.loads(Path(path).read_text(encoding="utf-8"))) for path in paths]
    for other in others:
        if other != first:
            raise DamagedError(
                f"all shards must use one precision and find the same windows, found {first.precision} and "
                f"{other.precision} at {len(first.addresses.items() ^ other.addresses.items()):,} addresses that "
                "differ: set precision and run again"
            )
    return first
