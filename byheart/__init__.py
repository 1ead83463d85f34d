"""How much of this book does this language model know by heart?

From Python, in a notebook say:

    import byheart

    results = byheart.run("my-book.txt", model="my-model", cursor_inc=50)
    print(results.books[0].statistics.headline.coverage)
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
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
        books=_list_texts(books),
        model=_list_texts(model),
        controls=_list_texts(controls),
        store=os.fspath(store),
        settings=[f"{name}={_format_setting(value)}" for name, value in settings.items()],
    )
    results = measure_here(request, os.fspath(out))
    return results[0] if isinstance(model, str | os.PathLike) else results


def _list_texts(paths: _Paths) -> list[str]:
    """One path, or several, each as a text."""
    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    return [os.fspath(path) for path in several]


def _format_setting(value: Any) -> str:
    """A value as it is written on a command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)
