"""The units of the results, as types; JSON Schema and docs take units and bounds from them."""

from enum import StrEnum
from typing import Annotated, TypeVar

from msgspec import Meta

from byheart.measures.discoverable import QUANTILES, THRESHOLDS, P

_T = TypeVar("_T")


def set_keys(by: str, keys: tuple[float, ...]) -> Meta:
    """Metadata of a table with exactly these numbers as keys; `by` is what docs call a key."""
    names = [str(key) for key in keys]
    return Meta(extra_json_schema={"propertyNames": {"enum": names}, "required": names}, extra={"by": by})


Share = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"unit": "share"})]
Interval = tuple[Share, Share]
"""The low end and the high end."""
BlockInterval = Annotated[
    Interval,
    Meta(
        description="The 95% interval for other books made of such blocks, low and high; of this book the share is "
        "exact."
    ),
]


class NoInterval(StrEnum):
    """Why a rate has no interval: the words that follow `no interval:`."""

    NOTHING = "nothing was measured"
    FEW_BLOCKS = "the text is shorter than two blocks"
    FEW_STRETCHES = "what reaches the threshold lies in one or two stretches"
    BELOW_FLOOR = "the threshold lies below the evidence floor"


Obstacle = Annotated[NoInterval, Meta(description="Why there is no interval; null where there is one.")]
ControlShare = Annotated[
    Share, Meta(description="The same share of the control books of the run, pooled; null where there are none.")
]
ControlInterval = Annotated[
    Interval,
    Meta(description="The 95% interval of that share, over the blocks of all control books; null where it has none."),
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
ChapterNumber = Annotated[int, Meta(ge=1, extra_json_schema={"unit": "chapter"})]
Row = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "row"})]
PZ = Annotated[float, Meta(gt=0, le=1, extra_json_schema={"unit": "p_z"})]
Nats = Annotated[float, Meta(le=0, extra_json_schema={"unit": "nats"})]
Tokens = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "tokens"})]
BitsPerCharacter = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "bits per character"})]
BitsPerByte = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "bits per byte"})]
Corrections = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "corrections"})]
Decades = Annotated[float, Meta(extra_json_schema={"unit": "powers of ten"})]
Log10PZ = Annotated[float, Meta(le=0, extra_json_schema={"unit": "log10 of p_z"})]
Number = Annotated[int, Meta(ge=0, extra_json_schema={"unit": "window"})]
"""The number of a window among all windows of its text, from 0."""
Bits = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "bits per character"})]
Bytes = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "bytes per character"})]
PValue = Annotated[float, Meta(gt=0, le=1, extra_json_schema={"unit": "p-value"})]
Chance = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"unit": "probability"})]
Difference = Annotated[float, Meta(extra_json_schema={"unit": "unit of the number"})]
Ratio = Annotated[float, Meta(ge=0, extra_json_schema={"unit": "ratio"})]


ByThreshold = Annotated[dict[float, _T], set_keys("threshold", THRESHOLDS)]
ByP = Annotated[dict[float, _T], set_keys("p", P)]
ByQuantile = Annotated[dict[float, _T], set_keys("quantile", QUANTILES)]
