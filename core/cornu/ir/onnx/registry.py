"""The one table of how each primitive is written to ONNX, and each ONNX operator read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from cornu.ir.onnx.expressible import EXPRESSIBLE
from cornu.ir.program import Node, Value

if TYPE_CHECKING:
    from cornu.ir.onnx.reading.known import Ints
    from cornu.ir.onnx.reading.nodes import OnnxNode
    from cornu.ir.onnx.reading.reader import GraphReader
    from cornu.ir.onnx.writing.graph import GraphWriter

WriteRule = Callable[["GraphWriter", Node, Sequence[str], Sequence[str]], "Sequence[str] | None"]
"""`(writer, node, names of its inputs, names for its outputs) -> None`, or the names of what the outputs are."""

ReadRule = Callable[["GraphReader", "OnnxNode"], "Value | Sequence[Value]"]
"""`(reader, ONNX node) -> the node's outputs`, recorded with `reader.b`."""

FoldRule = Callable[["GraphReader", "OnnxNode"], "Ints | Sequence[Ints] | None"]
"""`(reader, ONNX node) -> the node's outputs` as known integers, or None where its inputs are none."""

WRITE: dict[str, WriteRule] = {}
READ: dict[str, ReadRule] = {}
FOLD: dict[str, FoldRule] = {}
CALLS: dict[str, NodeWriter] = {}

Rule = TypeVar("Rule")


class NodeWriter:
    """A rule that writes only some nodes of a primitive or composite; the others go the usual way.

    Args:
        write: The rule; for a composite, the `Call` node's attributes hold its configuration.
        fits: Tells whether the rule can express that node; None where it always can.
        since: The first opset that has the operators it writes.
    """

    def __init__(self, write: WriteRule, fits: Callable[[Node], bool] | None = None, since: int = 1) -> None:
        self.write = write
        self.fits = fits
        self.since = since

    def applies(self, node: Node, opset: int) -> bool:
        """True where the rule writes that node."""
        return opset >= self.since and (self.fits is None or self.fits(node))


def name_of(node: Node) -> str:
    """A node's primitive, or the composite's name of a `Call`."""
    return str(node.attributes["name"]) if node.op == "Call" else node.op


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


def writes_call(name: str) -> Callable[[WriteRule], WriteRule]:
    """Registers the rule that writes the composite `name` where `EXPRESSIBLE` says so; it is inlined elsewhere."""

    def enter(rule: WriteRule) -> WriteRule:
        since, fits = EXPRESSIBLE[name]
        _enter(CALLS, (name,), "writing the composite")(NodeWriter(rule, fits, since))
        return rule

    return enter
