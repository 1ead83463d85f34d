"""Maps that compute ahead in threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
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


class _End:
    """Stands for the result that an iteration no more has."""


def merge(iterate: Callable[[_Item], Iterator[_Result]], items: Iterable[_Item], *, threads: int) -> Iterator[_Result]:
    """The results of iterating each item, so many items at once, in the order in which they come.

    One result of each iteration waits to be taken. The first that fails ends them all.
    """
    begun, end = map(iterate, items), _End()
    with ThreadPoolExecutor(threads) as pool:
        running = {pool.submit(next, iteration, end): iteration for iteration in islice(begun, threads)}
        while running:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                iteration, result = running.pop(done), done.result()
                if isinstance(result, _End):
                    running |= {pool.submit(next, iteration, end): iteration for iteration in islice(begun, 1)}
                else:
                    running[pool.submit(next, iteration, end)] = iteration
                    yield result
