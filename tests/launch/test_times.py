"""Where a run's time went, from the lines of its stages."""

import time

import pytest

from byheart.contracts.progress import StageLine
from byheart.launch.times import Times


def test_line_adds_up_the_stages_and_what_they_do_not_account_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 200.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    taken = Times()
    for stage, seconds, uses in (
        ("plan", None, {}), ("plan", 2.0, {}),
        ("extract", None, {"load": 3.0, "score": 40.0}), ("extract", 44.5, {}), ("extract", None, {"score": 20.0}),
        ("extract", 21.0, {}),
    ):  # fmt: skip
        taken.add(StageLine(severity="INFO", stage=stage, message="", elapsed_seconds=seconds, uses=uses))
    assert taken.describe() == "1:40: plan 2.0 s, extract 1:06 (load 3.0 s, score 1:00), to start them 32.5 s"
