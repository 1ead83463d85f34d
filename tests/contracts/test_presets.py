import dataclasses
from typing import Any

import pytest

from byheart.contracts.errors import SettingsError
from byheart.contracts.settings import Settings
from byheart.pipeline import DEFAULTS

PAPER = {
    "chunk_size": 100,
    "prompt_tokens": 50,
    "max_length": 0,
    "bos": "auto",
    "temperature": 1.0,
    "top_k": 40,
    "coverage": "suffix",
}
"""Cooper et al. 2025: 50 + 50 tokens, top-k 40."""
MARIN = {"bos": "true", "prompt_tokens": 49, "max_length": 100, "coverage": "window"}


def settings(**given: Any) -> Settings:
    """Those of a run in which these parameters are not the defaults."""
    return Settings.from_parameters({**DEFAULTS, **given}, DEFAULTS)


def values(chosen: Settings) -> dict[str, Any]:
    """Every setting by its name."""
    groups = dataclasses.asdict(chosen)
    return {"preset": groups.pop("preset")} | {
        name: value for group in groups.values() for name, value in group.items()
    }


def test_marin_sets_its_four_and_leaves_the_rest() -> None:
    assert values(settings(preset="marin")) == values(settings()) | MARIN | {"preset": "marin"}


def test_marin_scores_one_token_less_than_its_suffix_holds() -> None:
    """BOS + 100 tokens are cut to 100 positions: 49 of the prompt, 50 of the 51 behind it."""
    assert settings(preset="marin").window.count_scored_tokens(has_bos=True) == 50


def test_paper_is_what_the_pipeline_does_by_itself() -> None:
    assert values(settings(preset="paper")) == values(settings()) | PAPER | {"preset": "paper"}
    assert {name: DEFAULTS[name] for name in PAPER} == PAPER


def test_paper_is_the_same_where_the_graph_has_its_numbers_as_floats() -> None:
    """As JSON has them that was made of a protobuf."""
    floats = {name: float(value) if type(value) is int else value for name, value in DEFAULTS.items()}
    assert repr(Settings.from_parameters({**floats, "preset": "paper"}, floats)) == repr(settings(preset="paper"))


@pytest.mark.parametrize(("preset", "fixed"), [("paper", PAPER), ("marin", MARIN)])
def test_setting_that_contradicts_a_preset_is_refused(preset: str, fixed: dict[str, Any]) -> None:
    others = {"bos": "false", "prompt_tokens": 60, "max_length": 90, "chunk_size": 60, "temperature": 0.7, "top_k": 60}
    for name in fixed.keys() & others.keys():
        said = f"{name} must be {fixed[name]} where preset={preset}, found {others[name]}: leave one of the two out"
        with pytest.raises(SettingsError, match=said) as caught:
            settings(preset=preset, **{name: others[name]})
        assert caught.value.parameter == name
    assert len(fixed.keys() - others.keys()) == 1, "coverage, which has two values and one is the default"


def test_coverage_that_contradicts_the_paper_is_refused() -> None:
    with pytest.raises(SettingsError, match="coverage must be suffix where preset=paper, found window"):
        settings(preset="paper", coverage="window")


@pytest.mark.parametrize(("preset", "fixed"), [("paper", PAPER), ("marin", MARIN)])
def test_setting_that_agrees_with_a_preset_is_no_contradiction(preset: str, fixed: dict[str, Any]) -> None:
    assert settings(preset=preset, **fixed) == settings(preset=preset)


def test_preset_may_stand_beside_other_settings() -> None:
    chosen = settings(preset="marin", cursor_inc=5, top_k=20)
    assert (chosen.window.cursor_inc, chosen.score.top_k) == (5, 20)


def test_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="one of none, paper, marin; found 'marlin'"):
        settings(preset="marlin")
