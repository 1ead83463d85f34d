"""The cores that a process may use."""

import os
from pathlib import Path

import pytest

from byheart.machines.cores import count_cores, find_cores


@pytest.mark.parametrize(
    ("quota", "most"), [("max 100000", 10**6), ("50000 100000", 1), ("150000 100000", 2), ("1000000000 100000", 10**6)]
)
def test_a_container_has_no_more_cores_than_its_quota(tmp_path: Path, quota: str, most: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert count_cores(tmp_path / "cpu.max") == min(most, len(os.sched_getaffinity(0)))


def test_without_a_quota_all_cores_count(tmp_path: Path) -> None:
    assert count_cores(tmp_path / "cpu.max") == len(os.sched_getaffinity(0))


def test_a_core_multiplies_as_fast_as_some_core_does() -> None:
    assert find_cores().flops in (0.2e12, 0.075e12)
