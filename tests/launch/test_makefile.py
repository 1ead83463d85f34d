"""The Makefile's own installation."""

import os
import subprocess

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
