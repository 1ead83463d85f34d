"""The plot stage as a Kubeflow component."""

from typing import List  # noqa: UP035  kfp reads `list[...]` as a list of anything

from kfp import dsl


@dsl.component(base_image="byheart-plot:0.1.0", install_kfp_package=False)
def plot(
    store: str,
    inputs: dsl.Input[dsl.Artifact],
    windows: dsl.Input[dsl.Artifact],
    run_plan: dsl.Input[dsl.Artifact],
    scored: List[int],  # noqa: ARG001, UP006  one count per shard: Kubeflow waits for all of them
    results: dsl.Output[dsl.Artifact],
    headline: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    summary_markdown: dsl.Output[dsl.Markdown],
):
    """Draw the heat maps and write the statistics; Kubeflow's UI shows the headline, the report and the summary."""
    import shutil

    from byheart.components.plot.run import run
    from byheart.contracts.inputs import Inputs
    from byheart.contracts.progress import stage

    with stage("plot"):
        numbers = run(
            **vars(Inputs.at(inputs.path)),
            windows=windows.path,
            plan=run_plan.path,
            store=store,
            results=results.path,
            address=results.uri,
        )
        for name, number in numbers.items():
            headline.log_metric(name, number)
        shutil.copyfile(f"{results.path}/report.html", report.path)
        shutil.copyfile(f"{results.path}/summary.md", summary_markdown.path)
