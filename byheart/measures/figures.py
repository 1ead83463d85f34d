"""A number of the headline as people read it: with its interval, its bound at 0% and 100%, its control, its meaning."""

import dataclasses
import itertools
import math

from byheart.measures.discoverable import STEPS
from byheart.measures.uncertainty import compute_wilson_interval
from byheart.measures.units import Interval, NoInterval

_BITS = "bits per character"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ALMOST = 0.0005
"""A share this close to 0% or 100%, but not there, is shown as a bound: 0.0% is none, 100.0% is all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bound:
    """What a share of 0% or 100% leaves possible in more text of the same kind: one end of a 95% interval.

    It is Wilson's for windows that share no text, as if they were independent. The interval over blocks would be nearly
    as wide as it can be for a text of few blocks (0% to 84% for two), because it must allow for what comes in long
    stretches; of a text in which nothing is known there are none to see.
    """

    windows: int
    """How many windows share no text with another."""
    is_upper: bool
    """Whether the share is 0%, so that it has an upper bound; otherwise it is 100%."""

    @property
    def share(self) -> float:
        """The bound."""
        low, high = compute_wilson_interval(0 if self.is_upper else self.windows, self.windows) or (0.0, 1.0)
        return high if self.is_upper else low

    @property
    def brief(self) -> str:
        """The bound in a table, for example `≤ 4.7%`."""
        return f"{'≤' if self.is_upper else '≥'} {self.share:.1%}"

    @property
    def words(self) -> str:
        """The bound with what it is from."""
        if self.windows == 1:
            return f"at {'most' if self.is_upper else 'least'} {self.share:.1%}, from a single separate window"
        if self.is_upper:
            return f"at most {self.share:.1%}, as none of {self.windows:,} separate windows does"
        return f"at least {self.share:.1%}, as all {self.windows:,} separate windows do"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of the headline: a share, a count of characters, or bits per character."""

    name: str
    """Its short name in lists of metrics."""
    title: str
    """What it is called at the head of a table."""
    phrase: str
    """The words that follow the number in a sentence."""
    unit: str
    """The unit of its number, as list_fields names it."""
    meaning: str
    """A sentence that says what the number means, and what it does not."""
    value: float | int | None
    """None where nothing is measurable."""
    interval: Interval | None = None
    """The 95% interval of a share for other books made of such blocks."""
    no_interval: NoInterval | None = None
    """Why a share has no interval; None also for a length, which never has one."""
    bound: Bound | None = None
    """Of a share of 0% or 100%."""
    beside: str = ""
    """What the number alone would hide."""
    control: float | int | None = None
    """The same number of the run's controls."""
    control_bound: Bound | None = None
    """Of a controls' share of 0% or 100%."""

    @property
    def shown(self) -> str:
        """The number as text for people."""
        return show(self.value, self.unit)

    @property
    def shown_control(self) -> str:
        """The controls' number as text for people, with its bound."""
        number = show(self.control, self.unit)
        return f"{number} ({self.control_bound.words})" if self.control_bound else number

    @property
    def control_in_table(self) -> str:
        """The controls' number with its bound, briefly."""
        number = show(self.control, self.unit)
        return f"{number} ({self.control_bound.brief})" if self.control_bound else number

    @property
    def shown_interval(self) -> str:
        """The interval, or why there is none; empty for a number that never has one."""
        if self.interval:
            return f"{show(self.interval[0])} to {show(self.interval[1])}"
        return f"no interval: {self.no_interval}" if self.no_interval else ""

    @property
    def shown_in_table(self) -> str:
        """The number with its bound, briefly."""
        return f"{self.shown} ({self.bound.brief})" if self.bound else self.shown


def show(value: float | int | None, unit: str = "") -> str:
    """A share as per cent, a count with thousands separators, bits with two digits at least, None as a dash.

    A share is 0.0% or 100.0% only if it is none or all.
    """
    if value is None:
        return "–"
    if unit == _BITS:
        return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
    if not isinstance(value, float):
        return f"{value:,}"
    if 0 < value < _ALMOST:
        return "< 0.1%"
    return "> 99.9%" if 1 - _ALMOST < value < 1 else f"{value:.1%}"


def show_power(exponent: int) -> str:
    """A power of ten: 10⁻¹²."""
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def show_rounded(logarithm: float) -> str:
    """The number of this natural logarithm with one digit, as js/words.mjs writes it too: 3 × 10⁻¹²."""
    decades = logarithm / math.log(10)
    exponent = math.floor(decades)
    digit = math.floor(10 ** (decades - exponent) + 0.5)
    return f"1 × {show_power(exponent + 1)}" if digit == 10 else f"{digit} × {show_power(exponent)}"


def show_threshold(p_z: float) -> str:
    """A threshold as people write it: `0.1%`, `50%`."""
    return f"{p_z:.1%}".replace(".0%", "%")


def label_steps() -> tuple[str, ...]:
    """What lies below, between and above the steps of the colours: `< 0.1%`, `0.1–1%`, ..., `≥ 50%`."""
    names = [show_threshold(step) for step in STEPS]
    between = (f"{low[:-1]}–{high}" for low, high in itertools.pairwise(names))
    return f"< {names[0]}", *between, f"≥ {names[-1]}"


def show_with_bound(share: float | None, windows: int) -> str:
    """A share as `show` has it, at 0% and 100% with its bound, briefly.

    Args:
        windows: how many of the windows behind it share no text.
    """
    bound = find_bound(share, windows)
    return f"{show(share)} ({bound.brief})" if bound else show(share)


def find_bound(share: float | int | None, windows: int) -> Bound | None:
    """The bound of a share; None unless it is 0% or 100% of something.

    Args:
        windows: how many of the windows behind it share no text.
    """
    return Bound(windows=windows, is_upper=share == 0) if windows and share in (0.0, 1.0) else None
