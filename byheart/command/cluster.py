"""Commands that begin and follow runs on Kubeflow Pipelines."""

import typer


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
