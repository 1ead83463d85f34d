"""How much of these books does this language model know by heart?

Slides a window of tokens over each book, asks the model for the probability p_z of the window's second half given its
first half, and shows it character by character.

What to measure:
- books: text files, folders of .txt files, or globs, local or at gs://; https:// addresses; or @LIST, a file that lists
  any of these (docs/books.md).
- model: one model, or several that measure the same books side by side: a list, as books are. Each is a repository on
  the Hugging Face Hub (organisation/name) or a name in models.yaml; add @REVISION for a branch, a tag or a commit. Or
  a folder, local or at gs://, with config.json, tokenizer.json and safetensors. Or an adapter (LoRA), in the same
  places, whose base is found by its name. Or a GGUF file: a path, an address at gs://, or organisation/name/FILE.gguf
  on the Hub.
- store: the folder, or gs://bucket/prefix, that keeps models and scores for later runs.
- controls: books that the model cannot have seen, written like books. Their rates are shown beside those of the books.
- control_sample: how many suffixes of each book are scored again under prompts from elsewhere in the book; 0 is none.
- preset: a named set of settings: none, paper (Cooper et al. 2025: 50 + 50 tokens, top-k 40; the defaults) or marin
  (the Marin project's script: bos=true, prompt_tokens=49, max_length=100, coverage=window).

The windows and their scores:
- chunk_size: tokens in a window.
- prompt_tokens: tokens of a window that are the prompt; the rest is the suffix, which is scored.
- cursor_inc: characters from one cursor to the next.
- top_k: how many of the most probable tokens log_p_z_top_k allows; 0 is the whole vocabulary. log_p_z always uses the
  whole vocabulary, at temperature 1.
- precision: float32, bfloat16, float16 or auto: float32 on a CPU; bfloat16 on TPUs and GPUs, and near thresholds of p_z
  float32 again (docs/numbers.md).
- accelerator: where to score: a slice of TPUs (v6e-2x4), GPUs (gpu-1) or cpu (docs/plan.md lists them). auto is the
  smallest slice that holds the model, or a CPU for small models that models.yaml lists for it. Nothing is requested if
  all scores are in the store.
- spot: whether to use a spot node: cheaper, but it can be taken away; the run then goes on with another node.
- shards: how many tasks share the windows, on separate devices; the numbers are the same.

Everything else:
- options: all parameters that follow, as JSON: {"unwrap": true, "dpi": 160}. In a run file and for the command
  `byheart`, write them by name, like the parameters above.

How the books are read:
- chapters: how to find chapter headings: auto (lines such as "Chapter 1", if 500 characters follow), none, or a regular
  expression.
- encoding: the encoding of the books.
- gutenberg: keep (measure) or cut (leave out) Project Gutenberg's header and footer.
- unwrap: whether to join the lines of paragraphs that were broken at a fixed width.
- on_bad_book: if a book cannot be measured: fail the run, after the other books are measured, or skip the book.
- tokenizer: where to take tokenizer.json from: a repository on the Hugging Face Hub, with @REVISION or without, or a
  folder, local or at gs://; empty is the model's own.
- base: the model that an adapter (LoRA) is merged into: a repository on the Hub, with @REVISION or without, a name in
  models.yaml, or a folder, local or at gs://; empty is the one that the adapter names.
- ignore_fields: fields of config.json, separated by commas, to go on without: byheart does not know what they mean, or
  tools disagree on it, and you know that they change no score.

Which windows are measured:
- only: chapters, counted from 1 (3,5-7), or characters (10000:30000, :5000) to measure of each book; empty is the whole
  book. A window is measured if its suffix lies wholly inside. It does not apply to controls.
- windows: the most windows to measure of each text, evenly spread, for a first look; 0 is all.

More about the windows and their scores:
- suffix_characters: the least characters of a suffix, such as 200, for windows that are the same for all models
  (docs/outputs/comparison.md): they stop where all tokenizers cut; 0 counts tokens.
- prompt_characters: with suffix_characters, the least characters of a prompt, in place of chunk_size and prompt_tokens.
- slice_length: characters tokenized at each cursor; the first chunk_size tokens are the window.
- max_length: the most positions fed to the model, with the BOS; 0 is no limit.
- bos: whether to feed a BOS before each window: true, false, or auto: only if the model family needs it.
- temperature: the temperature of log_p_z_top_k.
- logits: which raw logits the store keeps (docs/logits.md): none; suffix, those that predict the suffix; all, those of
  every position; or the N largest of those that predict the suffix, with their tokens (top40).
- logits_dtype: how they are kept: float16, or float32, which is exact and takes twice the room.
- logits_limit: the most that they may take, such as 500GB; a run that would keep more is refused before it scores.
- batch_size: windows in a batch; 0 fits it to the device.
- num_devices: how many devices score; 0 is all that a task has.
- mesh_shape: the layout of the devices: auto, or DATAxMODEL, where DATA divides the windows and MODEL each layer.
- memory: the memory of the pod that scores, such as 64Gi; auto is a share of the accelerator's host, or what the model
  needs on a CPU.
- force: whether to compute again scores that are in the store; the numbers change only if the code has changed.

The threshold from the controls (docs/outputs/calibration.md); choose both before you see a score:
- band_share: the share of an unseen book that may lie above it.
- band_rank: 1 takes it from the control that is highest, 2 forgives one control that the model has seen.

The heat map:
- coverage: what to draw first: suffix (characters covered by a suffix) or window (characters anywhere in a window).
- plot_title: the title, except on controls; empty names the book and the model.
- colormap: its colours: auto are those of the report; or a sequential matplotlib colormap.
- figsize: auto is a row for each chapter, 9 inches wide; column, 3.3 inches; WIDTHxHEIGHT in inches, a strip (20x3).
- dpi: dots per inch, also of the other charts.

What is reported:
- label: the model's name in all that is reported; empty takes its name on the Hub, or the last part of its path.
- report_text: how much of the books' text the results contain: full; none; or N characters of each book's passages,
  longest first.
"""

