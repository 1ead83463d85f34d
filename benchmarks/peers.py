"""The peers in `benchmarks.extract`, which run in the environment `.venv-peers`.

They are a loop over transformers and PyTorch, as most would write it and as fast as it gets, and lm-evaluation-harness,
which gets token ids as all contestants do, instead of text.
"""

from typing import Any

import lm_eval  # type: ignore[import-not-found]
import numpy as np
import torch  # type: ignore[import-not-found]
import transformers
from lm_eval.models.huggingface import HFLM  # type: ignore[import-not-found]
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from benchmarks.contestant import serve, time_fastest


class Loop:
    """A plain loop: full logits, log_softmax and gather of the positions that predict a scored token."""

    def __init__(self, job: dict[str, Any]) -> None:
        torch.set_num_threads(job["threads"])
        torch.set_grad_enabled(False)
        self.about = f"transformers {transformers.__version__}, torch {torch.__version__} ({_list_kernels()})"
        self._device = torch.device("cpu" if job["device"] == "cpu" else "cuda")
        self._batch, self._scored, self._side = job["batch"], job["scored"], job["side"]
        self._dtype = getattr(torch, job["precision"])
        loaded = transformers.AutoModelForCausalLM.from_pretrained(
            job["model"], dtype=self._dtype, attn_implementation=job["attention"]
        )
        self.model = loaded.to(self._device).eval()

    def score(self, token_ids: np.ndarray) -> np.ndarray:
        """log_p_z of windows."""
        sums = []
        with torch.inference_mode():
            for first in range(0, len(token_ids), self._batch):
                rows = token_ids[first : first + self._batch].astype(np.int64)
                ids = torch.from_numpy(rows).to(self._device)
                logits = self.model(ids, use_cache=False).logits[:, -self._scored - 1 : -1].float()
                log_probs = torch.log_softmax(logits, dim=-1).gather(-1, ids[:, -self._scored :, None])
                sums.append(log_probs.double().sum((1, 2)).cpu().numpy())
        return np.concatenate(sums)

    def multiply(self) -> float:
        """Operations a second of a square matmul."""
        square = torch.full((self._side, self._side), 0.5, dtype=self._dtype, device=self._device)
        return 2 * self._side**3 / time_fastest(lambda: (square @ square)[0, 0].item())

    def device_bytes(self) -> int | None:
        """The peak memory of the device."""
        return None if self._device.type == "cpu" else torch.cuda.max_memory_allocated()


class Kept(Loop):
    """The same, with the head on the positions that predict a scored token, which transformers calls logits_to_keep."""

    def score(self, token_ids: np.ndarray) -> np.ndarray:
        """log_p_z of windows."""
        sums = []
        with torch.inference_mode():
            for first in range(0, len(token_ids), self._batch):
                ids = torch.from_numpy(token_ids[first : first + self._batch].astype(np.int64)).to(self._device)
                sums.append(self._sum(ids).double().cpu().numpy())
        return np.concatenate(sums)

    def _sum(self, ids: torch.Tensor) -> torch.Tensor:
        logits = self.model(ids[:, :-1], use_cache=False, logits_to_keep=self._scored).logits.float()
        return torch.log_softmax(logits, dim=-1).gather(-1, ids[:, -self._scored :, None]).sum((1, 2))


class Compiled(Kept):
    """The same, compiled. On a CPU its products are those of oneDNN, which PyTorch takes for the precision `medium`;
    MKL has slow ones for CPUs that are not Intel's.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        if self._device.type == "cpu":
            torch.set_float32_matmul_precision("medium")
        self._sum = torch.compile(super()._sum)  # type: ignore[method-assign]


class Harness(Loop):
    """lm-evaluation-harness, without its tokenization."""

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.about = f"lm-eval {lm_eval.__version__}, {self.about}"
        words = Tokenizer(WordLevel({"<end>": 0}, unk_token="<end>"))
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>")
        self._harness = HFLM(pretrained=self.model, tokenizer=tokenizer, batch_size=job["batch"], backend="causal")

    def score(self, token_ids: np.ndarray) -> np.ndarray:
        """log_p_z of windows."""
        split = token_ids.shape[1] - self._scored
        requests = [(("", ""), row[:split], row[split:]) for row in token_ids.tolist()]
        answers = self._harness._loglikelihood_tokens(requests, disable_tqdm=True)
        return np.asarray([log_prob for log_prob, _ in answers], np.float64)


def _list_kernels() -> str:
    return f"{torch.backends.cpu.get_cpu_capability()}, {'MKL' if torch.backends.mkl.is_available() else 'no MKL'}"


if __name__ == "__main__":
    ways = {"loop": Loop, "kept": Kept, "compiled": Compiled, "harness": Harness}
    serve(lambda job: ways[job["way"]](job))
