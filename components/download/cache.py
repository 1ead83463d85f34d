"""Finds files of a repository in huggingface_hub's cache, in the folder that HF_HUB_CACHE or HF_HOME names.

    models--ORGANISATION--NAME/
        refs/main                       the commit of the branch when it was last fetched
        snapshots/COMMIT/config.json    a link to ../../blobs/HASH
        blobs/HASH                      the bytes, named by the hash that the Hub gives

HASH is the SHA-256 of a file in large file storage, and Git's hash of any other file.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import constants, get_cached_repo_tree, try_to_load_from_cache
from huggingface_hub.errors import CachedRepoTreeNotFoundError, HFValidationError
from huggingface_hub.file_download import repo_folder_name

from byheart.components.download.hub import HubFile
from byheart.models.folder import CONFIG
from byheart.models.mistaken import ADAPTER_CONFIG
from byheart.models.weights import INDEX, WEIGHTS
from byheart.store.local import LocalStore
from byheart.store.stored import Stored

_HASH = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")


class NotKeptError(Exception):
    """The cache lacks a file of the repository, or has it with other bytes."""


class Snapshot(LocalStore):
    """The files of a repository at one commit in the cache, with the interface of a store."""

    def __init__(self, folder: Path, repository: str, files: Mapping[str, HubFile], *, is_listed: bool) -> None:
        super().__init__(str(folder), "model")
        self.folder, self.repository, self.commit = folder, repository, folder.name
        self.files = files
        """The repository's files that are known, by name."""
        self.is_listed = is_listed
        """Whether these are all files of the repository."""

    def find(self, name: str) -> Stored | None:
        """The file in the cache; None if the repository has no such file.

        Raises:
            NotKeptError: the repository has the file, but the cache does not, or not under its hash. If the list of
                files is unknown, the repository is assumed to have every file; of weights an index or a whole file, and
                no adapter.
        """
        file = self.files.get(name)
        absent = (INDEX, ADAPTER_CONFIG, WEIGHTS) if INDEX in self.files else (INDEX, ADAPTER_CONFIG)
        if file is None and (self.is_listed or name in absent):
            return None
        stored = super().find(name) if file and (file.sha256 or file.git_sha1) else None
        if stored is None:
            raise NotKeptError(f"{self.repository} is not whole in huggingface_hub's cache: no {self.locate(name)}")
        return stored


def find_snapshot(repository: str, revision: str, files: Mapping[str, HubFile] | None = None) -> Snapshot | None:
    """The repository's files in the cache; None if it has none.

    Args:
        revision: a commit, or a branch or a tag, for the commit that it had when it was last fetched.
        files: the repository's files at that commit, from the Hub; None if the Hub was not asked.
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
    links = {path.name: _describe_link(path) for path in folder.iterdir() if path.is_file()}
    try:
        tree = {file.path: file.size for file in get_cached_repo_tree(repository, revision=folder.name)}
    except CachedRepoTreeNotFoundError:
        named = {name: file for name, file in links.items() if file.sha256 or file.git_sha1}
        return Snapshot(folder, repository, named, is_listed=False)
    listed = {name: HubFile(name=name, size_bytes=size, sha256=None, git_sha1="") for name, size in tree.items()}
    return Snapshot(folder, repository, listed | links, is_listed=True)


def find_blob(repository: str, file: HubFile) -> Path | None:
    """The path in the cache of a file with this hash, from any commit; None if the cache has none."""
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model") / "blobs"
    path = folder / (file.sha256 or file.git_sha1)
    try:
        return path if path.stat().st_size == file.size_bytes else None
    except OSError:
        return None


def _describe_link(path: Path) -> HubFile:
    """A file of a snapshot with the hash in its link's target; without a hash if it is no such link.

    Only the first link's target is the hash: if huggingface_hub shares blobs between repositories, a second link
    follows.
    """
    target = path.readlink().name if path.is_symlink() else ""
    digest = target if _HASH.fullmatch(target) else ""
    return HubFile(
        name=path.name,
        size_bytes=path.stat().st_size,
        sha256=digest if len(digest) == 64 else None,
        git_sha1=digest if len(digest) == 40 else "",
    )
