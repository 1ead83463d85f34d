"""What a verification has to work with."""

import dataclasses
from collections.abc import Sequence

from byheart.verification.scorers import AUTO

WINDOWS = 16
"""How many windows are scored again where nobody says."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Means:
    """What a verification has to work with, and how much it does."""

    model: str = ""
    """Where the model is, or the adapter; empty looks for it."""
    base: str = ""
    """Where an adapter's base is; empty looks for it."""
    remembered: Sequence[str] = ()
    """Where the run may have found the model."""
    remembered_base: Sequence[str] = ()
    """Where the run may have found the adapter's base."""
    tokenizer: str = ""
    """Where the tokenizer is, if the run did not take the model's own; empty looks for it."""
    without_model: bool = False
    """Whether to do without a model."""
    texts: Sequence[str] = ()
    """Files with texts that the results do not hold."""
    store: str = ""
    """Where models and the records of what was measured are kept; empty is nowhere."""
    is_runs_store: bool = False
    """Whether the run had this store, so that its record of what was measured must agree."""
    windows: int | None = None
    """How many windows are scored again; None is `WINDOWS`, or more if an archive's author scored more."""
    seed: int | None = None
    """Chooses them; None draws it from the results."""
    scorer: str = AUTO
    """What scores them, one of `SCORERS`."""
