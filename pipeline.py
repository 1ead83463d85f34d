"""How much of these books does this language model know by heart?

Slides a window of tokens over each book, asks the model for the probability p_z of the window's second half given its
first half, and shows it character by character.

What to measure:
- books: the books: text files, folders of .txt files or globs, here or at gs://; https:// addresses; or @LIST, a file
  that lists such (docs/books.md).
- model: a repository on the Hugging Face Hub (organisation/name) or a name in models.yaml, as ADDRESS or
  ADDRESS@REVISION, a branch, a tag or a commit; or a folder, local or at gs://, with config.json, tokenizer.json and
  safetensors.
- store: the folder, or gs://bucket/prefix, where models and scores are kept, and found again by the next run.
- controls: books that the model cannot have seen, given like books; their rates stand beside the others'.
- control_sample: suffixes of each book that are scored a second time, under prompts from elsewhere in it; 0 is none.
- preset: settings by one word: none, paper (Cooper et al. 2025: 50 + 50 tokens, top-k 40; the defaults) or marin (the
  older script: bos=true, prompt_tokens=49, max_length=100, coverage=window).

The windows and their scores:
- chunk_size: tokens in a window.
- prompt_tokens: tokens of a window that are given; the rest is the suffix, which is scored.
- cursor_inc: characters from one cursor to the next.
- top_k: tokens that the decoding scheme of log_p_z_top_k samples from; 0 is the whole vocabulary. log_p_z is always
  over the whole vocabulary, at temperature 1.
- precision: auto (bfloat16 where the accelerator is a TPU or a GPU, float32 on a CPU), float32, bfloat16 or float16.
- accelerator: what scores: a slice of TPUs (v6e-2x4), GPUs (gpu-1) or cpu (docs/plan.md lists them); auto is the
  smallest slice that holds the model, but for small models that models.yaml sends to a CPU. It is asked for only where
  scores are missing.
- spot: whether its node is a spot node, which is cheaper and can be taken away; the run goes on on the next.
- shards: tasks that share the windows, each on devices of its own; the numbers are the same.

Everything else:
- options: those below, by name, as JSON: {"unwrap": true, "dpi": 160}. A run file and the command `byheart` take each
  by its name, like the parameters above.

Options of how the books are read:
- chapters: auto (lines such as "Chapter 1", if 500 characters follow), none, or a regular expression for the lines that
  head a chapter.
- encoding: the books' encoding.
- gutenberg: whether Project Gutenberg's header and footer are measured too (keep) or left out (cut).
- unwrap: whether the lines of a paragraph that was broken at a fixed width are joined.
- on_bad_book: what becomes of a run in which a book cannot be brought: fail (after the others are measured) or skip.

Options of which part is measured:
- only: the part of each book that is measured, but not of a control: chapters, counted from 1 (3,5-7), or characters
  (10000:30000, :5000); empty is the whole book. Windows whose suffix lies wholly inside are measured.
- windows: windows of each text that are measured, evenly spread, for a first look; 0 is all.

Options of the windows and their scores:
- slice_length: characters tokenized at each cursor; their first chunk_size tokens are the window.
- max_length: positions fed to the model, the BOS included; 0 cuts nothing.
- bos: whether a BOS is fed before each window: auto (only where the model family breaks without one), true or false.
- temperature: that of the decoding scheme of log_p_z_top_k.
- batch_size: windows in a batch; 0 is chosen for the device.
- num_devices: devices that score; 0 is all that a task has.
- mesh_shape: how they are laid out: auto, or DATAxMODEL, where DATA divides the windows and MODEL each layer.
- memory: of the pod that scores, as 64Gi; auto is a share of the accelerator's host, or what the model takes on a CPU.
- force: whether scores that are in the store are computed anew; it gives the same, unless the code has changed.

Options of the heat map:
- coverage: what is drawn first: characters covered by a suffix, or anywhere in a window.
- plot_title: its title, but not that of a control's; empty names the book and the model.
- colormap: its colours, a sequential matplotlib colormap.
- figsize: its size in inches, WIDTHxHEIGHT.
- dpi: dots an inch, of the other charts too.

Options of what is reported:
- report_text: how much of the books' text stands among the results: full; none; or N, of each book's passages as many
  characters, the longest passages first.
"""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, List  # noqa: UP035  kfp reads `list[str]` as a list of anything

