"""The check with the pipeline's own defaults."""

from pathlib import Path

import pytest

from byheart.contracts.errors import SettingsError
from byheart.launch.check import check_machine, check_model
from tests.conftest import CONTROL, MODEL

pytestmark = pytest.mark.slow


def test_sample_is_checked_with_the_settings_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    check_machine()
    assert capsys.readouterr().out.splitlines()[-1] == "right: this machine scores as transformers does"


def test_model_is_checked_over_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_model(str(MODEL), book=str(CONTROL), windows=5, store=str(tmp_path))
    page = capsys.readouterr().out
    assert f" windows of {CONTROL} under {MODEL}: " in page
    assert "| float16 | " in page


def test_values_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(SettingsError, match="precision must be one of auto, float32, bfloat16, float16; found 'int8'"):
        check_machine("int8")
    with pytest.raises(SettingsError, match="windows must be at least 1 window, found 0"):
        check_model(str(MODEL), windows=0, store="store")
