"""Work that is done ahead in threads, and comes back in its order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_order(
    call: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int, ahead: int
) -> Iterator[_Result]:
    """What `call` makes of each item, in the order of the items.

    At most `ahead` results wait to be asked for, which bounds the memory. The first call that fails ends it; those that
    were begun are waited for.
    """
    with ThreadPoolExecutor(threads) as pool:
        calls: deque[Future[_Result]] = deque()
        for item in items:
            calls.append(pool.submit(call, item))
            if len(calls) > ahead:
                yield calls.popleft().result()
        while calls:
            yield calls.popleft().result()
