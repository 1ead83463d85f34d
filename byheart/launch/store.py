"""The store at hand, for people: what it holds, copied to another, and removed."""

import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from byheart.contracts.errors import SettingsError
from byheart.contracts.progress import format_duration, format_size
from byheart.contracts.version import CONTRACT_VERSION
from byheart.holdings.contents import Contents, KeptModel, choose_models, contents_of, model_of
from byheart.holdings.copy import Copied, copy
from byheart.holdings.remove import Removal, choose_older, parse_age, remove
from byheart.holdings.transfer import Outcome
from byheart.scores.catalogue import StoredScores
from byheart.scores.store import ScoreStore
from byheart.store import Store, open_store

_EVERY_SECONDS = 5.0
"""Between two lines of progress."""
_AT_LENGTH = 5
"""Names that are printed; of more, their number."""


def list_store(store: str) -> None:
    """Print a line for each address, the latest first, then one for each model, and what else there is.

    Raises:
        StoreError: it cannot be listed, or it is no store.
    """
    place = _open(store)
    contents = contents_of(place)
    for held, about in zip(contents.scores, ScoreStore(place).read_abouts(contents.scores), strict=True):
        book, model = about.get("book", {}).get("name", "?"), about.get("model", {}).get("source", "?")
        print(
            f"{held.address}  {_parts(held, about.get('parts', '?'))}  {format_size(held.size_bytes):>9}  "
            f"{_age(held.changed):>9} old  {about.get('what', '?')} of {book} under {model}{_older(held)}"
        )
    for kept in contents.models:
        state = "whole" if kept.is_whole else "brought in part"
        print(f"{kept.title}  {state}  {format_size(kept.size_bytes):>9}  {_age(kept.changed):>9} old  model")
    for group in contents.compiled:
        print(f"compiled programs for {group.name}: {len(group.objects):,}, {format_size(group.size_bytes)}")
    if contents.leftovers:
        taken = format_size(sum(stored.size_bytes for stored in contents.leftovers))
        print(f"files of writes that were ended, or are going on: {len(contents.leftovers):,}, {taken}")
    print(f"{_total(contents)} in {store}")


def show_scores(store: str, beginning: str) -> None:
    """Print what is kept at the address that begins so.

    Raises:
        StoreError: no address begins so, or several do.
    """
    scores = ScoreStore(_open(store))
    held = scores.find(beginning)
    about = scores.read_about(held)
    print(json.dumps(about, indent=2, ensure_ascii=False))
    parts = _parts(held, about.get("parts", "?")).strip()
    size, age = format_size(held.size_bytes), _age(held.changed)
    print(f"{parts}, {size}, the last {age} old, at {scores.locate(held)}", end="")
    print(_older(held))


def copy_store(store: str, to: str, beginnings: Sequence[str] = (), *, models: bool = False) -> None:
    """Copy the scores at these addresses, all where none is named, to another store, and say what became of them.

    Args:
        models: also the models that these scores are of; all models where no address is named.

    Raises:
        StoreError: an address is not there, or one of the stores cannot be used.
    """
    place, target = _open(store), _open(to)
    contents = contents_of(place)
    chosen = ScoreStore(place).choose(beginnings) if beginnings else contents.scores
    files = _models_of(place, contents, chosen if beginnings else None) if models else []
    if not chosen and not files:
        print(f"nothing to copy: {_total(contents)} in {store}")
        return
    progress = _Progress()
    copied = copy(place, target, chosen, files, begin=progress.begin, report=progress.add)
    what = _listed((len(chosen), "address", "addresses"), (len(files), "model", "models"))
    new, old = (_counted(len(copied.names(outcome)), "object") for outcome in (Outcome.COPIED, Outcome.THERE))
    print(f"{what}: {new} copied, {format_size(copied.size_bytes)}, to {to}; {old} there already")
    _print_not_copied(copied, target)


def remove_from_store(
    store: str, beginnings: Sequence[str] = (), *, models: Sequence[str] = (), older_than: str = "", sure: bool = False
) -> None:
    """Remove addresses and models by name, or by age, once the person at the terminal has said yes; say what was freed.

    Args:
        models: names as `store list` prints them, or `organisation/name` for all its commits.
        older_than: such as `30d` or `2w`, since the last change; instead of names.
        sure: nobody is asked.

    Raises:
        SettingsError: neither names nor an age are given, or both, or nobody is there to be asked.
        StoreError: an address or a model is not there.
    """
    if bool(older_than) == bool(beginnings or models):
        which = "both" if older_than else "neither"
        raise SettingsError(f"store remove needs addresses and models, or an age, found {which}: give one of the two")
    age = parse_age(older_than) if older_than else None
    place = _open(store)
    contents = contents_of(place)
    if age is not None:
        removal = choose_older(contents, age)
    else:
        scores = ScoreStore(place).choose(beginnings) if beginnings else []
        removal = Removal(scores=scores, models=choose_models(contents.models, models))
    if not removal.objects:
        print(f"nothing is older than {older_than}: {_total(contents)} in {store}")
        return
    _print_removal(place, removal)
    if removal.is_recent:
        print(f"some of it was written {_age(removal.changed)} ago: a run may be writing to it now")
    if not sure and not _agreed(f"remove {format_size(removal.size_bytes)} from {store}?"):
        print("nothing was removed")
        return
    remove(place, removal)
    print(f"removed {_counted(len(removal.objects), 'object')}, which frees {format_size(removal.size_bytes)}")
    catalogue = ScoreStore(place)
    for held in filter(None, (catalogue.find_address(held.address) for held in removal.scores)):
        print(f"{held.address}: {_counted(len(held.objects), 'object')} written meanwhile, by a run that goes on")


