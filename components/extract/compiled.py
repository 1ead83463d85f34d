"""Keeps compiled programs in the store, so that the next run of the same shapes need not compile them.

JAX keeps them as files of a folder, named by a hash of the program, the compiler and the devices. The folder here is
temporary: programs are copied to it from the store, and new ones from it to the store, which may be of any kind.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

from byheart.store import Store

_ENTRY = "-cache"
"""Suffix of JAX's files of programs; it keeps others beside them, with the time of last use."""


class CompiledPrograms:
    """The programs that earlier runs compiled for such devices."""

    def __init__(self, store: Store, folder: Path, device: jax.Device) -> None:
        kind = re.sub(r"\W+", "-", device.device_kind).strip("-")
        self._store, self._folder = store, folder
        self._prefix = f"compiled/{kind}-jax-{jax.__version__}/"
        self._stored = {stored.name.removeprefix(self._prefix) for stored in store.list(self._prefix)}
        for name in self._stored:
            store.fetch(f"{self._prefix}{name}", folder / name)

    def keep(self) -> None:
        """Store the programs that are new in the folder."""
        new = {path.name for path in self._folder.iterdir() if path.name.endswith(_ENTRY)} - self._stored
        for name in sorted(new):
            self._store.create(f"{self._prefix}{name}", (self._folder / name).read_bytes())
        self._stored |= new


@contextmanager
def keep_compiled_programs(store: Store, device: jax.Device) -> Iterator[CompiledPrograms]:
    """Make JAX read and write compiled programs in the store, while the `with` block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        programs = CompiledPrograms(store, Path(folder), device)
        # XLA's own caches would put the folder's path into the hash.
        settings = {"jax_compilation_cache_dir": folder, "jax_persistent_cache_enable_xla_caches": "none"}
        before = {name: getattr(jax.config, name) for name in settings}
        _configure(settings)
        try:
            yield programs
        finally:
            _configure(before)


def _configure(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
