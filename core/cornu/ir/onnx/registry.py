"""The one table of how each primitive is written to ONNX, and each ONNX operator read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from cornu.ir.program import Node, Value

if TYPE_CHECKING:
    from cornu.ir.onnx.graph import GraphWriter
    from cornu.ir.onnx.known import Ints
    from cornu.ir.onnx.reader import GraphReader, OnnxNode

WriteRule = Callable[["GraphWriter", Node, Sequence[str], Sequence[str]], "Sequence[str] | None"]
"""`(writer, node, names of its inputs, names for its outputs) -> None`, or the names of tensors that are the outputs."""

ReadRule = Callable[["GraphReader", "OnnxNode"], Value | Sequence[Value]]
"""`(reader, ONNX node) -> the node's outputs`, recorded with `reader.b`."""

FoldRule = Callable[["OnnxNode", Sequence["Ints | None"]], "Ints | None"]
"""`(ONNX node, its inputs as far as they are known integers) -> its output as known integers, or None`."""

WRITE: dict[str, WriteRule] = {}
READ: dict[str, ReadRule] = {}
FOLD: dict[str, FoldRule] = {}
CALLS: dict[str, CallWriter] = {}

Rule = TypeVar("Rule")


class CallWriter:
    """How a composite becomes one standard operator.

    Args:
        op: The operator.
        since: The first opset that has it.
        write: The rule; the `Call` node's attributes hold the composite's configuration.
        fits: Tells whether the operator can express that node; None where it always can.
    """

    def __init__(self, op: str, since: int, write: WriteRule, fits: Callable[[Node], bool] | None = None) -> None:
        self.op = op
        self.since = since
        self.write = write
        self.fits = fits

    def applies(self, node: Node, opset: int) -> bool:
        """True where the node can be written as the operator."""
        return opset >= self.since and (self.fits is None or self.fits(node))


def _enter(table: dict[str, Rule], names: Sequence[str], kind: str) -> Callable[[Rule], Rule]:
    def enter(rule: Rule) -> Rule:
        for name in names:
            if name in table:
                raise ValueError(f"There is a rule for {kind} {name} already.")
            table[name] = rule
        return rule

    return enter


def writes(*primitives: str) -> Callable[[WriteRule], WriteRule]:
    """Registers the rule that writes these primitives; without one, a primitive is written under its own name."""
    return _enter(WRITE, primitives, "writing the primitive")


def reads(*operators: str) -> Callable[[ReadRule], ReadRule]:
    """Registers the rule that reads these ONNX operators."""
    return _enter(READ, operators, "reading the operator")


def folds(*operators: str) -> Callable[[FoldRule], FoldRule]:
    """Registers the rule by which these ONNX operators compute known integers."""
    return _enter(FOLD, operators, "folding the operator")


def writes_call(
    name: str, op: str, since: int = 1, fits: Callable[[Node], bool] | None = None
) -> Callable[[WriteRule], WriteRule]:
    """Registers the rule that writes the composite `name` as the operator `op`; others are inlined."""

    def enter(rule: WriteRule) -> WriteRule:
        _enter(CALLS, (name,), "writing the composite")(CallWriter(op, since, rule, fits))
        return rule

    return enter
