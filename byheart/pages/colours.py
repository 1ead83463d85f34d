"""The colours of the pages and of static maps, and what CSS makes of them.

One ramp in four steps, at the published thresholds of p_z, in two weights: pale behind text, deep in strips and
figures. Blue is data, which does not accuse; orange is where the reader is; yellow is what was searched; the rest is
grey. Contrast and distances between steps are held by tests, for people who see colours differently too.
"""

import dataclasses

from byheart.measures.discoverable import STEPS

ABOVE_CONTROLS, EXTRACTABLE = 1, 3
"""The steps that bands are painted in. What is easily drawn but not above the controls is hatched in the former."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Theme:
    """The colours of a page, light or dark, as #rrggbb."""

    page: str
    """The paper; text that is like unseen text too."""
    raised: str
    """What lies on the paper: a chosen row, a panel."""
    line: str
    """Rules and frames."""
    ink: str
    """Letters."""
    soft: str
    """Letters of less weight."""
    here: str
    """Where the reader is: the frame on the strip, lines under a window, focus."""
    search: str
    """What was searched."""
    hatching: str
    """Stripes over what is not measurable."""
    text: tuple[str, str, str, str]
    """The ramp behind text, by `STEPS`."""
    map: tuple[str, str, str, str]
    """The ramp of strips and figures, by `STEPS`."""


LIGHT = Theme(
    page="#fcfcfa",
    raised="#f1f2f3",
    line="#d3d6da",
    ink="#15181c",
    soft="#565d66",
    here="#9a3b00",
    search="#ffd24d",
    hatching="#dcdcd7",
    text=("#d0f0f9", "#a9def3", "#86caf1", "#68b3ed"),
    map=("#90d7ef", "#49a5dc", "#2172b9", "#09418b"),
)
DARK = Theme(
    page="#14171b",
    raised="#1e2227",
    line="#373d45",
    ink="#eef1f4",
    soft="#a4adb8",
    here="#ffa657",
    search="#6b4e00",
    hatching="#33383f",
    text=("#0c2936", "#0c3b54", "#114d74", "#1f6095"),
    map=("#173c5c", "#2167a1", "#369cd5", "#77d2f5"),
)

_FORCED = {
    "page": "Canvas",
    "raised": "Canvas",
    "line": "CanvasText",
    "ink": "CanvasText",
    "soft": "CanvasText",
    "here": "Highlight",
    "search": "Mark",
    "hatching": "GrayText",
    **{f"text-{step}": "Canvas" for step in range(1, len(STEPS) + 1)},
}
"""Where a person has chosen colours for all pages, text keeps them and is underlined instead; maps stay as they are."""


def list_properties(theme: Theme) -> dict[str, str]:
    """The colours by the name of their CSS custom property, without the dashes: `ink`, `text-1` to `map-4`."""
    values: dict[str, str] = {}
    for field in dataclasses.fields(theme):
        value = getattr(theme, field.name)
        values |= {field.name: value} if isinstance(value, str) else _number(field.name, value)
    return values


def render_properties() -> str:
    """CSS that sets the custom properties: light, dark on screens of people who ask for it, and forced colours.

    Paper is light: what a dark screen shows is printed in the light theme.
    """
    return "\n".join(
        (
            ":root { color-scheme: light dark; }",
            f":root {{ {_declare(list_properties(LIGHT))} }}",
            f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_declare(list_properties(DARK))} }} }}",
            f"@media (forced-colors: active) {{ :root {{ {_declare(_FORCED)} }} }}",
            "",
        )
    )


def _number(name: str, ramp: tuple[str, ...]) -> dict[str, str]:
    return {f"{name}-{step}": colour for step, colour in enumerate(ramp, 1)}


def _declare(values: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in values.items())
