"""The commands `byheart store`: list what a store holds, show it, copy it and remove it."""

import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from byheart.contracts.errors import SettingsError
from byheart.contracts.progress import format_count, format_duration, format_size
from byheart.contracts.version import CONTRACT_VERSION
from byheart.holdings.contents import Contents, KeptModel, choose_models, list_contents, read_model_titles
from byheart.holdings.copy import Copied, copy
from byheart.holdings.remove import Removal, choose_older, parse_age, remove
from byheart.holdings.transfer import Outcome
from byheart.scores.catalogue import StoredScores
from byheart.scores.store import ScoreStore
from byheart.store import Store, open_store

_EVERY_SECONDS = 5.0
"""Seconds between two lines of progress."""
_AT_LENGTH = 5
"""Names that are printed; the rest is counted."""


def list_store(location: str) -> None:
    """Print a line for each address, latest first, then for each model, and then the store's other content.

    Raises:
        StoreError: the store cannot be listed, or byheart did not write to it.
    """
    store = _open(location)
    contents = list_contents(store)
    for held, about in zip(contents.scores, ScoreStore(store).read_abouts(contents.scores), strict=True):
        book, model = about.get("book", {}).get("name", "?"), about.get("model", {}).get("source", "?")
        print(
            f"{held.address}  {_format_parts(held, about.get('parts', '?'))}  {format_size(held.size_bytes):>9}  "
            f"{_format_age(held.changed):>9} old  {about.get('what', '?')} of {book} under {model}{_note_release(held)}"
        )
    for kept in contents.models:
        state = "whole" if kept.is_whole else "brought in part"
        print(f"{kept.title}  {state}  {format_size(kept.size_bytes):>9}  {_format_age(kept.changed):>9} old  model")
    if contents.leftovers:
        count, taken = len(contents.leftovers), format_size(sum(stored.size_bytes for stored in contents.leftovers))
        print(f"files of writes that were ended, or are going on, or of older releases: {count:,}, {taken}")
    print(f"{_describe_total(contents)} in {location}")


def show_scores(location: str, beginning: str) -> None:
    """Print what the store holds at the address that begins with `beginning`.

    Raises:
        StoreError: no address begins with it, or several do.
    """
    scores = ScoreStore(_open(location))
    held = scores.find(beginning)
    about = scores.read_about(held)
    print(json.dumps(about, indent=2, ensure_ascii=False))
    parts = _format_parts(held, about.get("parts", "?")).strip()
    size, age = format_size(held.size_bytes), _format_age(held.changed)
    print(f"{parts}, {size}, the last {age} old, at {scores.locate(held)}", end="")
    print(_note_release(held))


def copy_store(location: str, to: str, beginnings: Sequence[str] = (), *, models: bool = False) -> None:
    """Copy scores to another store, and print how many objects were copied and which were not.

    Args:
        beginnings: of the addresses to copy; empty copies all.
        models: also copy the models of these scores; without `beginnings`, all models.

    Raises:
        StoreError: no address has such a beginning, or one of the stores cannot be used.
    """
    store, target = _open(location), _open(to)
    contents = list_contents(store)
    chosen = ScoreStore(store).choose(beginnings) if beginnings else contents.scores
    files = _choose_models_of(store, contents, chosen if beginnings else None) if models else []
    if not chosen and not files:
        print(f"nothing to copy: {_describe_total(contents)} in {location}")
        return
    progress = _Progress()
    copied = copy(store, target, chosen, files, begin=progress.begin, report=progress.add)
    what = _format_counts((len(chosen), "address", "addresses"), (len(files), "model", "models"))
    new, old = (format_count(len(copied.list_names(outcome)), "object") for outcome in (Outcome.COPIED, Outcome.THERE))
    print(f"{what}: {new} copied, {format_size(copied.size_bytes)}, to {to}; {old} there already")
    _print_not_copied(copied, target)


def remove_from_store(
    location: str,
    beginnings: Sequence[str] = (),
    *,
    models: Sequence[str] = (),
    older_than: str = "",
    sure: bool = False,
) -> None:
    """Remove scores and models by name or by age, after a yes at the terminal, and print how much was freed.

    Args:
        beginnings: of the addresses to remove.
        models: names as `store list` prints them, or `organisation/name` for all its commits.
        older_than: the time since the last change, such as `30d` or `2w`; instead of names.
        sure: do not ask.

    Raises:
        SettingsError: neither names nor an age are given, or both, or no terminal can answer.
        StoreError: no address or model has such a name.
    """
    if bool(older_than) == bool(beginnings or models):
        which = "both" if older_than else "neither"
        raise SettingsError(f"store remove needs addresses and models, or an age, found {which}: give one of the two")
    age = parse_age(older_than) if older_than else None
    store = _open(location)
    contents = list_contents(store)
    if age is not None:
        removal = choose_older(contents, age)
    else:
        scores = ScoreStore(store).choose(beginnings) if beginnings else []
        removal = Removal(scores=scores, models=choose_models(contents.models, models))
    if not removal.objects:
        print(f"nothing is older than {older_than}: {_describe_total(contents)} in {location}")
        return
    _print_removal(store, removal)
    if removal.is_recent:
        print(f"some of it was written {_format_age(removal.changed)} ago: a run may be writing to it now")
    if not sure and not _ask(f"remove {format_size(removal.size_bytes)} from {location}?"):
        print("nothing was removed")
        return
    remove(store, removal)
    print(f"removed {format_count(len(removal.objects), 'object')}, which frees {format_size(removal.size_bytes)}")
    catalogue = ScoreStore(store)
    for held in filter(None, (catalogue.find_address(held.address) for held in removal.scores)):
        print(f"{held.address}: {format_count(len(held.objects), 'object')} written meanwhile, by a run that goes on")


