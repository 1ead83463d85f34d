"""Feeds one parser until its time is up: python -m tests.fuzz.child PARSER SECONDS SEED FILE

FILE holds the input at hand, so that it is there whatever becomes of the process. The last line that is printed is the
number of inputs.
"""

import faulthandler
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz.guard import MOST_SECONDS, check
from tests.fuzz.parser import HarmError
from tests.fuzz.parsers import PARSERS, list_corpus

_LEAVE_SECONDS = 12 * MOST_SECONDS
"""After so many seconds with one input the process ends with a traceback."""
_ALIKE = 30
"""The characters by which harm is of the same kind."""
_SMALLER_SECONDS = 30.0
"""How long the smallest input is looked for."""


def feed(name: str, seconds: float, seed: int, file: Path) -> int:
    """Feed a parser, and return how many inputs it was fed.

    Raises:
        HarmError: it did what it may not do; the file holds the smallest input that was found.
    """
    parser, count, random = PARSERS[name], 0, Random(seed)
    inputs = [*parser.valid(), *list_corpus(name)]

    def feed_one(data: bytes) -> None:
        file.write_bytes(data)
        faulthandler.dump_traceback_later(_LEAVE_SECONDS, exit=True)
        try:
            check(parser, data)
        finally:
            faulthandler.cancel_dump_traceback_later()

    for data in inputs:  # so that all that is imported late is there
        feed_one(data)
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        data = parser.change(random.choice(inputs), random)
        count += 1
        try:
            feed_one(data)
        except HarmError as error:
            feed_one(make_smaller(data, feed_one, str(error)[:_ALIKE]))
            raise
    return count


def make_smaller(data: bytes, feed_one: Callable[[bytes], None], harm: str) -> bytes:
    """The smallest input, made by leaving bytes out, that does harm of the same kind."""

    def does_harm(smaller: bytes) -> bool:
        try:
            feed_one(smaller)
        except HarmError as error:
            return str(error)[:_ALIKE] == harm
        return False

    stop, width = time.monotonic() + _SMALLER_SECONDS, len(data)
    while width and time.monotonic() < stop:
        starts = range(0, len(data), width)
        smaller = next((cut for at in starts if does_harm(cut := data[:at] + data[at + width :])), None)
        if smaller is None:
            width //= 2
        else:
            data = smaller
    return data


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(feed(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
