"""`cornu backends`: what is installed, and the real reason where something cannot be used."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from cornu.backend.info import BackendInfo


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser("backends", help="list the installed backends")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Prints the table; the status is 1 if no backend can be used.

    Args:
        parsed: The parsed command line.
    """
    from rich.console import Console

    from cornu.backend.manager import installed

    console = Console(soft_wrap=False)
    infos = installed()
    if infos:
        console.print(table_of(infos))
    for info in infos:
        if info.error:
            # In full and without a box, so that a long error can be read and copied.
            console.print(
                f"{info.name} ({info.distribution} {info.version}) cannot be used:", style="bold red", markup=False
            )
            console.print(f"  {info.error}", markup=False, highlight=False, soft_wrap=True)
    usable = [info for info in infos if not info.error]
    if not usable:
        console.print("No usable backend is installed.")
    return 0 if usable else 1


def table_of(infos: list[BackendInfo]) -> Table:
    """Makes the table of backends.

    Args:
        infos: What `installed()` returns.
    """
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Name", no_wrap=True)
    for column in ("Version", "Contract", "Priority", "Providers", "Devices", "State"):
        table.add_column(column, overflow="fold")  # a narrow terminal breaks a cell, but hides nothing
    for info in infos:
        state = "[red]broken[/red]" if info.error else f"[green]ok[/green] {escape(info.note)}".strip()
        priority = "" if info.priority is None else str(info.priority)
        cells = (info.name, info.version, info.contract, priority, "\n".join(info.providers), "\n".join(info.devices))
        table.add_row(*map(escape, cells), state)
    return table
