"""How much of these books does this language model know by heart?

Slides a window of tokens over each book, asks the model for the probability p_z of the window's second half given its
first half, and shows it character by character.

What to measure:
- books: the books: text files, folders of .txt files or globs, here or at gs://; https:// addresses; or @LIST, a file
  that lists such (docs/books.md).
- model: a repository on the Hugging Face Hub (organisation/name), a name in models.yaml, or a folder, local or at gs://,
  with config.json, tokenizer.json and safetensors.
- model_revision: of a repository: a branch, a tag or a commit; empty is that of models.yaml, else main.
- store: the folder, or gs://bucket/prefix, where models and scores are kept, and found again by the next run.
- controls: books that the model cannot have seen, given like books; their rates stand beside the others'.
- control_sample: suffixes of each book that are scored a second time, under prompts from elsewhere in it; 0 is none.
- chapters: auto (lines such as "Chapter 1", if 500 characters follow), none, or a regular expression for the lines that
  head a chapter.
- encoding: the books' encoding.
- gutenberg: whether Project Gutenberg's header and footer are measured too (keep) or left out (cut).
- unwrap: whether the lines of a paragraph that was broken at a fixed width are joined.
- on_bad_book: what becomes of a run in which a book cannot be brought: fail (after the others are measured) or skip.
- preset: settings by one word: none, paper (Cooper et al. 2025: 50 + 50 tokens, top-k 40; the defaults) or marin (the
  older script: bos=true, prompt_tokens=49, max_length=100, coverage=window).

The windows:
- chunk_size: tokens in a window.
- slice_length: characters tokenized at each cursor; their first chunk_size tokens are the window.
- cursor_inc: characters from one cursor to the next.
- prompt_tokens: tokens of a window that are given; the rest is the suffix, which is scored.
- bos: whether a BOS is fed before each window: auto (only where the model family breaks without one), true or false.
- max_length: positions fed to the model, the BOS included; 0 cuts nothing.

The scores:
- temperature, top_k: the decoding scheme of log_p_z_top_k (top_k=0 is the whole vocabulary); log_p_z is always at
  temperature 1 over the whole vocabulary.
- precision: auto (bfloat16 where the accelerator is a TPU or a GPU, float32 on a CPU), float32, bfloat16 or float16.
- batch_size: windows in a batch; 0 is chosen for the device.
- num_devices: devices that score; 0 is all that a task has.
- mesh_shape: how they are laid out: auto, or DATAxMODEL, where DATA divides the windows and MODEL each layer.
- shards: tasks that share the windows, each on devices of its own; the numbers are the same.
- accelerator: what scores: a slice of TPUs (v6e-2x4), GPUs (gpu-1) or cpu (docs/plan.md lists them); auto is that of
  models.yaml, else the smallest slice that holds the model. It is asked for only where scores are missing.
- spot: whether its node is a spot node, which is cheaper and can be taken away; the run goes on on the next.
- memory: of the pod that scores, as 64Gi; auto is a share of the accelerator's host, or what the model takes on a CPU.
- force: whether scores that are in the store are computed anew; it gives the same, unless the code has changed.

The heat map:
- coverage: what is drawn first: characters covered by a suffix, or anywhere in a window.
- plot_title: its title, but not that of a control's; empty names the book and the model.
- colormap: its colours, a sequential matplotlib colormap.
- figsize: its size in inches, WIDTHxHEIGHT.
- dpi: dots an inch, of the other charts too.
"""

from collections.abc import Mapping
from typing import Any, List  # noqa: UP035  kfp reads `list[str]` as a list of anything

from kfp import dsl, kubernetes

from byheart.components.download.component import download
from byheart.components.extract.component import extract
from byheart.components.plan.component import plan
from byheart.components.plot.component import plot
from byheart.components.tokenize.component import tokenize
from byheart.components.verdict.component import verdict


def _place(task: dsl.PipelineTask, outputs: Mapping[str, Any]) -> None:
    """Have a task's pods ask for what the plan says."""
    # What stands in no argument of a task inside a loop reaches it only if it is registered.
    texts = {name: outputs[name] for name in ("accelerator_type", "accelerator_count", "cpu", "memory")}
    task.register_pipeline_channels(list(texts.values()))
    task.set_accelerator_type(texts["accelerator_type"]).set_accelerator_limit(texts["accelerator_count"])
    task.set_cpu_limit(texts["cpu"]).set_memory_limit(texts["memory"])
    kubernetes.add_node_selector_json(task, outputs["node_selector"])
    kubernetes.add_toleration_json(task, outputs["tolerations"])


@dsl.pipeline(name="byheart", description=__doc__)
def byheart(
    books: List[str],  # noqa: UP006
    model: str,
    store: str,
    model_revision: str = "",
    controls: List[str] = [],  # noqa: B006, UP006  kfp copies it
    control_sample: int = 0,
    chapters: str = "auto",
    encoding: str = "utf-8",
    gutenberg: str = "keep",
    unwrap: bool = False,
    on_bad_book: str = "fail",
    preset: str = "none",
    chunk_size: int = 100,
    slice_length: int = 2000,
    cursor_inc: int = 10,
    max_length: int = 0,
    prompt_tokens: int = 50,
    bos: str = "auto",
    temperature: float = 1.0,
    top_k: int = 40,
    precision: str = "auto",
    batch_size: int = 0,
    shards: int = 1,
    num_devices: int = 0,
    mesh_shape: str = "auto",
    accelerator: str = "auto",
    spot: bool = False,
    memory: str = "auto",
    force: bool = False,
    coverage: str = "suffix",
    plot_title: str = "",
    colormap: str = "Blues",
    figsize: str = "20x3",
    dpi: int = 300,
) -> dsl.Artifact:
    """download -> tokenize -> plan -> extract -> plot -> verdict; every parameter is explained at the top."""
    downloaded = download(
        books=books,
        model=model,
        model_revision=model_revision,
        store=store,
        controls=controls,
        control_sample=control_sample,
        chapters=chapters,
        encoding=encoding,
        gutenberg=gutenberg,
        unwrap=unwrap,
        on_bad_book=on_bad_book,
        preset=preset,
        chunk_size=chunk_size,
        slice_length=slice_length,
        cursor_inc=cursor_inc,
        max_length=max_length,
        prompt_tokens=prompt_tokens,
        bos=bos,
        temperature=temperature,
        top_k=top_k,
        precision=precision,
        batch_size=batch_size,
        shards=shards,
        num_devices=num_devices,
        mesh_shape=mesh_shape,
        accelerator=accelerator,
        spot=spot,
        memory=memory,
        force=force,
        coverage=coverage,
        plot_title=plot_title,
        colormap=colormap,
        figsize=figsize,
        dpi=dpi,
    )
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
    tasks = (downloaded, tokenized, planned, extracted, plotted, judged)
    for task in tasks:
        task.set_caching_options(False)  # the store is the cache: it knows when a file behind a path has changed
    for task in (downloaded, tokenized, planned, plotted, judged):
        task.set_cpu_limit("2").set_memory_limit("8Gi")
    for task in (downloaded, tokenized, planned, extracted, plotted):  # what the network or a preemption can end
        # Without a factor and a far end, Kubeflow stops retrying an hour after the first attempt's start.
        task.set_retry(5, backoff_duration="60s", backoff_factor=1, backoff_max_duration="604800s")
    kubernetes.use_secret_as_env(downloaded, "hf-token", {"token": "HF_TOKEN"}, optional=True)
    return plotted.outputs["results"]
