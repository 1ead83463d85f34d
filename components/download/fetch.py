"""Copies files of a repository on the Hub into a folder of the store."""

from byheart.components.download.cache import find_blob
from byheart.components.download.hub import HubRepository
from byheart.components.download.manifest import remove_damaged, write_manifest
from byheart.components.download.transfer import bring, check_room
from byheart.contracts.progress import Progress, format_size, say
from byheart.store import Store

_MIB = 2**20


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
    """The folder in the store of a model of the Hub, or of a file of one."""
    return f"models/{repository.replace('/', '--')}@{commit}"


def _count_mib(size_bytes: int) -> int:
    return -(-size_bytes // _MIB)
