"""Scores windows of finished results again, with a second implementation, and compares."""

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from byheart.components.extract.rounding import ALLOWED, ALLOWED_BELOW, BANDS, PROMISE, find_in_band
from byheart.contracts.model_input import ModelInput
from byheart.contracts.windows import Windows
from byheart.measures.provenance import Provenance
from byheart.measures.results import CONTROL_SAMPLE, WINDOWS, BookResults, Results
from byheart.scores.scores import Scores, pad_scores
from byheart.verification.scorers import Scorer
from byheart.verification.scoring import ReferenceScores
from byheart.verification.tokens import make_control_input, make_input


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rescored:
    """The outcome of scoring windows again."""

    windows: int
    among: int
    scorer: str
    """What scored them."""
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
        doubt = (
            "all of them"
            if self.windows == self.among
            else f"if {share:.0%} of all were false, 95% of draws would find one"
        )
        return (
            f"{self.windows:,} of {self.among:,} windows, scored by {self.scorer}: at most {self.largest_token:.1g} "
            f"nats a token and {self.largest_window:.1g} a window from this run's; {doubt}"
        )


def draw_seed(sums: bytes) -> int:
    """The seed that the results themselves give, so that whoever verifies does not choose it.

    Args:
        sums: the content of SHA256SUMS.
    """
    return int(hashlib.sha256(sums).hexdigest()[:12], 16)


def rescore(results: Results, windows: Mapping[str, Windows], scorer: Scorer, *, count: int, seed: int) -> Rescored:
    """Score randomly chosen windows again, and suffixes of control samples, which count as windows.

    Args:
        windows: all windows of each book whose windows were made again from its text.
        count: how many windows are chosen, over all books and controls.
    """
    provenance = results.provenance
    tables = [
        table
        for item in results.books
        if item.book.name in windows
        for table in _list_tables(item, windows[item.book.name], provenance)
    ]
    rows = [(table, row) for table in tables for row in range(len(table.held))]
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), min(count, len(rows)), replace=False))
    score_settings, token, window, differences = provenance.settings.score, 0.0, 0.0, []
    for first in range(0, len(chosen), scorer.batch):
        batch = [rows[index] for index in chosen[first : first + scorer.batch]]
        held = _join([table.held.rows(slice(row, row + 1)) for table, row in batch])
        again = _score(
            partial(
                scorer.score,
                temperature=score_settings.temperature,
                top_k=score_settings.top_k,
                tolerance=PROMISE,
            ),
            ModelInput.join([table.model_input.select(np.array([row])) for table, row in batch]),
            np.maximum(held.top_token_ids, 0),
        )
        token = max(token, float(np.nanmax(np.abs(again.log_probs - held.token_log_probs), initial=0.0)))
        window = max(window, float(np.abs(again.log_probs.sum(axis=-1) - held.log_p_z).max()))
        in_float32 = np.array([table.rescored[row] or provenance.precision == "float32" for table, row in batch])
        for index, why in _find_differences(held, again, provenance, in_float32):
            table, row = batch[index]
            differences.append(f"{table.name}, row {row:,}: {why}")
    return Rescored(
        windows=len(chosen),
        among=len(rows),
        scorer=scorer.title,
        largest_token=token,
        largest_window=window,
        differences=differences,
    )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """The scores in a file of the results, and the token ids that they are of."""

    name: str
    model_input: ModelInput
    held: Scores
    """What the results do not hold is NaN, or -1."""
    rescored: np.ndarray
    """bool [W]: which of them are in float32, whatever the run's precision."""


def _list_tables(item: BookResults, windows: Windows, provenance: Provenance) -> Iterator[_Table]:
    """The windows of a book, and its control sample."""
    table, sample = item.read_windows(), item.read_control_sample()
    inputs = make_input(windows, provenance)
    yield _Table(
        name=f"{item.book.name}/{WINDOWS}",
        model_input=inputs.select(table.number),
        held=table.scores,
        rescored=table.rescored,
    )
    if sample:
        unknown = np.full((len(sample.sample), table.scores.token_ranks.shape[1]), -1, np.int32)
        yield _Table(
            name=f"{item.book.name}/{CONTROL_SAMPLE}",
            model_input=make_control_input(item, inputs, provenance.tokenization.scored_tokens),
            held=Scores(
                log_p_z=sample.log_p_z,
                log_p_z_top_k=sample.log_p_z_top_k,
                greedy=np.zeros(len(unknown), bool),
                token_log_probs=np.full(unknown.shape, np.nan, np.float32),
                token_ranks=unknown,
                top_token_ids=unknown,
                token_log_top_k_mass=np.full(unknown.shape, np.nan, np.float32),
            ),
            rescored=sample.rescored,
        )


