"""The results of a run, read back from its folder as typed values."""

import csv
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import msgspec

from byheart.contracts.books import CONTROL
from byheart.contracts.csv_tables import read_csv
from byheart.contracts.errors import DamagedError
from byheart.contracts.json_files import from_json
from byheart.contracts.setting_groups import FULL
from byheart.contracts.version import RESULTS_VERSION
from byheart.measures.calibration.calibrate import Calibration
from byheart.measures.chapters import ListedChapter
from byheart.measures.passages import ListedPassage
from byheart.measures.provenance import PROVENANCE, BookDescription, Provenance
from byheart.measures.statistics import BookStatistics
from byheart.measures.summary import Summary
from byheart.measures.tables import SampleTable, SpanTable, WindowTable, read_pieces
from byheart.store import Place, open_store

SUMMARY, STATISTICS = "summary.json", "statistics.json"
WINDOWS, PASSAGES, CONTROL_SAMPLE = "windows.parquet", "passages.csv", "control_sample.parquet"
CALIBRATION = "calibration.json"
TOKENS = "tokens.parquet"
TEXT, CHAPTERS, CHAPTERS_TABLE = "text.txt", "chapters.json", "chapters.csv"
REPORT = "report.html"
RUN_FILES = (PROVENANCE, SUMMARY, "summary.csv", TOKENS, REPORT, "summary.md", "methods.md")
"""The files that describe the whole run."""
BOOK_FILES = (STATISTICS, CALIBRATION, WINDOWS, PASSAGES, CONTROL_SAMPLE, TEXT, CHAPTERS, CHAPTERS_TABLE)
"""The files in a book's folder, without the charts."""
_MOST_CHARACTERS = 100_000_000
"""No book that is measured has more; maps have a row for each."""
_LONGEST_PASSAGE = 2**31 - 1
"""The most characters of a cell; Python's default limit is 131,072."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class BookResults:
    """The results of one book."""

    statistics: BookStatistics
    place: Place
    """The run's folder."""

    @property
    def book(self) -> BookDescription:
        """The description of the book."""
        return self.statistics.provenance.book

    def read_passages(self) -> list[ListedPassage]:
        """Every passage, of every scheme and threshold."""
        name = f"{self.book.name}/{PASSAGES}"
        csv.field_size_limit(_LONGEST_PASSAGE)
        try:
            rows = read_csv(self.place.read(name).decode())
            return [
                msgspec.convert({key: cell or None for key, cell in row.items()}, ListedPassage, strict=False)
                for row in rows
            ]
        except (msgspec.ValidationError, UnicodeDecodeError, csv.Error) as error:
            raise _make_damaged_error(self.place.locate(name), str(error)) from None

    def read_windows(self) -> WindowTable:
        """Every window, with its scores and its repetition."""
        dropped = self.statistics.windows
        return WindowTable.from_bytes(
            **self._read(WINDOWS),
            characters=self.book.characters,
            dropped_tail=dropped.dropped_tail,
            dropped_inside=dropped.dropped_inside,
        )

    def read_spans(self) -> SpanTable:
        """Every window without its tokens, which are most of the bytes."""
        return SpanTable.from_bytes(**self._read(WINDOWS), characters=self.book.characters)

    def read_control_sample(self) -> SampleTable | None:
        """The control sample; None if there is none."""
        if self.statistics.control_sample is None:
            return None
        return SampleTable.from_bytes(**self._read(CONTROL_SAMPLE))

    def read_calibration(self) -> Calibration | None:
        """The book against the controls of its run; None for a control, and in a run without controls."""
        if self.statistics.control is None:
            return None
        name = f"{self.book.name}/{CALIBRATION}"
        return from_json(self.place.read(name), Calibration, name=self.place.locate(name))

    def read_text(self) -> str | None:
        """The text as it was measured; None unless report_text is `full`."""
        if self.statistics.provenance.settings.report.report_text != FULL:
            return None
        name = f"{self.book.name}/{TEXT}"
        data = self.place.read(name)
        if hashlib.sha256(data).hexdigest() != self.book.sha256:
            raise _make_damaged_error(self.place.locate(name), "its SHA-256 is different")
        return data.decode()

    def read_chapters(self) -> list[ListedChapter]:
        """The chapters with their numbers, in text order; their titles are empty where report_text is `none`."""
        name = f"{self.book.name}/{CHAPTERS}"
        return from_json(self.place.read(name), list[ListedChapter], name=self.place.locate(name))

    def _read(self, file: str) -> dict[str, Any]:
        """The bytes of a file of the book, and its name in error messages."""
        name = f"{self.book.name}/{file}"
        return {"data": self.place.read(name), "name": self.place.locate(name)}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """The results of a run."""

    provenance: Provenance
    summary: Summary
    books: list[BookResults]
    """Books and controls, in the order of the run's parameters."""
    place: Place
    """The run's folder."""

    def read_pieces(self) -> dict[int, str] | None:
        """The text of each token that occurs, by its id; None unless report_text is `full`."""
        if self.provenance.settings.report.report_text != FULL:
            return None
        return read_pieces(self.place.read(TOKENS), name=self.place.locate(TOKENS))

    @classmethod
    def open(cls, address: str | Path) -> "Results":
        """The results in a local folder or at gs://.

        For example:

            for book in Results.open("out").books:
                print(book.book.called, book.statistics.headline.coverage)

        Raises:
            DamagedError: the folder has no results, or results of another version, or incomplete results.
            StoreError: the folder cannot be read.
        """
        place = open_store(str(address), "results")
        if place.find(PROVENANCE) is None:
            raise DamagedError(
                f"{address} must be a folder of results, found no {PROVENANCE} in it: give the folder that a run wrote"
            )
        version = from_json(place.read(PROVENANCE), _Version, name=place.locate(PROVENANCE)).results_version
        if version != RESULTS_VERSION:
            raise DamagedError(
                f"{address} must hold results of version {RESULTS_VERSION}, found version {version}: "
                "run again; scores that are in the store are not computed again"
            )
        provenance = from_json(place.read(PROVENANCE), Provenance, name=place.locate(PROVENANCE))
        if long := next((book for book in provenance.books.values() if book.characters > _MOST_CHARACTERS), None):
            raise DamagedError(
                f"{address} must be of books of at most {_MOST_CHARACTERS:,} characters, found {long.characters:,} in "
                f"{long.name}: no run writes that"
            )
        stored_names = {stored.name for stored in place.list()}
        if missing := [name for name in _list_files(provenance) if name not in stored_names]:
            more = f" and {len(missing) - 1:,} more" if missing[1:] else ""
            raise DamagedError(f"{address} must hold all results of its run, found no {missing[0]}{more}: run again")

        def read_book(name: str) -> BookResults:
            file = f"{name}/{STATISTICS}"
            statistics = from_json(place.read(file), BookStatistics, name=place.locate(file))
            if (found := statistics.provenance.book).name != name:
                raise _make_damaged_error(place.locate(file), f"it is of {found.name}")
            return BookResults(statistics=statistics, place=place)

        return cls(
            provenance=provenance,
            summary=from_json(place.read(SUMMARY), Summary, name=place.locate(SUMMARY)),
            books=[read_book(name) for name in provenance.books],
            place=place,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Version:
    results_version: int = 0
    """0 in results from before they had a version of their own."""


def _list_files(provenance: Provenance) -> list[str]:
    """The names of the files that a complete folder of results must hold."""
    files = [SUMMARY, TOKENS] if provenance.settings.report.report_text == FULL else [SUMMARY]
    has_controls = any(book.role == CONTROL for book in provenance.books.values())
    for name, book in provenance.books.items():
        files += [f"{name}/{file}" for file in (STATISTICS, WINDOWS, PASSAGES, CHAPTERS)]
        files += [f"{name}/{TEXT}"] if provenance.settings.report.report_text == FULL else []
        files += [f"{name}/{CONTROL_SAMPLE}"] if book.control_sample else []
        files += [f"{name}/{CALIBRATION}"] if has_controls and book.role != CONTROL else []
    return files


def _make_damaged_error(location: str, why: str) -> DamagedError:
    return DamagedError(f"{location} must be as it was written, found that it is not ({why}): run again")
