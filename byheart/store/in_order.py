"""A map that computes ahead in threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_order(
    call: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int, ahead: int
) -> Iterator[_Result]:
    """The results of `call` for all items, in the order of the items.

    At most `ahead` results wait to be taken, which bounds the memory. The first call that fails ends the iteration,
    after the calls that have begun.
    """
    with ThreadPoolExecutor(threads) as pool:
        calls: deque[Future[_Result]] = deque()
        for item in items:
            calls.append(pool.submit(call, item))
            if len(calls) > ahead:
                yield calls.popleft().result()
        while calls:
            yield calls.popleft().result()