def _open(location: str) -> Store:
    if "://" not in location and Path(location).exists() and not Path(location).is_dir():
        raise SettingsError(
            f"store must be a folder or gs://bucket/prefix, found a file, {location}: check its name", parameter="store"
        )
    return open_store(location)


def _choose_models_of(store: Store, contents: Contents, chosen: Sequence[StoredScores] | None) -> list[KeptModel]:
    """The complete models of these scores, or of the whole store if `chosen` is None; prints which cannot be copied."""
    wanted = None
    if chosen is not None:
        abouts = ScoreStore(store).read_abouts(chosen)
        wanted = {title for about in abouts for title in read_model_titles(about)}
    kept = [model for model in contents.models if wanted is None or model.title in wanted]
    for title in sorted((wanted or set()) - {model.title for model in kept}):
        print(f"not in this store, and not copied: {title or 'a model that is used in its folder'}")
    for model in kept:
        if not model.is_whole:
            print(f"brought in part only, and not copied: {model.title}")
    return [model for model in kept if model.is_whole]


def _print_not_copied(copied: Copied, target: Store) -> None:
    differing = copied.list_names(Outcome.DIFFERS)
    described = [name for name in differing if name.endswith("/about.json")]
    for what, names in (
        ("described otherwise at the target, and left so", described),
        ("of other bytes at the target, and left so", [name for name in differing if name not in described]),
        ("damaged, and not copied", copied.list_names(Outcome.DAMAGED)),
        ("changed while it was copied: copy again", copied.list_names(Outcome.GONE)),
    ):
        for name in names[:_AT_LENGTH]:
            print(f"{what}: {target.locate(name)}")
        if len(names) > _AT_LENGTH:
            print(f"{what}: {len(names) - _AT_LENGTH:,} more")


def _print_removal(store: Store, removal: Removal) -> None:
    for held, about in zip(removal.scores, ScoreStore(store).read_abouts(removal.scores), strict=True):
        parts, book = _format_parts(held, about.get("parts", "?")).strip(), about.get("book", {}).get("name", "?")
        what = f"{format_size(held.size_bytes)}: {about.get('what', '?')} of {book}{_note_release(held)}"
        print(f"{held.address}  {parts}, {what}")
    for model in removal.models:
        print(f"{model.title}  {format_count(len(model.objects), 'file')}, {format_size(model.size_bytes)}: a model")
    for what, objects in (
        ("pieces that no run reads any more", removal.orphans),
        ("files of writes that were ended, or of older releases", removal.leftovers),
    ):
        if objects:
            print(f"{what}: {len(objects):,}, {format_size(sum(stored.size_bytes for stored in objects))}")


class _Progress:
    """Prints the progress of a copy every few seconds; several threads may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = self._done = 0
        self._began = self._last_printed = time.monotonic()

    def begin(self, total: int) -> None:
        self._total = total
        self._began = self._last_printed = time.monotonic()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            now = time.monotonic()
            if now - self._last_printed >= _EVERY_SECONDS:
                self._last_printed = now
                rate = self._done / (now - self._began)
                left = format_duration(max(self._total - self._done, 0) / rate)
                done, total = format_size(self._done), format_size(self._total)
                print(f"{done} of {total}, {format_size(rate)}/s, {left} left", flush=True)


def _describe_total(contents: Contents) -> str:
    held = _format_counts(
        (len(contents.scores), "address", "addresses"),
        (len(contents.models), "model", "models"),
        (len(contents.runs), "record of a submitted run", "records of submitted runs"),
        (len(contents.registered), "record of what was measured", "records of what was measured"),
        (len(contents.hashes), "hash of a file", "hashes of files"),
    )
    return f"{held}, {format_size(contents.size_bytes)}".lstrip(", ") if contents.size_bytes else "nothing yet"


def _format_counts(*counts: tuple[int, str, str]) -> str:
    """Counts with their nouns, as `2 models, 1 hash`, from a count, singular and plural each; zeros are left out."""
    return ", ".join(format_count(*counted) for counted in counts if counted[0])


def _format_parts(held: StoredScores, of: object) -> str:
    pieces = f" and {held.pieces:,} pieces" * (held.pieces > 0)
    logits = format_size(sum(stored.size_bytes for stored in held.logits)) if held.logits else ""
    return f"{held.parts:>5} of {of} parts{pieces}" + f", {logits} of logits" * bool(logits)


def _note_release(held: StoredScores) -> str:
    return f" (of an older release; this one reads contract {CONTRACT_VERSION} alone)" if held.is_older else ""


def _ask(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        raise SettingsError("store remove asks before it removes, found nobody to ask: give --yes") from None


def _format_age(since: datetime) -> str:
    seconds = (datetime.now(UTC) - since).total_seconds()
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else format_duration(max(seconds, 0.0))
