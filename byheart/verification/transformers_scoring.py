"""Scores of windows by Hugging Face transformers, for families that the reference decoder does not know.

It computes in float32 on the CPU, and needs PyTorch, which byheart does not bring along. The whole model is in memory,
four bytes a parameter.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from byheart.contracts.errors import ModelError
from byheart.models.adapter import ADAPTER_WEIGHTS
from byheart.models.folder import CONFIG, open_model
from byheart.models.mistaken import ADAPTER_CONFIG
from byheart.models.weights import INDEX
from byheart.store import open_store
from byheart.verification.rotary import Floats
from byheart.verification.scoring import ReferenceScores, score_logits

_STRETCH = 2**14
"""How many tokens of the vocabulary are float64 at a time."""


def is_installed() -> bool:
    """Whether there is a PyTorch that transformers can use."""
    try:
        import torch  # type: ignore[import-not-found] # noqa: F401
    except ImportError:
        return False
    from transformers.utils.import_utils import is_torch_available

    return bool(is_torch_available())


def name_versions() -> str:
    """What computes, for reports."""
    import torch
    import transformers

    return f"transformers {transformers.__version__} with PyTorch {torch.__version__} in float32"


def load(address: str, adapter: str = "") -> Any:
    """The model in a folder, as transformers makes it from config.json and the safetensors alone; no code is run.

    Args:
        adapter: the folder of the adapter that peft merges into it; empty without any.

    Raises:
        ModelError: transformers cannot make it, or misses a tensor; or peft, or there is none.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    from transformers.utils import logging

    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="byheart-") as temporary:
        bring_files(address, Path(temporary))
        try:
            config = AutoConfig.from_pretrained(temporary, local_files_only=True, trust_remote_code=False)
            is_text = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES  # some that see have no class for it
            model, loaded = (AutoModelForCausalLM if is_text else AutoModelForImageTextToText).from_pretrained(
                temporary,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                attn_implementation="eager",
                experts_implementation="eager",
                output_loading_info=True,
            )
        except (AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
            first = str(error).strip().partition("\n")[0]
            raise ModelError(
                f"transformers must load {address}, found {type(error).__name__}: {first}: try another version of it"
            ) from None
    invented = sorted(map(str, (*loaded["missing_keys"], *loaded["mismatched_keys"])))
    if invented:
        raise ModelError(
            f"{address} must hold every tensor that transformers wants, found none that fits {invented[0]} and "
            f"{len(invented) - 1:,} others: try another version of transformers"
        )
    model = model.float().eval()  # beside quantised weights others stay in 16 bits
    return _merge(model, adapter) if adapter else model


def _merge(model: Any, adapter: str) -> Any:
    """The model that an adapter makes of its base, by peft."""
    try:
        from peft import PeftModel  # type: ignore[import-not-found]
    except ImportError:
        raise ModelError(
            f"an adapter must be merged by peft for transformers, found no such package: {_INSTALL}, or leave --scorer "
            "out"
        ) from None
    with tempfile.TemporaryDirectory(prefix="byheart-") as temporary:
        _bring(adapter, (ADAPTER_CONFIG, ADAPTER_WEIGHTS), Path(temporary))
        try:
            return PeftModel.from_pretrained(model, temporary).merge_and_unload().eval()
        except (AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
            first = str(error).strip().partition("\n")[0]
            raise ModelError(f"peft must load {adapter}, found {type(error).__name__}: {first}") from None


_INSTALL = "install it with `pip install peft`"


def bring_files(address: str, folder: Path) -> None:
    """Link config.json and the safetensors of a model into a folder, from a bucket copy them.

    They are what a verification compares with the hashes of a run, so nothing else is scored.
    """
    names = [CONFIG, *([INDEX] if open_store(address, "model").find(INDEX) else [])]
    _bring(address, [*names, *open_model(address).list_weight_files()], folder)


def _bring(address: str, names: Iterable[str], folder: Path) -> None:
    place = open_store(address, "model")
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if address.startswith("gs://"):
            place.fetch(name, path)
        else:
            path.symlink_to((Path(address) / name).resolve())


def score(
    model: Any,
    model_input: np.ndarray,
    top_token_ids: np.ndarray,
    *,
    temperature: float,
    top_k: int,
    tolerance: float,
) -> ReferenceScores:
    """The scores of windows; the arguments are those of `scoring.score`, but for the model, which is from `load`."""
    import torch

    scored = top_token_ids.shape[1]
    with torch.inference_mode():
        ids = torch.tensor(model_input[:, :-1], dtype=torch.int64)
        logits: np.ndarray = model(ids).logits[:, -scored:].numpy()

    def pick(token_ids: np.ndarray) -> Floats:
        return np.take_along_axis(logits, token_ids[..., None], axis=-1)[..., 0].astype(np.float64)

    def cut() -> Iterator[Floats]:
        for first in range(0, logits.shape[-1], _STRETCH):
            yield logits[..., first : first + _STRETCH].astype(np.float64)

    return score_logits(
        cut(),
        pick(model_input[:, -scored:]),
        pick(top_token_ids),
        temperature=temperature,
        top_k=top_k,
        tolerance=tolerance,
    )
