"""Tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


def print_table(head: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table; where standard output is no terminal it is plain and never cut."""
    console = console_of()
    console.print(table_of(head, rows, console))


def console_of() -> Console:
    """Standard output, as wide as need be where it is no terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def table_of(head: Sequence[str], rows: Iterable[Sequence[str | Text]], console: Console) -> Table:
    """A table, to be printed on ``console``. What stands in a text is no markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for title in head:
        table.add_column(title, overflow="fold", no_wrap=not console.is_terminal)
    for row in rows:
        table.add_row(*(Text(plain(cell)) if isinstance(cell, str) else cell for cell in row))
    return table


def plain(text: Any) -> str:
    """``text`` without control characters: what a provider says must not steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))
