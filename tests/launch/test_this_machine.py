"""What a run on this machine scores with."""

import importlib.util
from pathlib import Path

import pytest

from byheart.contracts.errors import DeviceError
from byheart.launch import this_machine
from byheart.launch.this_machine import detect_accelerator, name_cards


def test_accelerator_that_cannot_be_used_is_an_error_and_no_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jax_cuda12_plugin.py").write_text("", encoding="utf-8")  # by it this machine may have a GPU
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("JAX_PLATFORMS", "tpu")  # it is left out
    assert detect_accelerator() == "cpu"
    assert "has no GPU that JAX can use, though byheart is installed for GPUs: the run takes" in capsys.readouterr().out
    monkeypatch.setenv("XLA_FLAGS", "--nonsense")
    with pytest.raises(
        DeviceError, match=r"must be usable, found .* XLA_FLAGS: --nonsense: end what uses it, or set accelerator=cpu"
    ):
        detect_accelerator()


@pytest.mark.parametrize(
    ("here", "asked", "name"),
    [
        ("h100-8", "GPU-2", "h100-2"),
        ("rtx3090-1-12gb", "gpu", "rtx3090-1-12gb"),
        ("h100-1", "gpu-2", "gpu-2"),
        ("h100-1", "a100-1", "a100-1"),
        ("cpu", "gpu-1", "gpu-1"),
        ("h100-1", "cpu", "cpu"),
    ],
)
def test_gpus_that_are_asked_for_are_known_by_their_card(
    here: str, asked: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(this_machine, "_ask_jax", lambda: here)
    assert name_cards(asked) == name
