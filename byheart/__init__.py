"""How much of this book does this language model know by heart?

From Python, in a notebook say:

    import byheart

    results = byheart.run("my-book.txt", model="my-model", cursor_inc=50)
    print(results.books[0].statistics.headline.coverage)
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byheart.measures.results import Results


def run(
    books: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model: str | os.PathLike[str],
    controls: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    store: str | os.PathLike[str] = "",
    out: str | os.PathLike[str] = "out",
    **settings: Any,
) -> "Results":
    """Measure books under a model on this machine, as `byheart run` does, and return the results.

    Args:
        books: text files, folders, globs, or addresses at gs:// or https://.
        model: a folder, a repository on the Hugging Face Hub, or a name in models.yaml.
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
        model=os.fspath(model),
        controls=_list_texts(controls),
        store=os.fspath(store),
        settings=[f"{name}={_format_setting(value)}" for name, value in settings.items()],
    )
    return measure_here(request, os.fspath(out))


def _list_texts(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """One path, or several, each as a text."""
    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    return [os.fspath(path) for path in several]


def _format_setting(value: Any) -> str:
    """A value as it is written on a command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)