def _score(score: Callable[..., ReferenceScores], inputs: ModelInput, top_token_ids: np.ndarray) -> ReferenceScores:
    """The scores of B windows, [B, S] each, 0 behind the last scored token of a window.

    Args:
        top_token_ids: int [B, S].
    """
    if inputs.scored is None:
        return score(inputs.token_ids, top_token_ids)
    # Windows of different tokens are scored from the earliest suffix to the end of the longest, and theirs is taken.
    first, count = np.split(inputs.scored, 2, axis=1)
    place = np.arange(top_token_ids.shape[1])
    is_scored, columns = place < count, first - first.min() + np.minimum(place, count - 1)
    said = np.zeros((len(inputs), inputs.token_ids.shape[1] - int(first.min())), top_token_ids.dtype)
    rows = np.broadcast_to(np.arange(len(inputs))[:, None], columns.shape)
    said[rows[is_scored], columns[is_scored]] = top_token_ids[is_scored]
    found = score(inputs.token_ids, said)
    taken = {name: np.take_along_axis(values, columns, axis=1) for name, values in vars(found).items()}
    return ReferenceScores(**{name: np.where(is_scored, values, 0) for name, values in taken.items()})


def _find_differences(
    held: Scores, again: ReferenceScores, provenance: Provenance, in_float32: np.ndarray
) -> Iterator[tuple[int, str]]:
    """The windows whose scores are further from the reference than is allowed, each with a clause on the first.

    Args:
        in_float32: bool [B]: which of them are in float32; the others are in the run's precision.
    """
    exact, top_k = again.log_probs.sum(axis=-1), provenance.settings.score.top_k
    if not in_float32.all():
        for low, high in itertools.pairwise(BANDS):
            allowed = ALLOWED[provenance.precision][low] if low else ALLOWED_BELOW[provenance.precision]
            for index in np.flatnonzero(find_in_band(exact, low, high) & ~in_float32).tolist():
                found, expected = float(held.log_p_z[index]), float(exact[index])
                if not abs(found - expected) <= allowed:
                    yield index, f"log_p_z {found:.6g} instead of {expected:.6g}, more than {allowed:g} nats off"
    ranks, scored = held.token_ranks, held.token_ranks.shape[1]
    of_top_k = np.minimum(again.tempered_log_probs - again.log_top_k_mass, 0.0).sum(axis=-1)
    may_be_outside = (again.perhaps_above >= top_k).any(axis=-1) if top_k else np.zeros(len(exact), bool)
    surely_outside = (again.surely_above >= top_k).any(axis=-1) if top_k else np.zeros(len(exact), bool)
    outside = np.isneginf(held.log_p_z_top_k)
    near = np.abs(np.where(outside, 0.0, held.log_p_z_top_k) - of_top_k) <= 2 * PROMISE * scored
    wrong = {
        f"a token's log-probability is off by more than {PROMISE:g} nats": (
            np.abs(held.token_log_probs - again.log_probs) > PROMISE
        ),
        "log_p_z is off": ~(np.abs(held.log_p_z - exact) <= PROMISE * scored)[:, None],
        "a token has another rank": (ranks >= 0) & ((ranks < again.surely_above) | (ranks > again.perhaps_above)),
        "the top k have another probability": np.abs(held.token_log_top_k_mass - again.log_top_k_mass) > PROMISE,
        "log_p_z_top_k is another": np.where(outside, ~may_be_outside, surely_outside | ~near)[:, None],
        "another token has the largest logit": (held.top_token_ids >= 0) & ~(again.top_gaps <= PROMISE),
    }
    for index in np.flatnonzero(in_float32).tolist():
        if whys := [why for why, where in wrong.items() if where[index].any()]:
            yield index, whys[0]


def _join(rows: list[Scores]) -> Scores:
    rows = pad_scores(rows)
    return Scores(**{name: np.concatenate([row.columns()[name] for row in rows]) for name in rows[0].columns()})
