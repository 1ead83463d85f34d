"""Verdict: fail a run in which a book was not measured."""

from byheart.contracts.books import join_reasons, read_refused
from byheart.contracts.errors import BookError
from byheart.contracts.progress import say
from byheart.contracts.settings import Settings


def run(*, books: str, windows: str, settings: str) -> None:
    """Say which books are not measured.

    Args:
        books, windows, settings: what the earlier stages wrote.

    Raises:
        BookError: some books are not measured, and `on_bad_book` is `fail`.
    """
    refused = [*read_refused(books), *read_refused(windows)]
    reasons = join_reasons(refused)  # provenance.json has all of them
    if refused and Settings.read(settings).text.on_bad_book == "fail":
        raise BookError(
            f"every book must be measured, found {len(refused):,} that are not, while the others' results are there: "
            f"{reasons}; mend them and start the run anew (in Kubeflow by Clone run, since Retry repeats only this "
            "task), or set on_bad_book=skip",
            parameter="books",
            may_pass=all(book.may_pass for book in refused),
        )
    say(f"{len(refused):,} of the books are not measured: {reasons}" if refused else "every book is measured")
