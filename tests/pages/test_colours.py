"""The colours: what is written on them can be read, and everybody can tell the steps apart."""

import itertools
import re

import numpy as np
import pytest

from byheart.measures.discoverable import STEPS
from byheart.pages.colours import DARK, LIGHT, Theme, list_properties, render_properties

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])

# Björn Ottosson, "A perceptual color space for image processing" (2020): linear sRGB -> LMS, and its cube roots -> Lab.
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# Machado, Oliveira & Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009),
# table 1, severity 1.0, on linear RGB.
_DEFICIENCIES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linearise(colour: str) -> np.ndarray:
    """Linear sRGB, float64 [3]."""
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's ratio of contrast, to one decimal as it is said."""
    light = [float(linearise(colour) @ [0.2126, 0.7152, 0.0722]) + 0.05 for colour in (one, other)]
    return round(max(light) / min(light), 1)


def oklab(linear: np.ndarray) -> np.ndarray:
    return _TO_LAB @ np.cbrt(_TO_LMS @ linear)


def steps(colours: tuple[str, ...], seen: np.ndarray | None = None) -> list[float]:
    """The distance in OKLab from each colour to the next."""
    places = [oklab(np.clip((np.eye(3) if seen is None else seen) @ linearise(colour), 0, 1)) for colour in colours]
    return [float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(places)]


@THEMES
def test_letters_can_be_read_on_every_colour_behind_text(theme: Theme) -> None:
    least = {LIGHT.page: 7.9, DARK.page: 5.9}[theme.page]
    for behind in (theme.page, theme.raised, *theme.text, theme.search):
        assert contrast(theme.ink, behind) >= least
    for behind in (theme.page, theme.raised):
        assert contrast(theme.soft, behind) >= 4.5


@THEMES
def test_where_the_reader_is_stands_out_from_page_and_colours(theme: Theme) -> None:
    for behind in (theme.page, theme.raised, *theme.text):
        assert contrast(theme.here, behind) >= 3.1


@THEMES
def test_map_colours_from_ten_per_cent_on_stand_out_from_the_page(theme: Theme) -> None:
    for colour, step in zip(theme.map, STEPS, strict=True):
        assert contrast(colour, theme.page) >= (4.9 if step >= 0.1 else 1.1)


@THEMES
def test_steps_of_the_ramps_are_even_and_their_lightness_has_one_direction(theme: Theme) -> None:
    for ramp, (low, high) in ((theme.text, (0.067, 0.074)), (theme.map, (0.15, 0.17))):
        assert low - 0.0005 <= min(steps(ramp)) <= max(steps(ramp)) <= high + 0.0005
        lightness = [oklab(linearise(colour))[0] for colour in (theme.page, *ramp)]
        assert lightness == sorted(lightness, reverse=theme is LIGHT)


@THEMES
@pytest.mark.parametrize("deficiency", _DEFICIENCIES)
def test_steps_are_told_apart_by_people_who_see_colours_differently(theme: Theme, deficiency: str) -> None:
    seen = np.array(_DEFICIENCIES[deficiency])
    assert min(steps(theme.text, seen)) >= 0.046
    assert min(steps(theme.map, seen)) >= 0.13


def test_every_colour_is_a_property_in_both_themes() -> None:
    assert list_properties(LIGHT).keys() == list_properties(DARK).keys() >= {"page", "text-1", "text-4", "map-4"}
    css = render_properties()
    for theme in (LIGHT, DARK):
        for name, value in list_properties(theme).items():
            assert re.fullmatch("#[0-9a-f]{6}", value)
            assert f"--{name}: {value};" in css
    assert css.index(LIGHT.page) < css.index("@media screen and (prefers-color-scheme: dark)") < css.index(DARK.page)
