"""The address of a measurement: a hash of everything that determines its scores, and of nothing else."""

import hashlib
import json

import numpy as np

from byheart.contracts.setting_groups import ScoreSettings
from byheart.contracts.version import CONTRACT_VERSION


def compute_address(*, model_input: np.ndarray, scored_tokens: int, weights_sha256: str, score: ScoreSettings) -> str:
    """The address of the scores of these windows under a model: 32 hexadecimal digits.

    The token ids stand for the book, the tokenizer, the BOS and the window settings. The address does not depend on
    which windows are selected. Values are converted to their declared types first, because Kubeflow passes 1.0 as 1.

    Args:
        model_input: int32 [W, T], the token ids that are fed and scored.
        scored_tokens: how many at the end of each window are scored.
        score: its `precision` is resolved: never `auto`.
    """
    ids = np.ascontiguousarray(model_input, "<i4")
    determines = {
        "contract": CONTRACT_VERSION,
        "model_input": [*map(int, ids.shape), hashlib.sha256(ids.tobytes()).hexdigest()],
        "scored_tokens": int(scored_tokens),
        "weights": weights_sha256,
        "score": [float(score.temperature), int(score.top_k), str(score.precision)],
    }
    return hashlib.sha256(json.dumps(determines, sort_keys=True).encode()).hexdigest()[:32]
