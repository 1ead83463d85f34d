"""The units of the results, as types; JSON Schema and docs take units and bounds from them."""

from typing import Annotated, TypeVar

from msgspec import Meta

from byheart.measures.discoverable import QUANTILES, THRESHOLDS, P

_T = TypeVar("_T")

Share = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"unit": "share"})]
Interval = tuple[Share, Share]
"""The low end and the high end."""
BootstrapInterval = Annotated[
    Interval,
    Meta(
        description="The 95% percentile interval of the block bootstrap, low and high; null with fewer than 10 blocks, "
        "and if all blocks are alike."
    ),
]
ControlShare = Annotated[
    Share, Meta(description="The same share of the control books of the run, pooled; null where there are none.")
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
Number = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "window"})]
"""The number of a window among all windows of its text, from 0."""
Bits = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "bits per character"})]
Bytes = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "bytes per character"})]
PValue = Annotated[float, Meta(gt=0, le=1, extra_json_schema={"unit": "p-value"})]
Chance = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"unit": "probability"})]
Difference = Annotated[float, Meta(extra_json_schema={"unit": "unit of the number"})]
Ratio = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "ratio"})]


def _set_keys(by: str, keys: tuple[float, ...]) -> Meta:
    """Metadata of a table with exactly these numbers as keys; `by` is what docs call a key."""
    names = [str(key) for key in keys]
    return Meta(extra_json_schema={"propertyNames": {"enum": names}, "required": names}, extra={"by": by})


ByThreshold = Annotated[dict[float, _T], _set_keys("threshold", THRESHOLDS)]
ByP = Annotated[dict[float, _T], _set_keys("p", P)]
ByQuantile = Annotated[dict[float, _T], _set_keys("quantile", QUANTILES)]
