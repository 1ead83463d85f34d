"""What is told of a parser."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from byheart.contracts.errors import ByheartError

MOST_OF_A_MESSAGE = 2_000


class HarmError(Exception):
    """A parser did what none may do."""


@dataclass(frozen=True, kw_only=True)
class Parser:
    """A parser of foreign bytes."""

    name: str
    valid: Callable[[], Sequence[bytes]]
    """Makes inputs that it reads."""
    change: Callable[[bytes, Random], bytes]
    """Changes an input."""
    read: Callable[[bytes, Path], object]
    """Parses an input, in an empty folder of its own."""


@contextmanager
def may_refuse() -> Iterator[None]:
    """Let the `with` block end with an error of byheart's that people can read.

    Raises:
        HarmError: they cannot.
    """
    try:
        yield
    except ByheartError as error:
        message = str(error)
        if not message or len(message) > MOST_OF_A_MESSAGE:
            raise HarmError(f"a message of {len(message):,} characters") from error
        for character in message:
            if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
                raise HarmError(f"a message with the character {character!a}") from error
