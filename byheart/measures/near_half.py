"""How the headline's shares at p_z = 0.5 would change if that threshold were a little lower or higher."""

import dataclasses
import math
from typing import Annotated

from byheart.measures.discoverable import NEAR_HALF
from byheart.measures.measured import Scheme, compute_window_share
from byheart.measures.units import Share, set_keys

ByNearThreshold = Annotated[dict[float, Share | None], set_keys("threshold", NEAR_HALF)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NearHalf:
    """Shares at thresholds near 0.5, under the plain scheme."""

    coverage_at: ByNearThreshold
    """The share of measurable characters in a suffix at or above the threshold; null where there are none."""
    windows_at: ByNearThreshold
    """The share of windows at or above the threshold; null where there are none."""

    @classmethod
    def from_scheme(cls, scheme: Scheme) -> "NearHalf":
        """The shares of a book under one scheme."""
        return cls(
            coverage_at={at: scheme.maps.suffix.compute_share(math.log(at)) for at in NEAR_HALF},
            windows_at={at: compute_window_share(scheme.log_p_z >= math.log(at)) for at in NEAR_HALF},
        )
