"""Verdict: fail a run in which a book was not measured."""

from pathlib import Path

from byheart.contracts.books import join_reasons
from byheart.contracts.errors import BookError
from byheart.contracts.json_files import read_json
from byheart.contracts.progress import say
from byheart.measures.provenance import PROVENANCE, Provenance


def run(*, results: str) -> None:
    """Say which books are not measured.

    Args:
        results: the folder that `plot` wrote.

    Raises:
        BookError: some books are not measured, and `on_bad_book` is `fail`.
    """
    provenance = read_json(Path(results) / PROVENANCE, Provenance)
    refused = provenance.not_measured
    reasons = join_reasons(refused)  # provenance.json has all of them
    if refused and provenance.settings.text.on_bad_book == "fail":
        raise BookError(
            f"every book must be measured, found {len(refused):,} that are not, while the others' results are there: "
            f"{reasons}; mend them and start the run anew (in Kubeflow by Clone run, since Retry repeats only this "
            "task), or set on_bad_book=skip",
            parameter="books",
            may_pass=all(book.may_pass for book in refused),
        )
    say(f"{len(refused):,} of the books are not measured: {reasons}" if refused else "every book is measured")
