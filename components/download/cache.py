"""What huggingface_hub keeps of a repository on this machine, in the folder that HF_HUB_CACHE or HF_HOME names.

    models--ORGANISATION--NAME/
        refs/main                       the commit of the branch, when it was last asked for
        snapshots/COMMIT/config.json    a link to ../../blobs/HASH
        blobs/HASH                      the bytes, under the hash that the Hub gave them

HASH is the SHA-256 of a file in large file storage, and Git's hash of any other.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import constants, get_cached_repo_tree, try_to_load_from_cache
from huggingface_hub.errors import CachedRepoTreeNotFoundError, HFValidationError
from huggingface_hub.file_download import repo_folder_name

from byheart.components.download.hub import HubFile
from byheart.models.folder import CONFIG, INDEX
from byheart.store.local import LocalStore
from byheart.store.stored import Stored

_HASH = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")


class NotKeptError(Exception):
    """The cache lacks a file that the repository has, or its bytes are others."""


class Snapshot(LocalStore):
    """The files that the cache holds of a repository at one commit, read as any other place is."""

    def __init__(self, folder: Path, repository: str, files: Mapping[str, HubFile], *, is_listed: bool) -> None:
        super().__init__(str(folder), "model")
        self.folder, self.repository, self.commit = folder, repository, folder.name
        self.files = files
        """What is known of the repository's files."""
        self.is_listed = is_listed
        """Whether those are all that the repository has."""

    def find(self, name: str) -> Stored | None:
        """What the file system says of the file; None where the repository has none.

        Raises:
            NotKeptError: the repository has it, and the cache has not, or not under its hash. Where nobody knows
                whether the repository has it, it is taken to have all but an index.
        """
        file = self.files.get(name)
        if file is None and (self.is_listed or name == INDEX):
            return None
        stored = super().find(name) if file and (file.sha256 or file.git_sha1) else None
        if stored is None:
            raise NotKeptError(f"{self.repository} is not whole in huggingface_hub's cache: no {self.locate(name)}")
        return stored


def find_snapshot(repository: str, revision: str, files: Mapping[str, HubFile] | None = None) -> Snapshot | None:
    """What the cache holds of the repository; None where that is nothing.

    Args:
        revision: a commit; a branch or a tag stands for the commit that it had when it was last asked for.
        files: the Hub's list of the repository's files at that commit, if it was asked.
    """
    try:
        config = try_to_load_from_cache(repository, CONFIG, revision=revision)
    except (HFValidationError, OSError):
        return None
    if not isinstance(config, str):
        return None
    folder = Path(config).parent.resolve()
    if files is not None:
        return Snapshot(folder, repository, files, is_listed=True)
    linked = {path.name: _linked(path) for path in folder.iterdir() if path.is_file()}
    try:
        tree = {file.path: file.size for file in get_cached_repo_tree(repository, revision=folder.name)}
    except CachedRepoTreeNotFoundError:
        named = {name: file for name, file in linked.items() if file.sha256 or file.git_sha1}
        return Snapshot(folder, repository, named, is_listed=False)
    listed = {name: HubFile(name=name, size_bytes=size, sha256=None, git_sha1="") for name, size in tree.items()}
    return Snapshot(folder, repository, listed | linked, is_listed=True)


def find_blob(repository: str, file: HubFile) -> Path | None:
    """The file that the cache keeps under the hash of a repository's file, of whichever commit."""
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model") / "blobs"
    path = folder / (file.sha256 or file.git_sha1)
    try:
        return path if path.stat().st_size == file.size_bytes else None
    except OSError:
        return None


def _linked(path: Path) -> HubFile:
    """A file of a snapshot with the hash that its link names, and with none where it is no link to one.

    Only the first link names it: where huggingface_hub shares blobs between repositories, a second one follows.
    """
    target = path.readlink().name if path.is_symlink() else ""
    named = target if _HASH.fullmatch(target) else ""
    return HubFile(
        name=path.name,
        size_bytes=path.stat().st_size,
        sha256=named if len(named) == 64 else None,
        git_sha1=named if len(named) == 40 else "",
    )
