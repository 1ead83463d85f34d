"""What a run on this machine scores with."""

from pathlib import Path

import pytest

from byheart.contracts.errors import DeviceError
from byheart.launch.this_machine import detect_accelerator


def test_accelerator_that_cannot_be_used_is_an_error_and_no_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jax_cuda12_plugin.py").write_text("", encoding="utf-8")  # by it this machine may have a GPU
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("JAX_PLATFORMS", "tpu")  # it is left out
    assert detect_accelerator() == "cpu"
    monkeypatch.setenv("XLA_FLAGS", "--nonsense")
    with pytest.raises(
        DeviceError, match=r"must be usable, found .* XLA_FLAGS: --nonsense: end what uses it, or set accelerator=cpu"
    ):
        detect_accelerator()
