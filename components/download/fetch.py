"""Copies files of a repository on the Hub into a folder of the store."""

import hashlib
import re
from urllib.parse import urlsplit

from huggingface_hub import constants

from byheart.components.download.cache import find_blob
from byheart.components.download.hub import HubRepository
from byheart.components.download.manifest import MANIFEST, remove_damaged, write_manifest
from byheart.components.download.transfer import bring, check_room
from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import strip_address
from byheart.contracts.progress import Progress, format_size, say
from byheart.store import Store

_MIB = 2**20
_HOST_CHARACTERS = 60


def fetch(source: HubRepository, names: list[str], store: Store, folder: str) -> dict[str, str]:
    """Copy files into a folder of the store, and write its manifest; the SHA-256 of each by name."""
    sizes = {name: source.files[name].size_bytes for name in names}
    remove_damaged(store, folder, sizes)
    check_room(store, folder, sizes, source.repository)
    total = sum(sizes.values())
    cached_bytes = sum(sizes[name] for name in names if find_blob(source.repository, source.files[name]))
    from_cache = f", of which {format_size(cached_bytes)} are in huggingface_hub's cache" if cached_bytes else ""
    say(f"fetching {source.repository} at {source.commit[:12]}: {len(names)} files, {format_size(total)}{from_cache}")
    progress = Progress(total // _MIB + len(names), "MiB")
    hashed = bring(
        source,
        names,
        store,
        folder,
        lambda size_bytes: progress.add(_count_mib(size_bytes)),
        lambda size_bytes: progress.skip(_count_mib(size_bytes)),
    )
    write_manifest(store, folder, sizes, hashed, repository=source.repository, commit=source.commit)
    return hashed


def name_folder(repository: str, commit: str) -> str:
    """The folder in the store of a model of the Hub, or of a file of one.

    A Hub says itself what its commits hold, so another Hub's models have folders of their own:

        models/ORGANISATION--NAME@COMMIT
        models/hub-HOST-HASH--ORGANISATION--NAME@COMMIT     by HF_ENDPOINT; HASH is that of the whole address
    """
    return f"models/{_mark_hub()}{repository.replace('/', '--')}@{commit}"


def _mark_hub() -> str:
    endpoint = strip_address(constants.ENDPOINT).rstrip("/")
    if endpoint == constants._HF_DEFAULT_ENDPOINT:
        return ""
    host = re.sub("[^A-Za-z0-9.]+", "-", urlsplit(endpoint).hostname or "")[:_HOST_CHARACTERS]
    return f"hub-{host}-{hashlib.sha256(endpoint.encode()).hexdigest()[:8]}--"


def is_away(error: ModelError) -> bool:
    """Whether an error means that the Hub cannot be asked now."""
    return error.may_pass or constants.is_offline_mode()


def name_kept(error: ModelError, named: str, folder: str, store: Store) -> ModelError:
    """The error; if the Hub is away, with the commits that the store holds, which can be measured without it.

    Args:
        named: the repository, or a file of it, as the user names it.
        folder: what its folders in the store begin with.
    """
    names = [stored.name.removeprefix(folder) for stored in store.list(folder)] if is_away(error) else []
    commits = sorted(name.removesuffix(f"/{MANIFEST}") for name in names if name.endswith(f"/{MANIFEST}"))
    if not commits:
        return error
    others = f" (or @{', @'.join(commits[1:])})" if commits[1:] else ""
    return ModelError(
        f"{error.message}, or name what the store has: {named}@{commits[0]}{others}",
        parameter=error.parameter,
        may_pass=error.may_pass,
    )


def _count_mib(size_bytes: int) -> int:
    return -(-size_bytes // _MIB)
