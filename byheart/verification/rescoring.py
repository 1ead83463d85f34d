"""Scores windows of finished results again, with the second implementation, and compares."""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from byheart.components.extract.rounding import ALLOWED, BANDS, PROMISE, find_in_band
from byheart.contracts.windows import Windows
from byheart.measures.provenance import Provenance
from byheart.measures.results import Results
from byheart.models.folder import read_config
from byheart.scores.scores import Scores
from byheart.store import open_store
from byheart.verification.architecture import read_architecture
from byheart.verification.scoring import ReferenceScores, score
from byheart.verification.tokens import make_model_input

_BATCH = 32
"""Windows that pass through the layers together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rescored:
    """The outcome of scoring windows again."""

    windows: int
    among: int
    largest_token: float
    """The largest difference of a token's log-probability, nats."""
    largest_window: float
    """The largest difference of log_p_z, nats."""
    differences: list[str]
    """A clause for each window whose scores differ by more than is allowed."""

    @property
    def says(self) -> str:
        """The outcome in a line."""
        share = 1 - 0.05 ** (1 / max(self.windows, 1))
        doubt = "all of them" if self.windows == self.among else f"were {share:.0%} false, 95% of draws would find one"
        return (
            f"{self.windows:,} of {self.among:,} windows, at most {self.largest_token:.1g} nats a token and "
            f"{self.largest_window:.1g} a window from this run's; {doubt}"
        )


def draw_seed(sums: bytes) -> int:
    """The seed that the results themselves give, so that whoever verifies does not choose it.

    Args:
        sums: the content of SHA256SUMS.
    """
    return int(hashlib.sha256(sums).hexdigest()[:12], 16)


def knows(address: str) -> bool:
    """Whether the second implementation computes this model's family."""
    return read_architecture(read_config(open_store(address, "model"))) is not None


def rescore(results: Results, windows: Mapping[str, Windows], address: str, *, count: int, seed: int) -> Rescored:
    """Score randomly chosen windows again.

    Args:
        windows: all windows of each book, made again from its text.
        address: the model's folder.
        count: how many windows are chosen, over all books and controls.
    """
    provenance, place = results.provenance, open_store(address, "model")
    architecture = read_architecture(read_config(place))
    assert architecture, "the caller asks `knows`"
    tables = {item.book.name: item.read_windows() for item in results.books}
    rows = [(name, row) for name, table in tables.items() for row in range(len(table.number))]
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), min(count, len(rows)), replace=False))
    token, window, differences = 0.0, 0.0, []
    for first in range(0, len(chosen), _BATCH):
        batch = [rows[index] for index in chosen[first : first + _BATCH]]
        held = _gather([tables[name].scores.rows(slice(row, row + 1)) for name, row in batch])
        ids = [make_model_input(windows[name].select(tables[name].number[[row]]), provenance) for name, row in batch]
        again = score(
            architecture,
            place,
            np.concatenate(ids),
            held.top_token_ids if (held.top_token_ids >= 0).all() else np.zeros_like(held.top_token_ids),
            temperature=provenance.settings.score.temperature,
            top_k=provenance.settings.score.top_k,
            tolerance=PROMISE,
        )
        token = max(token, float(np.abs(again.log_probs - held.token_log_probs).max()))
        window = max(window, float(np.abs(again.log_probs.sum(axis=-1) - held.log_p_z).max()))
        for index, why in _find_differences(held, again, provenance):
            name, row = batch[index]
            differences.append(f"{name}, row {row:,} of windows.parquet: {why}")
    return Rescored(
        windows=len(chosen), among=len(rows), largest_token=token, largest_window=window, differences=differences
    )


def _find_differences(held: Scores, again: ReferenceScores, provenance: Provenance) -> Iterator[tuple[int, str]]:
    """The windows whose scores are further from the reference than is allowed, each with a clause on the first."""
    exact, top_k = again.log_probs.sum(axis=-1), provenance.settings.score.top_k
    if provenance.precision != "float32":
        for low, high in itertools.pairwise(BANDS):
            allowed = ALLOWED[provenance.precision][low]
            for index in np.flatnonzero(find_in_band(exact, low, high)).tolist():
                found, expected = float(held.log_p_z[index]), float(exact[index])
                if not abs(found - expected) <= allowed:
                    yield index, f"log_p_z {found:.6g} instead of {expected:.6g}, more than {allowed:g} nats off"
        return
    ranks = held.token_ranks
    of_top_k = np.minimum(again.tempered_log_probs - again.log_top_k_mass, 0.0).sum(axis=-1)
    is_outside = np.isneginf(held.log_p_z_top_k)
    may_be_outside = (again.perhaps_above >= top_k).any(axis=-1) if top_k else np.zeros(len(exact), bool)
    with np.errstate(invalid="ignore"):
        top_k_differs = np.where(
            is_outside, ~may_be_outside, ~(np.abs(held.log_p_z_top_k - of_top_k) <= 2 * PROMISE * ranks.shape[1])
        )
    wrong = {
        f"a token's log-probability is off by more than {PROMISE:g} nats": (
            ~(np.abs(held.token_log_probs - again.log_probs) <= PROMISE)
        ),
        "a token has another rank": (ranks < again.surely_above) | (ranks > again.perhaps_above),
        "the top k have another probability": ~(np.abs(held.token_log_top_k_mass - again.log_top_k_mass) <= PROMISE),
        "log_p_z_top_k is another": top_k_differs[:, None],
    }
    if (held.top_token_ids >= 0).all():
        wrong["another token has the largest logit"] = ~(again.top_gaps <= PROMISE)
    for index in range(len(exact)):
        if whys := [why for why, where in wrong.items() if where[index].any()]:
            yield index, whys[0]


def _gather(rows: list[Scores]) -> Scores:
    return Scores(**{name: np.concatenate([row.columns()[name] for row in rows]) for name in rows[0].columns()})
