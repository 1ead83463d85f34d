"""The scores of a book's windows, as arrays."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """The scores of W windows with S scored tokens each; logarithms are natural.

    A window may have fewer (`Windows.suffix_tokens`): behind its last token, all numbers are 0.

    The fields are the columns of the kind `byheart.scores.kinds.SCORES`, and of `windows.parquet`, in this order.
    """

    log_p_z: np.ndarray
    """float64 [W]: the sum of `token_log_probs`, at temperature 1 over the whole vocabulary; at most 0."""
    log_p_z_top_k: np.ndarray
    """float64 [W]: the same under the decoding scheme; -inf where a suffix token falls outside the top k."""
    greedy: np.ndarray
    """bool [W]: whether every suffix token is the most probable token at its position."""
    token_log_probs: np.ndarray
    """float32 [W, S]: the log-probability of each suffix token, nats."""
    token_ranks: np.ndarray
    """int32 [W, S]: how many logits are strictly greater."""
    top_token_ids: np.ndarray
    """int32 [W, S]: the token with the largest logit, the lowest id among equals."""
    token_log_top_k_mass: np.ndarray
    """float32 [W, S]: log of the probability of the `top_k` largest logits together, after temperature."""

    def __len__(self) -> int:
        return len(self.log_p_z)

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name, in the order of `windows.parquet`."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def cut(self, scored_tokens: int) -> "Scores":
        """The scores with S of at most `scored_tokens`, where none of the windows has more."""
        columns = {name: values[:, :scored_tokens] for name, values in self.columns().items() if values.ndim > 1}
        return dataclasses.replace(self, **columns)

    def rows(self, which: slice) -> "Scores":
        """The scores of some windows."""
        return dataclasses.replace(self, **{name: values[which] for name, values in self.columns().items()})


def pad_scores(scores: Sequence[Scores]) -> list[Scores]:
    """The same scores, all with as many S as the most of them."""
    most = max((each.token_log_probs.shape[1] for each in scores), default=0)

    def pad(values: np.ndarray) -> np.ndarray:
        return np.pad(values, ((0, 0), (0, most - values.shape[1]))) if values.ndim > 1 else values

    return [Scores(**{name: pad(values) for name, values in each.columns().items()}) for each in scores]
