"""The one generator of checks, which pytest and the command line both read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module

from cornu_conformance.check import Check

LEVELS = ("contract", "ops", "graphs", "gradients", "training", "layers", "io")
"""In the order in which the first failure is the cause of the others."""


@lru_cache(maxsize=1)
def _all() -> dict[str, Check]:
    found: dict[str, Check] = {}
    for level in LEVELS:
        generate: Callable[[], Iterator[Check]] = import_module(f"cornu_conformance.levels.{level}").generate
        for check in generate():
            if check.level != level or check.id in found:
                raise ValueError(f"check {check.id!r} of level {level!r} is there already or belongs elsewhere")
            found[check.id] = check
    return found


def checks(levels: Sequence[str] = (), keyword: str = "") -> list[Check]:
    """The checks of some levels, in order.

    Args:
        levels: Names of levels; none for all.
        keyword: An expression of words with `and`, `or`, `not` and parentheses: a word holds for the checks in whose
            name it occurs.

    Raises:
        ValueError: There is no such level, or the expression cannot be understood.

    Example:
        >>> checks(["ops"], "Softplus and not float64")
    """
    unknown = sorted(set(levels) - set(LEVELS))
    if unknown:
        raise ValueError(f"There is no level {', '.join(unknown)}; the levels are {', '.join(LEVELS)}.")
    wanted = chosen_by(keyword)
    return [check for check in _all().values() if (not levels or check.level in levels) and wanted(check.id)]


def find_check(id: str) -> Check:
    """The check of that name.

    Raises:
        ValueError: There is none.
    """
    try:
        return _all()[id]
    except KeyError:
        raise ValueError(f"There is no check {id!r}.") from None


def forget() -> None:
    """Generates the checks anew when they are next asked for, as layers of plugins may have come or gone."""
    _all.cache_clear()


def chosen_by(keyword: str) -> Callable[[str], bool]:
    """What an expression of words says of a name.

    Args:
        keyword: Words with `and`, `or`, `not` and parentheses; empty holds for every name.

    Raises:
        ValueError: It cannot be understood.
    """
    tokens = re.findall(r"[()]|[^\s()]+", keyword)
    if not tokens:
        return lambda id: True

    def holds(id: str) -> bool:
        low = id.lower()
        said = [token if token in _SYNTAX else str(token.lower() in low) for token in tokens]
        return bool(eval(" ".join(said), {"__builtins__": {}}))  # only True, False and the words of _SYNTAX

    try:
        holds("")
    except SyntaxError:
        raise ValueError(f"{keyword!r} is no expression of words with `and`, `or`, `not` and parentheses.") from None
    return holds


_SYNTAX = frozenset({"and", "or", "not", "(", ")"})
