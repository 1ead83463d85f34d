import threading

import pytest

from byheart.components.download.memory import Allowance, KeptTexts
from byheart.contracts.errors import BookError


def test_threads_work_on_so_many_bytes_at_once_and_on_a_larger_file_alone() -> None:
    allowance, lock = Allowance(10), threading.Lock()
    at_work, most = [0], [0]

    def work(size: int) -> None:
        with allowance.take(size):
            with lock:
                at_work[0] += min(size, 10)
                most[0] = max(most[0], at_work[0])
            threading.Event().wait(0.001)
            with lock:
                at_work[0] -= min(size, 10)

    threads = [threading.Thread(target=work, args=(size,)) for size in (1, 4, 9, 100, 5, 6) * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert 0 < most[0] <= 10


def test_texts_are_counted_with_the_bytes_of_their_widest_character() -> None:
    kept = KeptTexts(10_000)
    kept.add("a" * 5_000, "a.txt")
    with pytest.raises(BookError, match=r"at most 10,000 bytes of memory, found more with b\.txt: divide the books"):
        kept.add("’" * 2_500, "b.txt")
    kept.add("a" * 2_500, "c.txt")
