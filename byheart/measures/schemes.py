"""The two p_z of a window, and the two ways to cover a character: whatever is computed is computed of both."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T", covariant=True)
_U = TypeVar("_U")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schemes(Generic[_T]):
    """Something for each of the two p_z of a window."""

    plain: _T
    """Of `log_p_z`: temperature 1, whole vocabulary."""
    top_k: _T
    """Of `log_p_z_top_k`: the temperature and top_k of the settings."""

    def map(self, function: Callable[..., _U], *others: "Schemes[Any]") -> "Schemes[_U]":
        """What a function makes of each, and of its counterparts in `others`."""
        return Schemes(
            plain=function(self.plain, *(other.plain for other in others)),
            top_k=function(self.top_k, *(other.top_k for other in others)),
        )


def gather(each: Iterable[Schemes[_T]]) -> Schemes[list[_T]]:
    """The plain ones and the top-k ones of several, as two lists."""
    held = list(each)
    return Schemes(plain=[schemes.plain for schemes in held], top_k=[schemes.top_k for schemes in held])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverages(Generic[_T]):
    """Something for each of the two ways to cover a character."""

    suffix: _T
    """Covered by a suffix, by what the model was asked for."""
    window: _T
    """Covered anywhere in a window, prompts included."""

    def map(self, function: Callable[..., _U], *others: "Coverages[Any]") -> "Coverages[_U]":
        """What a function makes of each, and of its counterparts in `others`."""
        return Coverages(
            suffix=function(self.suffix, *(other.suffix for other in others)),
            window=function(self.window, *(other.window for other in others)),
        )

    def chosen(self, coverage: str) -> _T:
        """The one that the setting `coverage` names."""
        return self.suffix if coverage == "suffix" else self.window

    def chosen_first(self, coverage: str) -> list[tuple[str, _T]]:
        """Both with their names, the one that the setting names first."""
        both = [("suffix", self.suffix), ("window", self.window)]
        return both if coverage == "suffix" else both[::-1]
