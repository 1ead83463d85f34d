"""What is expected where a model has not seen the text."""

import dataclasses

import numpy as np

from byheart.measures.rates import Rates
from byheart.measures.schemes import Schemes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Control:
    """The control books of a run, taken together."""

    books: list[str]
    """Their names."""
    rates: Schemes[Rates]
    """Over the blocks of all of them."""
    log_p_z: Schemes[np.ndarray]
    """float64: the windows of all of them."""
    clear: Schemes[dict[float, tuple[int, int]]]
    """By threshold: how many of their non-overlapping windows reach it, of how many."""
