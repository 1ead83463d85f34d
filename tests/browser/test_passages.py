"""Passages and shares are those of the run's other files."""

import csv
import json
from pathlib import Path

import pytest

from byheart.measures.discoverable import THRESHOLDS
from tests.browser.expected import BookFiles
from tests.browser.opened import Opened

SLIDER = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.75, 0.9, 0.99)


def move_slider(opened: Opened, threshold: float) -> None:
    opened.report.locator("#threshold").fill(str(SLIDER.index(threshold)))
    opened.settle()


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_passages_are_those_of_the_table(opened: Opened, sample: BookFiles, threshold: float, tmp_path: Path) -> None:
    move_slider(opened, threshold)
    with opened.page.expect_download() as download:
        opened.report.locator("#passages button", has_text="CSV").click()
    download.value.save_as(tmp_path / "passages.csv")
    with (tmp_path / "passages.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(int(row["start"]), int(row["stop"])) for row in rows]
    expected = sample.list_passages(threshold)
    assert expected
    assert set(found) == expected
    assert found == sorted(expected, key=lambda span: (span[0] - span[1], span[0])), "the longest come first"
    assert f"{len(expected)} passage" in opened.text_of("says")
    assert f"{len(expected)} passage" in opened.text_of("passages")


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_share_is_that_of_the_statistics(opened: Opened, sample: BookFiles, threshold: float) -> None:
    statistics = json.loads((sample.folder / "statistics.json").read_text(encoding="utf-8"))
    share = statistics["plain"]["coverage_at"]["suffix"][f"{threshold:g}"]["share_of_measurable"]
    move_slider(opened, threshold)
    assert f"{share:.1%} of the measurable characters" in opened.text_of("says")
