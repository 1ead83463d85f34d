"""Tables that spreadsheets open and programs read back."""

import csv
import io

import pytest

from byheart.contracts.csv_tables import format_csv, read_csv


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1 said", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-"])
def test_no_text_is_a_formula_and_each_is_read_back_as_it_was(text: str) -> None:
    table = format_csv(["title"], [{"title": text}])
    [row] = csv.DictReader(io.StringIO(table, newline=""))
    assert row == {"title": f"'{text}"}
    assert list(read_csv(table)) == [{"title": text}]


@pytest.mark.parametrize("cell", [-8.5, -1, "'tis", "a-b", "", "–", 'a\r\n"b",c'])
def test_numbers_and_other_texts_stay(cell: object) -> None:
    table = format_csv(["cell"], [{"cell": cell}])
    assert list(csv.DictReader(io.StringIO(table, newline=""))) == list(read_csv(table)) == [{"cell": str(cell)}]
