"""The progress of scoring: of the current book, and of all books."""

from collections import Counter
from collections.abc import Callable

from byheart.components.extract.work import Work
from byheart.contracts.progress import Progress
from byheart.scores.parts import Part


class BooksProgress:
    """Says how far the current book is, how many books are done, and how far the whole run is.

    Args:
        remark: makes a remark about windows a second.
    """

    def __init__(self, work: Work, remark: Callable[[float], str]) -> None:
        self._windows, self._left = work.windows, Counter(dict.fromkeys(work.windows, 0))
        for missing in work.missing:
            self._left[missing.part.address] += len(missing.windows)
        self._names = {address: f"{name}, control sample" for name, address in work.plan.control_addresses.items()}
        self._names |= {address: name for name, address in work.plan.addresses.items()}
        self._books = {address for address in work.plan.addresses.values() if work.windows[address]}
        self._all = Progress(work.total, "windows", skip=work.done, remark=remark)

    def add(self, part: Part, windows: int) -> None:
        """Count windows of a part as done, and print a line when it is time."""
        address, before = part.address, ""
        self._left[address] -= windows
        if len(self._books) > 1:
            whole, books = self._windows[address], sum(not self._left[other] for other in self._books)
            current = f"{self._names[address]} {whole - self._left[address]:,} / {whole:,}"
            before = f"{current}, {books:,} of {len(self._books):,} books done; "
        self._all.add(windows, before, book=self._names[address], part=part.number)
