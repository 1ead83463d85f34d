"""What must hold, and whether it does: each claim with the numbers that decide it."""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np

from benchmarks.validate.numbers import Alarms, Dose

LEAST_AUC = 0.95
"""Of passages with the most copies. Where seeing changes nothing it is 0.5; the standard error is 0.03 at 0.8."""
ERRORS = 4
"""Standard errors: a right program differs by more once in 16,000 times."""
FLAT = 1
"""Up to so many copies, no order is asked for: one is too little for so few passages."""
MOST_NATS = 5e-3
"""Of a window of 50 tokens: docs/numbers.md allows 1e-4 a token."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """Numbers of byheart beside the same numbers by other means."""

    windows: int
    """Windows that were scored by float64 NumPy too."""
    nats: float
    """The largest difference of their log_p_z."""
    files: int
    """Passages that were measured as files of their own too, with their controls."""
    unequal: tuple[str, ...]
    """Those whose calibration.json says something else."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence, and whether it is true."""

    holds: bool
    sentence: str


def judge(doses: Sequence[Dose], alarms: Alarms, check: Check) -> list[Claim]:
    """Every claim."""
    seeds = sorted({dose.seed for dose in doses})
    of_seed = {seed: [dose for dose in doses if dose.seed == seed] for seed in seeds}
    rising = [seed for seed in seeds if does_rise(of_seed[seed])]
    most = [of_seed[seed][-1] for seed in seeds]
    never = [of_seed[seed][0] for seed in seeds]
    medians = [float(np.median(np.concatenate([dose.seen[:, 0] for dose in some]))) for some in (never, most)]
    worst = math.floor(100 * min(dose.auc for dose in most)) / 100
    sham = max(abs(gain) / error for gain, error in (dose.gain for dose in never))
    fewest, largest = alarms.bounds
    within = all(fewest <= count <= largest for count in (alarms.p_all, alarms.census))
    return [
        Claim(
            holds=len(rising) == len(seeds),
            sentence=f"p_z rises with copies in {len(rising)} of {len(seeds)} seeds, from a median of "
            f"10^{medians[0]:.0f} of passages never seen to 10^{medians[1]:.0f} at {most[0].copies} copies",
        ),
        Claim(
            holds=worst >= LEAST_AUC,
            sentence=f"AUC at least {worst:.2f} at {most[0].copies} copies ({LEAST_AUC} or more are asked for)",
        ),
        Claim(
            holds=sham <= ERRORS,
            sentence=f"never planted, the halves differ by at most {sham:.1f} standard errors ({ERRORS} are allowed)",
        ),
        Claim(
            holds=within,
            sentence=f"{alarms.p_all} false alarms by p_all and {alarms.census} by the census of {alarms.documents:,} "
            f"documents ({fewest} to {largest} are allowed)",
        ),
        Claim(
            holds=check.nats <= MOST_NATS,
            sentence=f"float64 NumPy gives log_p_z of {check.windows} windows to {check.nats:.0e} nats",
        ),
        Claim(
            holds=not check.unequal,
            sentence=f"files of their own give the same claims for {check.files - len(check.unequal)} of "
            f"{check.files} passages",
        ),
    ]


def does_rise(doses: Sequence[Dose]) -> bool:
    """Whether p_z of the seen passages and what having seen them saves both grow with the copies of a seed."""
    low = [dose for dose in doses if dose.copies <= FLAT]
    high = [dose for dose in doses if dose.copies > FLAT]
    steps = [*((one, high[0]) for one in low), *itertools.pairwise(high)]
    return all(less.gain[0] < more.gain[0] and less.seen[:, 0].mean() < more.seen[:, 0].mean() for less, more in steps)


def conclude(claims: Sequence[Claim]) -> str:
    """The last line: what held; or what did not, and then what did."""
    held = "; ".join(claim.sentence for claim in claims if claim.holds)
    failed = "; ".join(claim.sentence for claim in claims if not claim.holds)
    return f"failed: {failed}" + (f" -- held: {held}" if held else "") if failed else f"held: {held}"