import dataclasses
import inspect
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, List  # noqa: UP035  kfp reads `list[str]` as a list of anything

from kfp import dsl, kubernetes

from byheart.components.compare.component import compare
from byheart.components.download.component import download
from byheart.components.extract.component import extract
from byheart.components.plan.component import plan
from byheart.components.plot.component import plot
from byheart.components.tokenize.component import tokenize
from byheart.components.verdict.component import verdict

OPTIONS: dict[str, Any] = {
    "chapters": "auto",
    "encoding": "utf-8",
    "gutenberg": "keep",
    "unwrap": False,
    "on_bad_book": "fail",
    "tokenizer": "",
    "base": "",
    "ignore_fields": "",
    "only": "",
    "windows": 0,
    "suffix_characters": 0,
    "prompt_characters": 200,
    "slice_length": 2000,
    "max_length": 0,
    "bos": "auto",
    "temperature": 1.0,
    "logits": "none",
    "logits_dtype": "float16",
    "logits_limit": "100GB",
    "batch_size": 0,
    "num_devices": 0,
    "mesh_shape": "auto",
    "memory": "auto",
    "force": False,
    "band_share": 0.001,
    "band_rank": 1,
    "coverage": "suffix",
    "plot_title": "",
    "colormap": "auto",
    "figsize": "auto",
    "dpi": 300,
    "label": "",
    "report_text": "full",
}
"""The parameters in `options`, with their defaults."""

_SECRET = "/var/run/secrets/hf-token"
"""The folder of download's pod in which the secret's token is a file."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fixed:
    """Values that are fixed when the graph is compiled: no parameter of a run changes them."""

    images: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The reference of each stage's image; empty uses the images named in the components."""
    queue: str = ""
    """The LocalQueue of Kueue in which the pods of `extract` wait; empty for none."""
    timeout_hours: int = 24
    """The time limit of an attempt of `extract`; the next attempt goes on where it stopped."""
    deadline_hours: int = 0
    """The time limit of a run, all attempts and all waiting together; 0 for none."""
    retries: int = 30
    """How many times `extract` is retried."""
    tmp_size: str = "4Gi"
    """The size limit of each pod's /tmp."""
    run_as: int = 65532
    """The user id of the container of `extract`; 0 is root. The other stages always use the default."""


