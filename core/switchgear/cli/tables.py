"""Tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; where standard output is no terminal it is plain and never cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for title in head:
        table.add_column(title, overflow="fold", no_wrap=not console.is_terminal)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if not console.is_terminal:
        console.width = 10_000
    console.print(table)
