"""`cornu plugins`: what is installed, what it offers, and the real reason where something cannot be loaded."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from cornu.plugins import PluginInfo


def add_parser(commands: Any) -> None:
    """Adds the command to the parser.

    Args:
        commands: The sub-parsers of `cornu`.
    """
    parser = commands.add_parser("plugins", help="list the installed plugins and what they offer")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Prints the table; the status is 1 if a plugin that is switched on cannot be loaded.

    Args:
        parsed: The parsed command line.

    Raises:
        SwitchError: CORNU_PLUGINS cannot be understood.
    """
    from rich.console import Console

    from cornu.plugins import GROUP, VARIABLE, installed, names
    from cornu.plugins.switch import read_switch

    console = Console(soft_wrap=False)
    infos = installed()
    if infos:
        console.print(table_of(infos))
    else:
        console.print(f"No plugin is installed under {GROUP}.", markup=False)
    for info in infos:
        if info.error:
            # In full and without a box, so that a long error can be read and copied.
            console.print(f"{info.name} cannot be loaded:", style="bold red", markup=False)
            console.print(f"  {info.error}", markup=False, highlight=False, soft_wrap=True)
    for name in sorted(read_switch().names() - set(names())):
        console.print(f"{VARIABLE} names {name!r}, which is not installed.", style="yellow", markup=False)
    return 1 if any(info.error for info in infos) else 0


def table_of(infos: list[PluginInfo]) -> Table:
    """Makes the table of plugins.

    Args:
        infos: What `cornu.plugins.installed()` returns.
    """
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Name", no_wrap=True)
    for column in ("Distribution", "Version", "Offers", "State"):
        table.add_column(column, overflow="fold")  # a narrow terminal breaks a cell, but hides nothing
    for info in infos:
        state = "[red]broken[/red]" if info.error else "off" if info.off else f"[green]ok[/green] {escape(info.note)}"
        offers = "\n".join(f"{kind}: {', '.join(names)}" for kind, names in info.offers.items())
        table.add_row(*map(escape, (info.name, info.distribution, info.version, offers)), state.strip())
    return table
