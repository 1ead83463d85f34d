"""How much of this book does this language model know by heart?

From Python, in a notebook say:

    import byheart

    results = byheart.run("my-book.txt", model="my-model", cursor_inc=50)
    print(results.books[0].statistics.headline.coverage)
"""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    from byheart.contracts.errors import SettingsError
    from byheart.measures.results import Results

_Path: TypeAlias = str | os.PathLike[str]
_Paths: TypeAlias = _Path | Sequence[_Path]
_Model = TypeVar("_Model", bound=_Path)


@overload
def run(
    books: _Paths, *, model: _Path, controls: _Paths = ..., store: _Path = ..., out: _Path = ..., **settings: Any
) -> "Results": ...


@overload
def run(
    books: _Paths,
    *,
    model: list[_Model],
    controls: _Paths = ...,
    store: _Path = ...,
    out: _Path = ...,
    **settings: Any,
) -> "list[Results]": ...


def run(
    books: _Paths,
    *,
    model: _Path | list[_Model],
    controls: _Paths = (),
    store: _Path = "",
    out: _Path = "out",
    **settings: Any,
) -> "Results | list[Results]":
    """Measure books under a model on this machine, as `byheart run` does, and return the results.

    Args:
        books: text files, folders, globs, or addresses at gs:// or https://.
        model: a folder, a repository on the Hugging Face Hub, or a name in models.yaml. A list of several measures the
            books under each of them, compares them in `out/comparison`, and returns the results of each.
        controls: books that the model cannot have seen.
        store: where models and scores are kept; empty takes the user's data folder.
        out: the folder for the results.
        settings: any other parameter of the pipeline, by its name.

    Raises:
        byheart.contracts.errors.ByheartError: a value cannot be used, or the run failed; the message says why.
    """
    from byheart.launch.request import Request
    from byheart.launch.run import measure_here  # a stage's container has neither this module nor kfp

    request = Request(
        books=_list_texts("books", books),
        model=_list_texts("model", model),
        controls=_list_texts("controls", controls),
        store=_take_text("store", store),
        settings=[f"{name}={_format_setting(name, value)}" for name, value in settings.items()],
    )
    results = measure_here(request, _take_text("out", out))
    return results[0] if isinstance(model, str | os.PathLike) else results


def _list_texts(name: str, paths: Any) -> list[str]:
    """One path, or several, each as a text."""
    is_one = isinstance(paths, str | bytes | os.PathLike) or not isinstance(paths, Iterable)
    several: Iterable[Any] = [paths] if is_one else paths
    return [_take_text(name, path, "a path, or a list of paths") for path in several]


def _take_text(name: str, path: Any, needed: str = "a path") -> str:
    """A path as a text."""
    if not isinstance(path, str | os.PathLike):
        raise _explain_value(name, needed, path)
    return os.fspath(path)


def _format_setting(name: str, value: Any) -> str:
    """A value as it is written on a command line."""
    if value is None or callable(value) or isinstance(value, bytes):
        raise _explain_value(name, "a text, a number, true or false", value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _explain_value(name: str, needed: str, found: Any) -> "SettingsError":
    from byheart.contracts.errors import SettingsError

    return SettingsError(f"{name} must be {needed}, found {found!r:.80}: give one or leave it out", parameter=name)
