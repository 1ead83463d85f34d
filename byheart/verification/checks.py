"""What a verification found: a line for each check, and whether all of them held."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from byheart.contracts.errors import ByheartError

HELD, FAILED, NOT_VERIFIED = "held", "failed", "not verified"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One check."""

    name: str
    outcome: str
    """`held`, `failed` or `not verified`."""
    says: str
    """What was compared and found, in a line."""


class Checks:
    """The checks so far."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Tell is called with a line for each check."""
        self.list: list[Check] = []
        self._tell = tell

    def add(self, name: str, outcome: str, says: str) -> None:
        """Add a check, and tell of it."""
        self.list.append(Check(name=name, outcome=outcome, says=says))
        self._tell(f"{outcome:<12}  {name}: {says}")

    def compare(self, name: str, differences: list[str], says: str) -> bool:
        """Add a check that holds if there are no differences; returns whether it does."""
        shown = "; ".join(differences[:_SHOWN])
        more = f"; and {len(differences) - _SHOWN:,} more" if len(differences) > _SHOWN else ""
        self.add(name, FAILED if differences else HELD, f"{shown}{more}" if differences else says)
        return not differences

    @contextmanager
    def catch(self, name: str) -> Iterator[None]:
        """Add a failed check if the block raises an error that is meant for users."""
        try:
            yield
        except ByheartError as error:
            self.add(name, FAILED, error.message)

    def names(self, outcome: str) -> list[str]:
        """The names of the checks with this outcome."""
        return [check.name for check in self.list if check.outcome == outcome]


_SHOWN = 3
"""Differences that are shown."""
