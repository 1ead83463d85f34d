"""The store at hand, printed: what it holds, what an address stands for, and how to be rid of it."""

import json
from datetime import UTC, datetime

from byheart.contracts.errors import SettingsError
from byheart.contracts.progress import format_duration, format_size
from byheart.contracts.version import CONTRACT_VERSION
from byheart.scores.catalogue import Held
from byheart.scores.store import ScoreStore
from byheart.store import open_store


def list_scores(store: str) -> None:
    """Print a line for each address, the latest first."""
    scores = ScoreStore(open_store(store))
    held = scores.held()
    for one in held:
        about = scores.about(one)
        book, model = about.get("book", {}).get("name", "?"), about.get("model", {}).get("source", "?")
        print(
            f"{one.address}  {_parts(one, about.get('parts', '?'))}  {format_size(one.size_bytes):>9}  "
            f"{_age(one.changed):>9} old  {about.get('what', '?')} of {book} under {model}{_older(one)}"
        )
    print(f"{len(held):,} addresses, {format_size(sum(one.size_bytes for one in held))} in {store}")


def show_scores(store: str, beginning: str) -> None:
    """Print what is kept at the address that begins so."""
    scores = ScoreStore(open_store(store))
    held = scores.find(beginning)
    about = scores.about(held)
    print(json.dumps(about, indent=2, ensure_ascii=False))
    parts = _parts(held, about.get("parts", "?")).strip()
    size, age = format_size(held.size_bytes), _age(held.changed)
    print(f"{parts}, {size}, the last {age} old, at {scores.locate(held)}", end="")
    print(_older(held))


def remove_scores(store: str, beginning: str, *, sure: bool) -> None:
    """Delete what is kept at the address that begins so, once the person at the terminal has said yes."""
    scores = ScoreStore(open_store(store))
    held = scores.find(beginning)
    about = scores.about(held)
    parts = _parts(held, about.get("parts", "?")).strip()
    print(f"{parts}, {format_size(held.size_bytes)}: {about.get('what', '?')} of {about.get('book')}{_older(held)}")
    if not sure and not _agreed(f"remove {scores.locate(held)}?"):
        print("nothing was removed")
        return
    scores.remove(held)
    print(f"removed {len(held.objects):,} objects; the next run that wants them computes them anew")


def _parts(held: Held, of: object) -> str:
    return f"{held.parts:>5} of {of} parts" + f" and {held.pieces:,} pieces" * (held.pieces > 0)


def _older(held: Held) -> str:
    return f" (of an older release; this one reads contract {CONTRACT_VERSION} alone)" if held.is_older else ""


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() == "y"
    except EOFError:
        raise SettingsError("store rm asks before it removes, found nobody to ask: give --yes") from None


def _age(since: datetime) -> str:
    seconds = (datetime.now(UTC) - since).total_seconds()
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else format_duration(max(seconds, 0.0))
