"""What a run on this machine scores with."""

from pathlib import Path

import pytest

from byheart.contracts.errors import DeviceError
from byheart.launch.this_machine import detect_accelerator


def test_accelerator_that_cannot_be_used_is_an_error_and_no_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert detect_accelerator() == "cpu", "without a driver"
    (tmp_path / "jax_cuda12_plugin.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert detect_accelerator() == "cpu", "with a driver and no device, JAX takes the CPU"
    monkeypatch.setenv("JAX_PLATFORMS", "tpu")
    with pytest.raises(
        DeviceError, match=r"must be usable, found RuntimeError: .*: end what uses it, or set accelerator=cpu"
    ):
        detect_accelerator()
