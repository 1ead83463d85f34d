"""Windows and scores of made-up books, for the tests of what is made of them."""

import numpy as np

from components.contracts.scores import Scores
from components.contracts.windows import Windows


def windows(count: int, *, stride: int = 10, prompt: int = 20, suffix: int = 20, first: int = 0) -> Windows:
    """Windows of `prompt` + `suffix` characters, one every `stride`, with a token a character."""
    start = first + stride * np.arange(count)
    token_stops = start[:, None] + 1 + np.arange(prompt + suffix)
    return Windows(
        cursor=start,
        start=start,
        suffix_start=start + prompt,
        stop=start + prompt + suffix,
        token_ids=np.zeros((count, prompt + suffix), np.int32),
        token_stops=token_stops,
        dropped_tail=3,
        dropped_inside=1,
    )


def scores(log_p_z: np.ndarray, log_p_z_top_k: np.ndarray | None = None) -> Scores:
    """Scores with these sums, in one token each."""
    rows = len(log_p_z)
    return Scores(
        log_p_z=log_p_z,
        log_p_z_top_k=log_p_z if log_p_z_top_k is None else log_p_z_top_k,
        greedy=log_p_z > np.log(0.5),
        token_log_probs=log_p_z.astype(np.float32)[:, None],
        token_ranks=np.zeros((rows, 1), np.int32),
        token_log_top_k_mass=np.zeros((rows, 1), np.float32),
    )
