"""Tables of Markdown, as benchmarks write them into pages."""

from collections.abc import Iterable, Sequence


def format_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, first: str = "--:") -> str:
    """A table of Markdown, its columns aligned right.

    Args:
        first: the alignment of the first column.
    """
    lines = [header, [first, *["--:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def format_power(log10: float) -> str:
    """A power of ten, as pages show it."""
    return f"10<sup>{log10:.1f}</sup>".replace("-", "−")
