"""The commands `byheart verify` and `byheart archive`."""

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from byheart.contracts.errors import ByheartError, DamagedError, SettingsError
from byheart.contracts.json_files import write_json
from byheart.launch.parameters import parse_location
from byheart.launch.paths import make_model_absolute
from byheart.launch.record import render_measured
from byheart.launch.this_machine import locate_default_store
from byheart.measures.results import Results
from byheart.verification.archive import (
    OWN_FILES,
    check_archive,
    list_verified_differences,
    open_archive,
    read_verified,
    write_archive,
)
from byheart.verification.checks import FAILED, NOT_VERIFIED, Checks
from byheart.verification.files import RUN_FILE, hash_file
from byheart.verification.means import WINDOWS, Means
from byheart.verification.scorers import check_scorer
from byheart.verification.verify import Verification, verify_folder

_UNREADABLE = (
    OSError,
    yaml.YAMLError,
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading a run.yaml raises that no run wrote."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """What a person gives for a verification, and does without."""

    means: Means
    without_text: bool = False


def make_means(
    *,
    model: str,
    base: str,
    tokenizer: str,
    without_model: bool,
    texts: list[str],
    windows: int | None,
    seed: int | None,
    scorer: str,
    store: str,
) -> Means:
    """The means of a verification, from the options of a command line; without a store, this machine's own.

    Raises:
        SettingsError: an option's value cannot be used.
    """
    check_scorer(scorer)
    return Means(
        model=parse_location("model", model) if model else "",
        base=parse_location("base", base) if base else "",
        tokenizer=parse_location("tokenizer", tokenizer) if tokenizer else "",
        without_model=without_model,
        texts=[parse_location("text", text) for text in texts],
        windows=windows,
        seed=seed,
        scorer=scorer,
        store=parse_location("store", store or locate_default_store()),
        is_runs_store=bool(store),
    )


def verify(address: str, effort: Effort, out: str = "") -> Verification:
    """Verify results, a folder or an archive, and print a line for each check.

    Args:
        out: the file for the verification as JSON; empty writes none.

    Raises:
        DamagedError: a check failed.
        SettingsError: the model or the texts are missing.
    """
    path = Path(parse_location("results", address))
    checks = Checks(_say)
    try:
        verification = _verify_folder(path, effort, checks) if path.is_dir() else _verify_archive(path, effort, checks)
    except ByheartError as error:
        if not checks.list:
            raise
        checks.add("results", FAILED, error.message)
        raise DamagedError(f"{address} must be as a run wrote it, found otherwise: results") from None
    if out:
        write_json(out, {**vars(verification), "verdict": verification.verdict})
    _end(address, verification, effort)
    return verification


def archive(address: str, file: str, effort: Effort, licence: str = "") -> None:
    """Verify the results in a folder, write their archive, and print its SHA-256.

    Raises:
        ByheartError: they cannot be verified, or the archive cannot be written.
    """
    folder, path = Path(parse_location("results", address)), Path(parse_location("file", file))
    if path.suffix != ".zip":
        raise SettingsError(f"the archive must be a .zip, found {file}: name one", parameter="file")
    if not folder.is_dir():
        raise SettingsError(f"results must be a folder, found {address}: give the folder that a run wrote")
    verification = verify(address, effort)
    try:
        write_archive(folder, path, verification, licence)
    except OSError as error:
        raise ByheartError(f"{path} must be a file that can be written, found: {error}: choose another") from None
    _say(f"{path}: sha256 {hash_file(path)}; publish it, and check the file with `byheart verify {path.name}`")


def _verify_folder(folder: Path, effort: Effort, checks: Checks) -> Verification:
    means = dataclasses.replace(
        effort.means, remembered=_recall(folder, "model"), remembered_base=_recall(folder, "base")
    )
    return verify_folder(folder, means, checks, more=_check_run_file)


def _verify_archive(path: Path, effort: Effort, checks: Checks) -> Verification:
    if not path.is_file():
        raise DamagedError(f"results must be a folder or an archive, found none at {path}: check the path")
    with open_archive(path) as folder:
        verified, means = read_verified(folder), effort.means

        def inspect(folder: Path, results: Results, checks: Checks) -> None:
            check_archive(path, folder, results, checks)
            _check_run_file(folder, results, checks)

        if means.windows is None:
            means = dataclasses.replace(means, windows=max(verified.windows, WINDOWS))
        verification = verify_folder(folder, means, checks, others=OWN_FILES, more=inspect)
        differences = list_verified_differences(verified, verification)
        checks.compare("verification", differences, "verification.json says what was found here")
        return verification


def _check_run_file(folder: Path, results: Results, checks: Checks) -> None:
    """Check that run.yaml is what these results give; its paths are taken from itself."""
    path = folder / RUN_FILE
    try:
        content: dict[str, Any] = yaml.safe_load(path.read_bytes())
        paths = {name: value for name, value in content.items() if name not in ("settings", "measured")}
        again = render_measured(paths, results).encode()
    except _UNREADABLE as error:
        checks.add(RUN_FILE, FAILED, f"it cannot be read ({type(error).__name__})")
        return
    differences = [] if path.read_bytes() == again else ["it records other settings or numbers than the results"]
    checks.compare(RUN_FILE, differences, "it records these settings and numbers")


def _recall(folder: Path, name: str) -> list[str]:
    """Where the run found its model, or an adapter's base, as its run.yaml says."""
    try:
        model = yaml.safe_load((folder / RUN_FILE).read_bytes())[name]
        return [make_model_absolute(model, folder)] if "@" not in model else []
    except _UNREADABLE:
        return []


def _end(address: str, verification: Verification, effort: Effort) -> None:
    """Print the verdict.

    Raises:
        DamagedError: a check failed.
        SettingsError: something is not verified that the person did not leave out.
    """
    if verification.list_names(FAILED):
        raise DamagedError(f"{address} must be as a run wrote it, found otherwise: {verification.verdict}")
    left = verification.list_names(NOT_VERIFIED)
    for name, option, allowed in (
        ("model", "model", effort.means.without_model),
        ("texts", "text", effort.without_text),
    ):
        if name in left and not allowed:
            raise SettingsError(
                f"{option} must be given, found none: give --{option}, or --without-{option} to verify the rest",
                parameter=option,
            )
    _say(verification.verdict)


def _say(line: str) -> None:
    print(line, flush=True)
