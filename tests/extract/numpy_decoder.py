"""The logits of the second implementation, byheart/verification: float64 NumPy that shares no code with the engine."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from byheart.models.folder import read_config
from byheart.store import open_store
from byheart.verification.architecture import read_architecture
from byheart.verification.layer_norm import compute_states, name_head, read_head_bias
from byheart.verification.weights import Weights


def logits(folder: Path, token_ids: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The logits [T, V] after each token of one sequence [T], under a checkpoint whose logits are not capped."""
    place = open_store(str(folder))
    model = read_architecture(read_config(place))
    assert model
    weights = Weights(place, model.prefix)
    states = compute_states(model, weights, np.asarray(token_ids)[None])[0] * model.logit_scale
    logits = np.concatenate([states @ rows.T for _, rows in weights.read_rows(name_head(model))], axis=-1)
    return logits + read_head_bias(model, weights)
