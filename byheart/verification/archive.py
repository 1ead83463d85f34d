"""One file with finished results, their RO-Crate metadata and their verification.

The same results give the same bytes on any machine: members are stored as they are, in a fixed order, without times.

    ro-crate-metadata.json   what the files are, and which run, model, texts and settings made them
    verification.json        what was verified when the archive was made
    SHA256SUMS, ...          the results
"""

import dataclasses
import filecmp
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from byheart.contracts.errors import DamagedError
from byheart.contracts.json_files import from_json, to_json
from byheart.measures.results import Results
from byheart.verification.checks import NOT_VERIFIED, Checks
from byheart.verification.crate import METADATA, library_version, read_licence, render_metadata
from byheart.verification.files import SUMS, hash_file, read_sums
from byheart.verification.verify import Verification

VERIFICATION = "verification.json"
OWN_FILES = (METADATA, VERIFICATION)
"""The files of an archive that are not a run's."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verified:
    """verification.json: what was verified when an archive was made."""

    results_sha256: str
    """The SHA-256 of SHA256SUMS."""
    seed: int
    """What chose the windows that were scored again."""
    windows: int
    """How many windows were asked for."""
    checks: dict[str, str]
    """The outcome of each check, by its name."""
    rocrate: str
    """The release of the library that wrote the metadata."""


def write_archive(folder: Path, path: Path, verification: Verification, licence: str) -> None:
    """Write the archive of the results in a folder; it appears whole.

    Args:
        licence: of the archive, an address or a name; empty names none.
    """
    verified = Verified(
        results_sha256=verification.results_sha256,
        seed=verification.seed,
        windows=verification.windows,
        checks={check.name: check.outcome for check in verification.checks},
        rocrate=library_version(),
    )
    with tempfile.TemporaryDirectory(prefix="byheart-") as temporary:
        own = Path(temporary)
        (own / VERIFICATION).write_bytes(to_json(verified))
        members = {name: folder / name for name in (SUMS, *read_sums(folder))} | {VERIFICATION: own / VERIFICATION}
        (own / METADATA).write_bytes(_render_metadata(Results.open(folder), members, licence))
        hidden = path.with_name(f".{path.name}")
        _write_zip(hidden, members | {METADATA: own / METADATA})
        hidden.replace(path)


@contextmanager
def open_archive(path: Path) -> Iterator[Path]:
    """A folder with the content of an archive, which is removed at the end.

    Raises:
        DamagedError: it is no archive of results.
    """
    with tempfile.TemporaryDirectory(prefix="byheart-") as temporary:
        folder = Path(temporary)
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                if len(set(names)) != len(names) or any(map(_is_unsafe, names)):
                    raise zipfile.BadZipFile("names that no archive of results has")
                if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                    raise zipfile.BadZipFile("compressed files, which may be of any size")
                for name in names:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(name) as member, (folder / name).open("wb") as file:
                        shutil.copyfileobj(member, file)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
            raise DamagedError(
                f"{path} must be an archive that `byheart archive` wrote, found something else ({error}): fetch it "
                "again"
            ) from None
        yield folder


def read_verified(folder: Path) -> Verified:
    """What was verified when the archive was made, from the archive's content.

    Raises:
        DamagedError: it is not there, or not as `write_archive` writes it.
    """
    path = folder / VERIFICATION
    if not path.is_file():
        raise DamagedError(f"an archive must hold {VERIFICATION}, found none: make it with `byheart archive`")
    return from_json(path.read_bytes(), Verified, name=VERIFICATION)


def check_archive(path: Path, folder: Path, results: Results, checks: Checks) -> None:
    """Check that an archive is, to the byte, the one that its own content gives.

    Args:
        folder: its content.
    """
    differences, name = [], "archive"
    if (folder / VERIFICATION).read_bytes() != to_json(read_verified(folder)):
        differences.append(f"{VERIFICATION} has another layout")
    members = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    with tempfile.TemporaryDirectory(prefix="byheart-") as temporary:
        again = Path(temporary) / "again.zip"
        _write_zip(again, members)
        if not filecmp.cmp(path, again, shallow=False):
            differences.append("its bytes are not those that its members give")
    metadata, others = members.pop(METADATA, None), members
    if not metadata:
        differences.append(f"{METADATA} is missing")
    elif read_verified(folder).rocrate != library_version():
        made_with, here = read_verified(folder).rocrate, library_version()
        checks.add("metadata", NOT_VERIFIED, f"written with rocrate {made_with}, and here is {here}")
    elif metadata.read_bytes() != _render_metadata(results, others, read_licence(metadata.read_bytes())):
        differences.append(f"{METADATA} does not describe these results")
    checks.compare(name, differences, f"sha256 {hash_file(path)}; its metadata describes these results")


def list_verified_differences(verified: Verified, verification: Verification) -> list[str]:
    """How a verification differs from the one in the archive, where it found anything out."""
    differences = []
    if verified.results_sha256 != verification.results_sha256:
        differences.append(f"{VERIFICATION} is of other results")
    outcomes = {check.name: check.outcome for check in verification.checks}
    outcomes = {name: outcome for name, outcome in outcomes.items() if name not in ("archive", "metadata")}
    if verified.checks.keys() != outcomes.keys():
        differences.append(f"{VERIFICATION} lists other checks")
    for name, outcome in outcomes.items():
        then = verified.checks.get(name, outcome)
        if NOT_VERIFIED not in (outcome, then) and outcome != then:
            differences.append(f"{VERIFICATION} says {name}: {then}, found {outcome}")
    return differences


def _render_metadata(results: Results, members: dict[str, Path], licence: str) -> bytes:
    files = {name: (hash_file(path), path.stat().st_size) for name, path in members.items()}
    return render_metadata(results, files, licence)


def _write_zip(path: Path, members: dict[str, Path]) -> None:
    """Write a zip whose bytes follow from its members alone."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members, key=lambda name: (name != METADATA, name)):
            info = zipfile.ZipInfo(name)  # of 1980
            info.external_attr, info.create_system = 0o644 << 16, 3
            info.file_size = members[name].stat().st_size
            with members[name].open("rb") as file, archive.open(info, "w") as member:
                shutil.copyfileobj(file, member)


def _is_unsafe(name: str) -> bool:
    path = PurePosixPath(name)
    return not name or name.endswith("/") or "\\" in name or path.is_absolute() or ".." in path.parts
