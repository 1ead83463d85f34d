"""Which licences are taken, and what counts as an answer about vulnerabilities."""

from typing import Any

import pytest

from audit.__main__ import judge
from audit.licences import EXEMPTIONS, find_licence, is_accepted


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"license_expression": "MIT OR Apache-2.0", "license": "Other"}, "MIT OR Apache-2.0"),
        ({"license": "Apache License Version 2.0"}, "Apache-2.0"),
        (
            {"license": "Copyright (c) 2015\nAll rights", "classifier": ["License :: OSI Approved :: BSD License"]},
            "BSD",
        ),
        ({"license": "x" * 61}, "unknown"),
        ({"classifier": ["License :: DFSG approved", "License :: OSI Approved :: MIT License"]}, "MIT"),
        ({"classifier": ["Programming Language :: Python"]}, "unknown"),
        ({"license": "GNU AGPL"}, "GNU AGPL"),
        ({}, "unknown"),
    ],
)
def test_licence_is_what_the_package_declares(metadata: dict[str, Any], licence: str) -> None:
    assert find_licence(metadata) == licence


@pytest.mark.parametrize(
    ("package", "licence", "lock", "accepted"),
    [
        ("a", "MIT", "plot", True),
        ("a", "(MIT OR Apache-2.0) AND 0BSD", "plot", True),
        ("a", "MIT AND GPL-3.0-only", "plot", False),
        ("a", "unknown", "plot", False),
        ("yamllint", "GPL-3.0-or-later", "requirements-dev", True),
        ("yamllint", "GPL-3.0-or-later", "plot", False),
        ("yamllint", "Other", "requirements-dev", False),
        ("nvidia-nccl-cu12", "LicenseRef-NVIDIA-Proprietary", "extract-cuda12", True),
        ("nvidia-nccl-cu12", "LicenseRef-NVIDIA-Proprietary", "requirements", False),
        ("nvidia-nccl-cu13", "LicenseRef-NVIDIA-Proprietary", "requirements-cuda13", True),
        ("libtpu", "Google Cloud Platform Terms of Service", "requirements-tpu", True),
    ],
)
def test_licence_is_taken_everywhere_or_for_a_reason(package: str, licence: str, lock: str, accepted: bool) -> None:
    assert is_accepted(package, licence, lock) == accepted
    assert all(exemption.why for exemption in EXEMPTIONS)


def test_package_that_nothing_is_known_of_is_no_safe_package() -> None:
    well = {"name": "a", "version": "1", "vulns": []}
    flaw = {"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"], "aliases": [], "description": "..."}
    silent = {"name": "b", "skip_reason": "Dependency not found on PyPI and could not be audited: b (2)"}
    assert judge({"plot": [well]}) == []
    (error,) = judge({"plot": [well, silent]})
    assert "every package of plot, found no answer for 1 of 2, such as b" in error
    (error,) = judge({"plot": [{**well, "vulns": [flaw]}], "plan": [{**well, "vulns": [flaw]}]})
    assert "a 1 must have no known vulnerability, found PYSEC-1, mended in 2.1 or 3.0" in error
