"""What the numbers of the results count or measure, as types; JSON Schema and docs take unit and bounds from them."""

from typing import Annotated, TypeVar

from msgspec import Meta

from byheart.measures.discoverable import QUANTILES, THRESHOLDS, P

_T = TypeVar("_T")

Share = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"unit": "share"})]
Interval = tuple[Share, Share]
"""Low and high."""
BootstrapInterval = Annotated[
    Interval,
    Meta(
        description="The 95% percentile interval of the block bootstrap, low and high; null with fewer than 10 blocks, "
        "and where all blocks are alike."
    ),
]
ControlShare = Annotated[
    Share, Meta(description="The same over the control books of the run together; null where there are none.")
]
Characters = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "characters"})]
WordCount = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "words"})]
WindowCount = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "windows"})]
Cursors = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "cursors"})]
PassageCount = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "passages"})]
BlockCount = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "blocks"})]
BookCount = Annotated[int, Meta(ge=1, extra_json_schema={"unit": "books"})]
Tries = Annotated[int, Meta(ge=1, extra_json_schema={"unit": "tries"})]
Log10Tries = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "log10 of tries"})]
IndependentWindows = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "independent windows"})]
Position = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "character"})]
Row = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "row"})]
PZ = Annotated[float, Meta(gt=0, le=1, extra_json_schema={"unit": "p_z"})]
Nats = Annotated[float, Meta(le=0, extra_json_schema={"unit": "nats"})]
Log10PZ = Annotated[float, Meta(le=0, extra_json_schema={"unit": "log10 of p_z"})]


def _keyed(by: str, keys: tuple[float, ...]) -> Meta:
    """A table by number, of which every one is there and no other; `by` is what docs call it."""
    names = [str(key) for key in keys]
    return Meta(extra_json_schema={"propertyNames": {"enum": names}, "required": names}, extra={"by": by})


ByThreshold = Annotated[dict[float, _T], _keyed("threshold", THRESHOLDS)]
ByP = Annotated[dict[float, _T], _keyed("p", P)]
ByQuantile = Annotated[dict[float, _T], _keyed("quantile", QUANTILES)]
