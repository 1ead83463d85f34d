"""A container whose only network is itself, with the tests' server of gs:// in it.

Inside, in a container of the image that downloads:

    python -m tests.containers.shelf seed FOLDER       every file of a folder into the bucket
    python -m tests.containers.shelf dump FOLDER       every object of the bucket into a folder
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PORT = 4443
BUCKET = "shelf"
ENVIRONMENT = {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{PORT}"}


class Shelf:
    """The server's container."""

    def __init__(self, server: Any, image: str) -> None:
        self.server, self._image = server, image

    def seed(self, folder: Path) -> None:
        """Bring every file of a folder into the bucket, under its path in it."""
        self._do("seed", folder)

    def dump(self, folder: Path) -> dict[str, bytes]:
        """Every object of the bucket, by name; through `folder`, which is made."""
        folder.mkdir()
        self._do("dump", folder)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def names(self) -> list[str]:
        """Of all objects."""
        asking = "from byheart.store import open_store; [print(o.name) for o in open_store('gs://shelf').list()]"
        said = self.server.exec_run(["python", "-c", asking], environment=ENVIRONMENT)
        assert said.exit_code == 0, said.output
        return said.output.decode().split()

    def _do(self, what: str, folder: Path) -> None:
        self.server.client.containers.run(
            self._image,
            ["python", "-m", "tests.containers.shelf", what, "/folder"],
            network_mode=f"container:{self.server.id}",
            environment=ENVIRONMENT,
            volumes={**_sources(), str(folder): {"bind": "/folder", "mode": "rw"}},
            working_dir="/sources",
            user="0",
            remove=True,
        )


@contextmanager
def served(client: Any, image: str, *command: str, network_mode: str) -> Iterator[Any]:
    """The container of one of the tests' servers, once it has said its address, as long as the context lasts."""
    server = client.containers.run(
        image,
        ["python", "-m", *command],
        entrypoint=[],
        network_mode=network_mode,
        volumes=_sources(),
        working_dir="/sources",
        stdin_open=True,
        detach=True,
    )
    try:
        deadline = time.monotonic() + 30
        while b"http" not in server.logs():
            assert time.monotonic() < deadline, server.logs().decode()
            time.sleep(0.2)
        yield server
    finally:
        server.remove(force=True)


@contextmanager
def serve_shelf(client: Any, image: str) -> Iterator[Shelf]:
    """The server, as long as the context lasts.

    Args:
        client: of Docker.
        image: with the client of Google Cloud Storage in it.
    """
    command = ("tests.gcs", "--port", str(PORT), "--bucket", BUCKET)
    with served(client, image, *command, network_mode="none") as server:
        yield Shelf(server, image)


def _sources() -> dict[str, dict[str, str]]:
    return {str(ROOT / "tests"): {"bind": "/sources/tests", "mode": "ro"}}


def _main(what: str, folder: Path) -> None:
    from byheart.store import open_store

    store = open_store(f"gs://{BUCKET}")
    if what == "seed":
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                store.create(path.relative_to(folder).as_posix(), path.read_bytes())
    else:
        for stored in store.list():
            path = folder / stored.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.read(stored.name))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