from kfp import dsl, kubernetes

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
    "only": "",
    "windows": 0,
    "slice_length": 2000,
    "max_length": 0,
    "bos": "auto",
    "temperature": 1.0,
    "batch_size": 0,
    "num_devices": 0,
    "mesh_shape": "auto",
    "memory": "auto",
    "force": False,
    "coverage": "suffix",
    "plot_title": "",
    "colormap": "Blues",
    "figsize": "20x3",
    "dpi": 300,
    "report_text": "full",
}
"""What may stand in `options`, and the defaults."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fixed:
    """What is the same for every run of a compiled graph: Kubeflow takes it from no parameter of a run."""

    images: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The reference of each stage's image; empty for those that the components name."""
    queue: str = ""
    """Kueue's LocalQueue that the pods of `extract` wait in; empty for none."""
    timeout_hours: int = 24
    """How long one attempt of `extract` may take; the next goes on where it was."""
    retries: int = 30
    """How often `extract` is tried again."""
    tmp_size: str = "4Gi"
    """Of each pod's /tmp."""
    run_as: int = 65532
    """The user of the container of `extract`, 0 being root; the others' is always the default."""


def _tasks(
    books: List[str],  # noqa: UP006
    model: str,
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
    """The tasks by name: download -> tokenize -> plan -> extract -> plot -> verdict."""
    downloaded = download(**locals(), defaults=DEFAULTS)
    given = {name: downloaded.outputs[name] for name in ("book_texts", "model_description", "settings")}
    tokenized = tokenize(**given)
    given["windows"] = tokenized.outputs["windows"]
    planned = plan(store=store, **given)
    of_model = {name: given[name] for name in ("model_description", "windows", "settings")}
    with dsl.ParallelFor(planned.outputs["Output"]) as shard:  # kfp's local runner knows outputs of no other name
        extracted = extract(store=store, shard=shard, plan=planned.outputs["plan"], **of_model)
        _place(extracted, planned.outputs)
    plotted = plot(
        store=store, plan=planned.outputs["plan"], scored=dsl.Collected(extracted.outputs["Output"]), **given
    )
    judged = verdict(**{name: given[name] for name in ("book_texts", "windows", "settings")})
    judged.after(plotted)
    kubernetes.use_secret_as_env(downloaded, "hf-token", {"token": "HF_TOKEN"}, optional=True)
    return {task.name: task for task in (downloaded, tokenized, planned, extracted, plotted, judged)}


def _place(task: dsl.PipelineTask, outputs: Mapping[str, Any]) -> None:
    """Have a task's pods ask for what the plan says."""
    # What stands in no argument of a task inside a loop reaches it only if it is registered.
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
"""Of every parameter that has one, those in `options` too. They are in the graph, so that no stage needs this file."""


def make_pipeline(fixed: Fixed = Fixed()) -> Any:
    """KFP's pipeline, with what is fixed in it."""

    def byheart(*parameters: Any) -> dsl.Artifact:
        tasks = _tasks(*parameters)
        for name, task in tasks.items():
            _fix(name, task, fixed)
        return tasks["plot"].outputs["results"]

    byheart.__signature__ = _SIGNATURE.replace(return_annotation=dsl.Artifact)  # type: ignore[attr-defined]  # kfp's way to the parameters
    return dsl.pipeline(name="byheart", description=__doc__)(byheart)


def _fix(name: str, task: dsl.PipelineTask, fixed: Fixed) -> None:
    """Set what a task's pods get on every run."""
    scores = name == "extract"
    if fixed.images:
        task.set_container_image(fixed.images[name])
    task.set_caching_options(False)  # the store is the cache: it knows when a file behind a path has changed
    if not scores:
        task.set_cpu_limit("2").set_memory_limit("8Gi")
    if name != "verdict":  # what the network or a preemption can end
        # Without a factor and a far end, Kubeflow stops retrying an hour after the first attempt's start.
        retries = fixed.retries if scores else 5
        task.set_retry(retries, backoff_duration="60s", backoff_factor=1, backoff_max_duration="604800s")
    user = fixed.run_as if scores else Fixed.run_as
    kubernetes.set_security_context(task, run_as_user=user, run_as_group=user, run_as_non_root=user != 0)
    kubernetes.empty_dir_mount(task, "tmp", "/tmp", size_limit=fixed.tmp_size)
    if scores:
        kubernetes.set_timeout(task, fixed.timeout_hours * 3600)
        if fixed.queue:
            kubernetes.add_pod_label(task, "kueue.x-k8s.io/queue-name", fixed.queue)


byheart = make_pipeline()
