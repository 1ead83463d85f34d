"""Work ahead in threads comes back in its order, bounded."""

import threading
import time
from collections.abc import Iterator

import pytest

from byheart.store.in_order import map_in_order, merge


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


def test_iterations_run_side_by_side_and_each_keeps_its_order() -> None:
    barrier = threading.Barrier(2, timeout=60)

    def count(name: str) -> Iterator[tuple[str, int]]:
        for number in range(3):
            if name in "ab":
                barrier.wait()
            yield name, number

    results = list(merge(count, "abcd", threads=2))
    assert sorted(results) == [(name, number) for name in "abcd" for number in range(3)]
    for name in "abcd":
        assert [number for of, number in results if of == name] == [0, 1, 2]


def test_iteration_that_fails_ends_all_and_no_thread_is_left() -> None:
    before = threading.active_count()

    def divide(number: int) -> Iterator[float]:
        yield 1.0
        yield 1 / number

    with pytest.raises(ZeroDivisionError):
        list(merge(divide, [1, 0, 1], threads=2))
    assert list(merge(divide, [], threads=2)) == []
    assert threading.active_count() == before
