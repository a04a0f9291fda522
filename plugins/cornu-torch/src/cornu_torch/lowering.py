"""Rewriting a program for torch: nodes that one kernel computes together become one node of a name of our own.

Each rule leaves the numbers as they are, but for the rounding of what lies between the two operations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cornu.ir.program import Node, Program, Value
from cornu.ir.types import TensorType

from cornu_torch.dtypes import WIDE_FLOATS
from cornu_torch.kernels.fused import COMPARISONS
from cornu_torch.support import name_of

Rule = Callable[["Graph", Node], Node | None]


class Graph:
    """A program's nodes, and who reads what.

    Args:
        program: The program.
    """

    def __init__(self, program: Program) -> None:
        self.producers: dict[Value, Node] = {value: node for node in program.nodes for value in node.outputs}
        self.readers = Counter(value for node in program.nodes for value in node.inputs)
        self.readers.update(program.outputs)

    def alone(self, value: Value, *ops: str) -> Node | None:
        """The node of one of these operators that makes a value for one reader; None if that is not so."""
        node = self.producers.get(value)
        return node if node is not None and node.op in ops and self.readers[value] == 1 else None

    def put(self, new: Node) -> Node:
        """Notes that a node has taken the place of those that made its results; it reads what they read."""
        self.producers.update((value, new) for value in new.outputs)
        return new


def lower(program: Program, on_cpu: bool) -> Program:
    """The program in operators of this backend, sub-programs too.

    Args:
        program: A program of primitives and of composites that run natively.
        on_cpu: Whether it is to run on the CPU.
    """
    graph = Graph(program)
    nodes = [_applied(graph, _with_bodies(node, on_cpu)) for node in program.nodes]
    nodes = _without_dead(nodes, program.outputs)
    if on_cpu:
        nodes = list(_with_places(nodes))
    return Program(program.name, program.inputs, program.outputs, tuple(nodes))


def _without_dead(nodes: Sequence[Node], outputs: Sequence[Value]) -> list[Node]:
    """The nodes whose results are still read."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _applied(graph: Graph, node: Node) -> Node:
    for rule in RULES:
        found = rule(graph, node)
        if found is not None:
            return found
    return node


def _with_bodies(node: Node, on_cpu: bool) -> Node:
    if node.op == "Call" or not node.bodies:
        return node  # a composite's body is only a definition
    bodies = {name: lower(body, on_cpu) for name, body in node.bodies.items()}
    return replace(node, attributes={**node.attributes, **bodies})


# -- rules ---------------------------------------------------------------------------------------------------------


def _mask(graph: Graph, node: Node) -> Node | None:
    """`Cast(Greater(x, y))` back to the dtype of x."""
    if node.op != "Cast":
        return None
    compared, dtype = graph.alone(node.inputs[0], *COMPARISONS), node.attributes["to"]
    if compared is None or compared.inputs[0].dtype != dtype or dtype not in WIDE_FLOATS:
        return None
    return graph.put(Node(f"Cast({compared.op})", compared.inputs, node.outputs, {}, node.scope))


def _accumulated(graph: Graph, node: Node) -> Node | None:
    """`x + y z`, `x - y z`, `x + y / z`, `x - y / z`."""
    if node.op not in ("Add", "Sub") or node.outputs[0].dtype not in WIDE_FLOATS:
        return None
    for i in (1, 0) if node.op == "Add" else (1,):
        inner = graph.alone(node.inputs[i], "Mul", "Div")
        if inner is not None and inner.outputs[0].shape == node.outputs[0].shape:
            moved = _interpolated(graph, node, node.inputs[1 - i], inner)
            if moved is not None:
                return moved
            operands = (node.inputs[1 - i], *inner.inputs)
            return graph.put(Node(f"{node.op}({inner.op})", operands, node.outputs, {}, node.scope))
    return None


def _interpolated(graph: Graph, node: Node, x: Value, inner: Node) -> Node | None:
    """`x + (y - x) c`: the moving averages of optimizers."""
    if node.op != "Add" or inner.op != "Mul" or x.shape != node.outputs[0].shape:
        return None
    for difference, factor in (inner.inputs, inner.inputs[::-1]):
        made = graph.alone(difference, "Sub")
        if made is not None and made.inputs[1] is x and made.inputs[0].shape == x.shape and not factor.shape:
            return graph.put(Node("Add(Mul(Sub))", (x, made.inputs[0], factor), node.outputs, {}, node.scope))
    return None


def _offset_product(graph: Graph, node: Node) -> Node | None:
    """A product with a matrix, and a vector added to its rows."""
    for product, offset in _offset(graph, node, "MatMul"):
        if product.inputs[1].type.rank == 2 and offset.shape == node.outputs[0].shape[-1:]:
            return graph.put(Node("MatMul+Add", (*product.inputs, offset), node.outputs, {}, node.scope))
    return None


def _offset_convolution(graph: Graph, node: Node) -> Node | None:
    """A convolution with a number added to every channel."""
    for made, offset in _offset(graph, node, "Conv", "ConvTranspose"):
        _, channels, *sizes = node.outputs[0].shape
        if offset.shape == (1, channels, *(1,) * len(sizes)):
            operands = (*made.inputs, offset)
            return graph.put(Node(f"{made.op}+Add", operands, node.outputs, made.attributes, made.scope))
    return None


def _offset(graph: Graph, node: Node, *ops: str) -> Iterator[tuple[Node, Value]]:
    """Where a node adds to the result of an operator without stretching it: that operator, and what is added."""
    if node.op == "Add" and node.outputs[0].dtype in WIDE_FLOATS:
        for i in (0, 1):
            made = graph.alone(node.inputs[i], *ops)
            if made is not None and made.outputs[0].shape == node.outputs[0].shape:
                yield made, node.inputs[1 - i]


RULES: tuple[Rule, ...] = (_mask, _offset_product, _offset_convolution, _accumulated)


# -- maxima and their places ---------------------------------------------------------------------------------------


def _with_places(nodes: list[Node]) -> Iterator[Node]:
    """A pooling whose gradient follows also tells where the maxima lie, so that they are searched once."""
    gradients = {_window(node): node for node in nodes if name_of(node) == "MaxPoolGrad"}
    known: dict[object, tuple[Value, Value]] = {}
    for node in nodes:
        window = _window(node)
        if node.op == "MaxPool" and window in gradients and window not in known:
            places = Value(TensorType("int64", node.outputs[0].shape))
            known[window] = (node.outputs[0], places)
            yield replace(node, op="MaxPool, places", outputs=(node.outputs[0], places))
        elif name_of(node) == "MaxPoolGrad" and window in known:
            yield replace(node, op="MaxPoolGrad, places", inputs=(*node.inputs, *known[window]))
        else:
            yield node


def _window(node: Node) -> object:
    if name_of(node) not in ("MaxPool", "MaxPoolGrad"):
        return None
    return node.inputs[0], *(node.attributes[name] for name in ("kernel_shape", "strides", "dilations"))
