"""Registers in the store what a run is about to measure, before anything of it is scored.

    registered/DIGEST.json    created once, by the first run that measures this

The digest is of what is measured, and not of where it lies: the texts in their order, which of them are controls, the
model, the tokenizer, and every setting that the numbers depend on. provenance.json holds all of that, so anyone can
compute the digest from finished results. Published before the run, it shows that none of it was chosen afterwards.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from byheart.contracts.json_files import from_json, to_json
from byheart.contracts.plan import Registration
from byheart.contracts.setting_groups import WindowSettings
from byheart.contracts.settings import Settings
from byheart.contracts.version import CONTRACT_VERSION
from byheart.contracts.windows import Tokenization
from byheart.store import Store

FOLDER = "registered"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegisteredText:
    """A book or a control that is measured."""

    role: str
    """`book` or `control`."""
    sha256: str
    """The SHA-256 of the text."""
    scores: str
    """The address of its scores, which is a hash of its windows, the model and the score settings."""
    control_sample: str | None
    """The address of the control sample's scores; None if there is none."""


def compute_digest(
    texts: Iterable[RegisteredText],
    *,
    weights_sha256: str,
    tokenization: Tokenization,
    settings: Settings,
    precision: str,
    rescored: bool = False,
) -> str:
    """The SHA-256 of what a run measures, 64 hexadecimal digits.

    Args:
        texts: in the order of the run's parameters.
        precision: the arithmetic, never `auto`.
        rescored: whether windows near thresholds are scored again in float32; others keep their digest.
    """
    what: dict[str, object] = {"rescored": True} if rescored else {}
    what |= {
        "contract": CONTRACT_VERSION,
        "texts": [dataclasses.asdict(text) for text in texts],
        "weights": weights_sha256,
        "tokenizer": [tokenization.tokenizer_sha256, tokenization.bos_id, tokenization.scored_tokens],
        "settings": {
            "text": dataclasses.asdict(settings.text),
            "selection": dataclasses.asdict(settings.selection),
            "window": _describe(settings.window),
            "score": dataclasses.asdict(settings.score) | {"precision": precision},
            "control": dataclasses.asdict(settings.control),
        },
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _describe(settings: WindowSettings) -> dict[str, object]:
    """The settings of windows; those in characters only where they count, so that others keep their digest."""
    values = dataclasses.asdict(settings)
    in_characters = {name: values.pop(name) for name in ("suffix_characters", "prompt_characters")}
    return values | in_characters if settings.suffix_characters else values


def register(store: Store, digest: str, *, windows: int, scored: int) -> Registration:
    """Create the record of a digest, and return it; return the earlier one if there is one.

    Args:
        windows: how many windows are measured.
        scored: how many of them the store has scores of.

    Raises:
        DamagedError: there is an earlier record, and it cannot be read.
    """
    name = f"{FOLDER}/{digest}.json"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    record = Registration(digest=digest, registered=now, windows=windows, scored=scored)
    if not store.exists(name) and store.create(name, to_json(record)):
        return record
    return from_json(store.read(name), Registration, name=store.locate(name))


def describe_registration(record: Registration) -> str:
    """A line for people: the digest, when it was registered, and what had been scored by then."""
    before = "before any of it was scored"
    if record.scored:
        before = f"when {record.scored:,} of its {record.windows:,} windows had been scored"
    return f"registered as {record.digest} at {record.registered}, {before}"
