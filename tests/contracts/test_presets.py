import pytest

from byheart.contracts.errors import SettingsError
from byheart.contracts.presets import PRESETS
from byheart.contracts.settings import Settings
from tests.contracts.test_settings import DEFAULTS


def test_marin_sets_its_four_and_leaves_the_rest() -> None:
    marin, plain = (Settings.from_parameters({**DEFAULTS, "preset": name}) for name in ("marin", "none"))
    assert (marin.window.bos, marin.window.prompt_tokens, marin.window.max_length) == ("true", 49, 100)
    assert marin.chart.coverage == "window"
    assert marin.preset == "marin"
    left = {
        name
        for group in ("window", "score", "control", "layout", "chart")
        for name, value in plain.to_dict()[group].items()
        if marin.to_dict()[group][name] != value
    }
    assert left == {"bos", "prompt_tokens", "max_length", "coverage"}


def test_marin_scores_one_token_less_than_its_suffix_holds() -> None:
    """BOS + 100 tokens are cut to 100 positions: 49 of the prompt, 50 of the 51 behind it."""
    marin = Settings.from_parameters({**DEFAULTS, "preset": "marin"})
    assert marin.window.scored_tokens(has_bos=True) == 50


def test_paper_is_what_the_pipeline_does_by_itself() -> None:
    assert PRESETS["paper"] == {name: DEFAULTS[name] for name in PRESETS["paper"]}
    paper, plain = (Settings.from_parameters({**DEFAULTS, "preset": name}) for name in ("paper", "none"))
    assert (paper.window, paper.score, paper.chart) == (plain.window, plain.score, plain.chart)


def test_every_preset_is_held_against_the_defaults() -> None:
    """A value that is neither the preset's nor the default is seen only if the default is known."""
    for values in PRESETS.values():
        assert values.keys() <= PRESETS["paper"].keys() <= DEFAULTS.keys()


@pytest.mark.parametrize("preset", ["paper", "marin"])
def test_setting_that_contradicts_a_preset_is_refused(preset: str) -> None:
    for name, value in PRESETS[preset].items():
        other = {"bos": "false", "coverage": {"suffix": "window", "window": "suffix"}[PRESETS[preset]["coverage"]]}
        given = other.get(name, 60 if isinstance(value, int) else 0.7)
        if given == DEFAULTS[name]:
            continue  # cannot be told from a setting that was left out
        with pytest.raises(SettingsError, match=f"preset={preset} sets {name}={value}, found {name}={given}"):
            Settings.from_parameters({**DEFAULTS, "preset": preset, name: given})


@pytest.mark.parametrize("preset", ["paper", "marin"])
def test_setting_that_agrees_with_a_preset_is_no_contradiction(preset: str) -> None:
    twice = Settings.from_parameters({**DEFAULTS, **PRESETS[preset], "preset": preset})
    assert twice == Settings.from_parameters({**DEFAULTS, "preset": preset})


def test_preset_may_stand_beside_other_settings() -> None:
    settings = Settings.from_parameters({**DEFAULTS, "preset": "marin", "cursor_inc": 5, "top_k": 20})
    assert (settings.window.cursor_inc, settings.score.top_k) == (5, 20)


def test_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="one of none, paper, marin; found 'marlin'"):
        Settings.from_parameters({**DEFAULTS, "preset": "marlin"})