def _tasks(
    books: List[str],  # noqa: UP006
    model: List[str],  # noqa: UP006
    store: str,
    controls: List[str] = [],  # noqa: B006, UP006  kfp copies it
    control_sample: int = 0,
    preset: str = "none",
    chunk_size: int = 100,
    prompt_tokens: int = 50,
    cursor_inc: int = 10,
    top_k: int = 40,
    precision: str = "auto",
    accelerator: str = "auto",
    spot: bool = False,
    shards: int = 1,
    options: dict[str, Any] = {},  # noqa: B006  kfp copies it
) -> dict[str, dsl.PipelineTask]:
    """The tasks, by name: for each model download -> tokenize -> plan -> extract -> plot -> verdict, then compare.

    A model that fails leaves the others alone and fails the run. `compare` is an exit task, which runs then, too: a
    task that collected what the loop gives would be left out. So it can take parameters only, and finds the results.
    """
    parameters = locals()
    compared = compare(model=model)
    with dsl.ExitHandler(compared, name="measure"), dsl.ParallelFor(model, name="models") as one:
        downloaded = download(**parameters | {"model": one}, defaults=DEFAULTS)
        artifacts = {"inputs": downloaded.outputs["inputs"]}
        tokenized = tokenize(**artifacts)
        artifacts["windows"] = tokenized.outputs["windows"]
        planned = plan(store=store, **artifacts)
        artifacts["run_plan"] = planned.outputs["run_plan"]
        shards = planned.outputs["Output"]  # kfp's local runner can loop over no other output
        with dsl.ParallelFor(shards, name="score") as shard:
            extracted = extract(store=store, shard=shard, **artifacts)
            _request_devices(extracted, planned.outputs)
        plotted = plot(store=store, scored=dsl.Collected(extracted.outputs["Output"]), **artifacts)
        judged = verdict(results=plotted.outputs["results"])
    # A variable could be written into any parameter, as $(HF_TOKEN), and so into the results: a file cannot.
    kubernetes.use_secret_as_volume(downloaded, "hf-token", _SECRET, optional=True)
    downloaded.set_env_variable("HF_TOKEN_PATH", f"{_SECRET}/token")
    return {task.name: task for task in (downloaded, tokenized, planned, extracted, plotted, judged, compared)}


def _request_devices(task: dsl.PipelineTask, outputs: Mapping[str, Any]) -> None:
    """Make a task's pods request the devices of the plan."""
    # Inside a loop, a task receives values that are not its arguments only if they are registered.
    texts = {name: outputs[name] for name in ("accelerator_type", "accelerator_count", "cpu", "memory")}
    task.register_pipeline_channels(list(texts.values()))
    task.set_accelerator_type(texts["accelerator_type"]).set_accelerator_limit(texts["accelerator_count"])
    task.set_cpu_limit(texts["cpu"]).set_memory_limit(texts["memory"])
    kubernetes.add_node_selector_json(task, outputs["node_selector"])
    kubernetes.add_toleration_json(task, outputs["tolerations"])


_SIGNATURE = inspect.signature(_tasks)

DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in _SIGNATURE.parameters.items()
    if name != "options" and parameter.default is not parameter.empty
} | OPTIONS
"""The default of every parameter that has one, with `options`. The graph contains them: no stage needs this file."""


def make_pipeline(fixed: Fixed = Fixed()) -> Any:
    """KFP's pipeline with the fixed values."""

    def byheart(*parameters: Any) -> None:
        for name, task in _tasks(*parameters).items():
            _configure(name, task, fixed)

    byheart.__signature__ = _SIGNATURE.replace(return_annotation=None)  # type: ignore[attr-defined]  # kfp reads the parameters from it
    config = dsl.PipelineConfig(active_deadline_seconds=fixed.deadline_hours * 3600)
    return dsl.pipeline(name="byheart", description=__doc__, pipeline_config=config)(byheart)


def _configure(name: str, task: dsl.PipelineTask, fixed: Fixed) -> None:
    """Set what all runs of a task share: image, resources, retries, user and volumes."""
    scores = name == "extract"
    if fixed.images:
        task.set_container_image(fixed.images[name])
    task.set_caching_options(False)  # the store is the cache; KFP's does not notice when a file at a path changes
    if not scores:
        task.set_cpu_limit("2").set_memory_limit("8Gi")
    if name != "verdict":  # the others can fail because of the network or a preemption
        # Without a factor and a large maximum, Kubeflow stops retrying an hour after the first attempt starts.
        retries = fixed.retries if scores else 5
        task.set_retry(retries, backoff_duration="60s", backoff_factor=1, backoff_max_duration="604800s")
    user = fixed.run_as if scores else Fixed.run_as
    kubernetes.set_security_context(task, run_as_user=user, run_as_group=user, run_as_non_root=user != 0)
    kubernetes.empty_dir_mount(task, "tmp", "/tmp", size_limit=fixed.tmp_size)
    if scores:
        kubernetes.set_timeout(task, fixed.timeout_hours * 3600)
        if fixed.queue:
            kubernetes.add_pod_label(task, "kueue.x-k8s.io/queue-name", fixed.queue)


# At each setting of a task, KFP 2.17 looks at the whole stack: seconds below an import, nothing in a thread.
byheart = ThreadPoolExecutor(1).submit(make_pipeline).result()
