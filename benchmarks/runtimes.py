"""Inference runtimes as contestants of `benchmarks.extract`: each gets the same graph, exported for one batch size.

The graph computes log-probabilities as this engine does, and neither ranks nor the mass of the top k.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-not-found]
import openvino  # type: ignore[import-not-found]
import torch  # type: ignore[import-not-found]

from benchmarks.contestant import serve
from benchmarks.graph import Llama


class Runtime:
    """A runtime that computes batches of one size."""

    about: str

    def __init__(self, job: dict[str, Any]) -> None:
        if job["device"] != "cpu" or job["precision"] != "float32":
            raise SystemExit(
                f"a runtime must be measured in float32 on a CPU, found {job['precision']}, {job['device']}"
            )
        self._batch = job["batch"]
        example = torch.from_numpy(np.load(job["windows"])[: self._batch].astype(np.int64))
        self._compile(Llama(job["model"], job["scored"]).eval(), example, job["threads"])

    def _compile(self, model: Llama, example: torch.Tensor, threads: int) -> None:
        raise NotImplementedError

    def _compute(self, batches: list[np.ndarray]) -> list[np.ndarray]:
        raise NotImplementedError

    def score(self, token_ids: np.ndarray) -> np.ndarray:
        """log_p_z of windows."""
        ids = np.pad(token_ids.astype(np.int64), ((0, -len(token_ids) % self._batch), (0, 0)), mode="edge")
        log_probs = np.concatenate(self._compute(np.split(ids, len(ids) // self._batch)))
        return log_probs.astype(np.float64).sum(axis=-1)[: len(token_ids)]

    def multiply(self) -> float:
        """No ruler."""
        raise NotImplementedError

    def device_bytes(self) -> int | None:
        """None, since it is on the CPU."""
        return None


class OpenVino(Runtime):
    """OpenVINO, with a stream for each core: measured as faster than all cores on one batch."""

    def _compile(self, model: Llama, example: torch.Tensor, threads: int) -> None:
        graph = openvino.convert_model(model, example_input=example, input=[openvino.PartialShape(list(example.shape))])
        options = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        core = openvino.Core()
        self._queue = openvino.AsyncInferQueue(core.compile_model(graph, "CPU", options), threads)
        version = openvino.__version__.split("-")[0]
        self.about = f"openvino {version} ({core.get_property('CPU', 'FULL_DEVICE_NAME').strip()})"

    def _compute(self, batches: list[np.ndarray]) -> list[np.ndarray]:
        found: dict[int, np.ndarray] = {}

        def keep(request: Any, index: int) -> None:
            found[index] = request.get_output_tensor(0).data.copy()

        self._queue.set_callback(keep)
        for index, ids in enumerate(batches):
            self._queue.start_async({0: ids}, index)
        self._queue.wait_all()
        return [found[index] for index in range(len(batches))]


class OnnxRuntime(Runtime):
    """ONNX Runtime, with all cores on one batch."""

    def _compile(self, model: Llama, example: torch.Tensor, threads: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            torch.onnx.export(model, (example,), path, dynamo=True, external_data=True, verbose=False)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.about = f"onnxruntime {onnxruntime.__version__}"

    def _compute(self, batches: list[np.ndarray]) -> list[np.ndarray]:
        name = self._session.get_inputs()[0].name
        return [self._session.run(None, {name: ids})[0] for ids in batches]


if __name__ == "__main__":
    serve(lambda job: {"openvino": OpenVino, "onnxruntime": OnnxRuntime}[job["way"]](job))
