"""Work ahead in threads comes back in its order, bounded."""

import threading
import time
from collections.abc import Iterator

import pytest

from byheart.store.in_order import map_in_order


def test_results_come_in_the_order_of_the_items_whichever_is_done_first() -> None:
    def slower_at_first(number: int) -> int:
        time.sleep(0.02 / (number + 1))
        return -number

    assert list(map_in_order(slower_at_first, range(20), threads=4, ahead=4)) == [-number for number in range(20)]


def test_no_more_results_wait_than_are_asked_for() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    results = map_in_order(lambda number: number, items(), threads=2, ahead=3)
    assert next(results) == 0
    assert taken == [0, 1, 2, 3]
    assert list(results) == list(range(1, 10))


def test_call_that_fails_ends_it_and_no_thread_is_left() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda number: 1 / number, [2, 1, 0, 1], threads=2, ahead=2))
    assert threading.active_count() == before
