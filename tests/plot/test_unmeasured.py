"""What is said of characters that no suffix covers."""

import pytest

from byheart.components.plot.run import _explain_unmeasured
from tests.measures.toy import make_windows


@pytest.mark.parametrize(("stride", "helps"), [(30, True), (20, False), (10, False)])
def test_lower_cursor_inc_is_advised_only_where_it_leaves_gaps_between_suffixes(stride: int, helps: bool) -> None:
    said = _explain_unmeasured(make_windows(9, stride=stride, suffix=20), stride)
    assert ("lower cursor_inc" in said) == helps


def test_lower_cursor_inc_is_not_advised_for_a_text_that_is_too_short_for_a_window() -> None:
    assert "lower cursor_inc" not in _explain_unmeasured(make_windows(0), 500)
