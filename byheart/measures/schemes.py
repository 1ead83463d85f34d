"""Pairs of values: for the two schemes of p_z, and for the two coverages of a character."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T", covariant=True)
_U = TypeVar("_U")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schemes(Generic[_T]):
    """A value for each of the two schemes of p_z."""

    plain: _T
    """For `log_p_z`: temperature 1, whole vocabulary."""
    top_k: _T
    """For `log_p_z_top_k`: the temperature and top_k of the settings."""

    def map(self, function: Callable[..., _U], *others: "Schemes[Any]") -> "Schemes[_U]":
        """The function applied to both values, each with its counterparts in `others`."""
        return Schemes(
            plain=function(self.plain, *(other.plain for other in others)),
            top_k=function(self.top_k, *(other.top_k for other in others)),
        )


def gather(pairs: Iterable[Schemes[_T]]) -> Schemes[list[_T]]:
    """The plain values of several pairs as a list, and their top-k values as another."""
    pairs = list(pairs)
    return Schemes(plain=[pair.plain for pair in pairs], top_k=[pair.top_k for pair in pairs])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverages(Generic[_T]):
    """A value for each of the two coverages of a character."""

    suffix: _T
    """For characters covered by a suffix, which the model scores."""
    window: _T
    """For characters covered anywhere in a window, prompts included."""

    def map(self, function: Callable[..., _U], *others: "Coverages[Any]") -> "Coverages[_U]":
        """The function applied to both values, each with its counterparts in `others`."""
        return Coverages(
            suffix=function(self.suffix, *(other.suffix for other in others)),
            window=function(self.window, *(other.window for other in others)),
        )

    def choose(self, coverage: str) -> _T:
        """The value for the setting `coverage`."""
        return self.suffix if coverage == "suffix" else self.window

    def list_chosen_first(self, coverage: str) -> list[tuple[str, _T]]:
        """Both values with their names, the one for the setting `coverage` first."""
        both = [("suffix", self.suffix), ("window", self.window)]
        return both if coverage == "suffix" else both[::-1]
