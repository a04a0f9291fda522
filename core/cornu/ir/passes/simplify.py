"""Algebraic simplification: small local rules, applied wherever they hold."""

from __future__ import annotations

from cornu.ir.passes import arithmetic_rules, movement_rules
from cornu.ir.passes.rewriting import Rule, rewrite
from cornu.ir.program import Program


def simplify(program: Program) -> Program:
    """Applies the rules of `arithmetic_rules` and `movement_rules` to every node, once from front to back.

    What rules make is simplified on the way, so that chains collapse in one pass. The results are the same numbers up
    to the rounding of constants that are multiplied together, and up to the sign of zeros. Run it after
    differentiation: it drops `StopGradient`.

    Args:
        program: The program.

    Returns:
        An equal program; the same object where no rule applied. Nodes that nothing reads any more stay for `dead_code`.

    Example:
        >>> simplify(program)
    """
    return rewrite(program, RULES)


def _merge(*tables: dict[str, list[Rule]]) -> dict[str, list[Rule]]:
    merged: dict[str, list[Rule]] = {}
    for table in tables:
        for op, rules in table.items():
            merged.setdefault(op, []).extend(rules)
    return merged


RULES = _merge(arithmetic_rules.RULES, movement_rules.RULES)