def _open(store: str) -> Store:
    if "://" not in store and Path(store).exists() and not Path(store).is_dir():
        raise SettingsError(
            f"store must be a folder or gs://bucket/prefix, found a file, {store}: check its name", parameter="store"
        )
    return open_store(store)


def _models_of(place: Store, contents: Contents, chosen: Sequence[StoredScores] | None) -> list[KeptModel]:
    """The whole models of the store that these scores are of, all where None is given; says which cannot be copied."""
    wanted = None if chosen is None else {model_of(about) for about in ScoreStore(place).read_abouts(chosen)}
    kept = [model for model in contents.models if wanted is None or model.title in wanted]
    for title in sorted((wanted or set()) - {model.title for model in kept}):
        print(f"not in this store, and not copied: {title or 'a model that is used in its folder'}")
    for model in kept:
        if not model.is_whole:
            print(f"brought in part only, and not copied: {model.title}")
    return [model for model in kept if model.is_whole]


def _print_not_copied(copied: Copied, target: Store) -> None:
    differing = copied.names(Outcome.DIFFERS)
    described = [name for name in differing if name.endswith("/about.json")]
    for what, names in (
        ("described otherwise at the target, and left so", described),
        ("of other bytes at the target, and left so", [name for name in differing if name not in described]),
        ("damaged, and not copied", copied.names(Outcome.DAMAGED)),
        ("changed while it was copied: copy again", copied.names(Outcome.GONE)),
    ):
        for name in names[:_AT_LENGTH]:
            print(f"{what}: {target.locate(name)}")
        if len(names) > _AT_LENGTH:
            print(f"{what}: {len(names) - _AT_LENGTH:,} more")


def _print_removal(place: Store, removal: Removal) -> None:
    for held, about in zip(removal.scores, ScoreStore(place).read_abouts(removal.scores), strict=True):
        parts, book = _parts(held, about.get("parts", "?")).strip(), about.get("book", {}).get("name", "?")
        what = f"{format_size(held.size_bytes)}: {about.get('what', '?')} of {book}{_older(held)}"
        print(f"{held.address}  {parts}, {what}")
    for model in removal.models:
        print(f"{model.title}  {_counted(len(model.objects), 'file')}, {format_size(model.size_bytes)}: a model")
    for what, objects in (
        ("pieces that no run reads any more", removal.orphans),
        ("compiled programs", removal.compiled),
        ("files of writes that were ended", removal.leftovers),
    ):
        if objects:
            print(f"{what}: {len(objects):,}, {format_size(sum(stored.size_bytes for stored in objects))}")


class _Progress:
    """Prints how far a copy is, every few seconds; several threads may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = self._done = 0
        self._began = self._said = time.monotonic()

    def begin(self, total: int) -> None:
        self._total = total
        self._began = self._said = time.monotonic()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            now = time.monotonic()
            if now - self._said >= _EVERY_SECONDS:
                self._said = now
                rate = self._done / (now - self._began)
                left = format_duration(max(self._total - self._done, 0) / rate)
                done, total = format_size(self._done), format_size(self._total)
                print(f"{done} of {total}, {format_size(rate)}/s, {left} left", flush=True)


def _total(contents: Contents) -> str:
    held = _listed(
        (len(contents.scores), "address", "addresses"),
        (len(contents.models), "model", "models"),
        (sum(len(group.objects) for group in contents.compiled), "compiled program", "compiled programs"),
        (len(contents.runs), "record of a submitted run", "records of submitted runs"),
        (len(contents.hashes), "hash of a file", "hashes of files"),
    )
    return f"{held}, {format_size(contents.size_bytes)}".lstrip(", ") if contents.size_bytes else "nothing yet"


def _listed(*counts: tuple[int, str, str]) -> str:
    """Numbers of things, each with its singular and plural; those of which there are none are left out."""
    return ", ".join(f"{count:,} {singular if count == 1 else plural}" for count, singular, plural in counts if count)


def _counted(count: int, singular: str) -> str:
    return f"{count:,} {singular}{'s' * (count != 1)}"


def _parts(held: StoredScores, of: object) -> str:
    return f"{held.parts:>5} of {of} parts" + f" and {held.pieces:,} pieces" * (held.pieces > 0)


def _older(held: StoredScores) -> str:
    return f" (of an older release; this one reads contract {CONTRACT_VERSION} alone)" if held.is_older else ""


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        raise SettingsError("store remove asks before it removes, found nobody to ask: give --yes") from None


def _age(since: datetime) -> str:
    seconds = (datetime.now(UTC) - since).total_seconds()
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else format_duration(max(seconds, 0.0))
