from typing import Any

import pytest

from byheart.contracts.errors import SettingsError
from byheart.launch.parameters import parse_values

Declared = dict[str, dict[str, Any]]


def test_values_are_read_as_the_pipeline_declares_them(declared: Declared) -> None:
    values = parse_values(["top_k=20", "temperature=0.5", "bos=true", "plot_title=a=b c"], declared)
    assert values == {"top_k": 20, "temperature": 0.5, "bos": "true", "plot_title": "a=b c"}


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("top_k", "name=value"),
        ("chunksize=5", "did you mean chunk_size"),
        ("zzz=5", "known are"),
        ("model=elsewhere", "MODEL="),
        ("top_k=many", "whole number"),
        ("top_k=2.5", "whole number"),
        (f"top_k={2**53 + 1}", "at most 9,007,199,254,740,992 in size"),
        ("temperature=hot", "a finite number"),
        ("temperature=nan", "a finite number"),
        ("plot_title=\udcff", "UTF-8"),
        ("plot_title={{$", "Kubeflow"),
    ],
)
def test_setting_that_cannot_be_read_is_refused(declared: Declared, assignment: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_values([assignment], declared)
