"""The logits that a run keeps: whether they stay below `logits_limit`, and where they lie."""

from collections.abc import Iterable, Mapping, Sized

from byheart.contracts.logits import check_limit, describe_logits, describe_size
from byheart.contracts.progress import format_size, say
from byheart.contracts.windows import Tokenization
from byheart.machines.planned import Subject
from byheart.scores.logits import LogitsStore
from byheart.scores.measurements import Measurement
from byheart.scores.wanted import Wanted
from byheart.store import Store


def open_logits(
    subject: Subject,
    tokenization: Tokenization,
    measurements: Iterable[Measurement],
    asked: Mapping[str, Sized],
    store: Store,
) -> LogitsStore | None:
    """Where the logits of the books' windows are kept; None if the run keeps none.

    Args:
        asked: the selected windows by address; an address that is absent has all windows selected.

    Raises:
        SettingsError: they would take more than `logits_limit`, or `topN` asks for more than there are.
    """
    settings = subject.settings
    kept = describe_logits(
        settings.logits,
        scored_tokens=tokenization.scored_tokens,
        positions=tokenization.count_positions(settings.window.prompt_tokens),
        vocabulary=subject.decoder.vocab,
    )
    if kept is None:
        return None
    windows = {item.address: item.windows for item in measurements if not item.is_control}
    total = sum(len(asked[address]) if address in asked else count for address, count in windows.items())
    check_limit(kept, total, settings.logits)
    say(f"logits: {describe_size(kept, total, settings.logits)}")
    return LogitsStore(store, kept)


def begin_logits(logits: LogitsStore, measurements: Iterable[Measurement], wanted: Wanted) -> None:
    """Write what describes the arrays, and say where each book's are.

    Raises:
        StoreError: something else is there.
    """
    for item in measurements:
        if not item.is_control:
            logits.begin(item.address, item.windows)
            say(f"logits of {item.book}: {logits.locate(item.address)}")
    say(f"logits to write: {format_size(wanted.logits_bytes)}")
