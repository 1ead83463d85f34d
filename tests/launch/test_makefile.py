"""The Makefile's own installation."""

import os
import subprocess

import pytest

from tests.conftest import ROOT


def test_settings_of_other_installations_do_not_hold_for_its_own() -> None:
    own = {"PIP_USER": "1", "PIP_TARGET": "/t", "PIP_PREFIX": "/p", "PIP_REQUIRE_HASHES": "1", "PYTHONPATH": "/other"}
    command = ["make", "--silent", "--eval", "show: ; @env", "show"]
    around = os.environ | own | {"PIP_INDEX_URL": "https://mirror"}
    done = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, check=True)
    variables = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert {name: variables.get(name) for name in own} == {
        "PIP_USER": "0",  # a pip.conf's `user = true` gives way to it, but not to an empty value
        "PIP_TARGET": "",
        "PIP_PREFIX": "",
        "PIP_REQUIRE_HASHES": "0",
        "PYTHONPATH": None,
    }
    assert variables["PIP_INDEX_URL"] == "https://mirror"


def dry_run(jax: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--dry-run", "run", f"JAX={jax}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("jax", ["cuda12", "cuda13", "tpu"])
def test_jax_for_a_kind_of_device_is_installed_from_its_lock(jax: str) -> None:
    assert f"--require-hashes -r requirements.txt -r requirements-{jax}.txt\n" in dry_run(jax).stdout
    assert "requirements-" not in "".join(line for line in dry_run("").stdout.splitlines() if "pip install" in line)
    lock = (ROOT / f"requirements-{jax}.txt").read_text(encoding="utf-8")
    versions = {line for line in lock.splitlines() if line.startswith("jax==")}
    assert versions == {
        line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("jax==")
    }


def test_jax_for_an_unknown_device_is_refused() -> None:
    assert "JAX must be one of cpu cuda12 cuda13 tpu, found rocm" in dry_run("rocm").stderr
