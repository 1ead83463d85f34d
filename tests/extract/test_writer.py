import threading

import pytest

from byheart.components.extract.writer import Writer


def test_writes_are_done_in_order_and_before_the_end() -> None:
    done: list[int] = []
    with Writer() as writer:
        for number in range(20):
            writer.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    assert done == list(range(20))


def test_no_more_than_a_few_writes_wait() -> None:
    """Twenty writes are submitted to a disk that hangs: the submitting stops, and goes on when the disk does."""
    hangs, submitted = threading.Event(), []

    def wait() -> None:
        hangs.wait(10)

    def submit_all() -> None:
        with Writer() as writer:
            for number in range(20):
                writer.submit(wait)
                submitted.append(number)

    thread = threading.Thread(target=submit_all)
    thread.start()
    thread.join(0.3)
    assert len(submitted) < 6
    hangs.set()
    thread.join(10)
    assert len(submitted) == 20


def fail() -> None:
    raise OSError("disk full")


def test_failed_write_is_raised_by_the_next_call() -> None:
    with pytest.raises(OSError, match="disk full"), Writer() as writer:  # noqa: PT012
        writer.submit(fail)
        for _ in range(1_000):
            threading.Event().wait(0.01)
            writer.check()
        raise AssertionError("the failure went unnoticed")


def test_failed_last_write_is_raised_at_the_end() -> None:
    with pytest.raises(OSError, match="disk full"), Writer() as writer:
        writer.submit(fail)


def test_error_of_the_work_itself_is_the_one_that_is_raised() -> None:
    raised = threading.Event()

    def fail_later() -> None:
        raised.wait(10)
        fail()

    with pytest.raises(ValueError, match="of the work"), Writer() as writer:  # noqa: PT012
        writer.submit(fail_later)
        threading.Timer(0.1, raised.set).start()
        raise ValueError("of the work")
