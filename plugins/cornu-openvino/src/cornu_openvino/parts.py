"""Cutting a program into parts for OpenVINO and nodes for the host, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from cornu.ir.program import Node, Value

from cornu_openvino.sizes import SizedProgram
from cornu_openvino.support import INDICES, MOVEMENT, WIDE, Place, place

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Part:
    """Nodes that run together, on OpenVINO or (then it is one) on the host.

    Args:
        place: Who runs them.
        nodes: The nodes in order.
        inputs: What they read from outside, constants included.
        outputs: What others read of theirs.
    """

    place: Place
    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


def cut(program: SizedProgram) -> list[Part]:
    """The parts of a program in an order in which they can run, as few of OpenVINO's as that allows."""
    places = Places(program.constants)
    phases: dict[Value, tuple[int, Place]] = {}
    groups: dict[tuple[int, bool], list[Node]] = {}
    for node in program.nodes:
        where = places.add(node)
        phase = max((_earliest(value, where, phases) for value in node.inputs), default=0)
        phases.update(dict.fromkeys(node.outputs, (phase, where)))
        groups.setdefault((phase, where is Place.OPENVINO), []).append(node)
    wanted = set(program.outputs)
    readers = [(key, value) for key, nodes in groups.items() for node in nodes for value in node.inputs]
    parts: list[Part] = []
    for key in sorted(groups):
        read = wanted.union(value for other, value in readers if other != key)
        parts += _parts_of(groups[key], key[1], read)
    return parts


def _earliest(value: Value, where: Place, phases: Mapping[Value, tuple[int, Place]]) -> int:
    """The first phase in which a value is there. In each, the host's nodes come before OpenVINO's part."""
    if value not in phases:
        return 0
    phase, producer = phases[value]
    if producer is Place.HOST:
        return phase
    # OpenVINO keeps float16 in float32 inside a model; what leaves one is rounded.
    return phase + 1 if where is Place.HOST or value.dtype == "float16" else phase


def _parts_of(nodes: Sequence[Node], on_openvino: bool, read: set[Value]) -> list[Part]:
    if not on_openvino:
        return [Part(Place.HOST, (node,), _unique(node.inputs), node.outputs) for node in nodes]
    made = {value for node in nodes for value in node.outputs}
    inputs = _unique(value for node in nodes for value in node.inputs if value not in made)
    outputs = tuple(value for node in nodes for value in node.outputs if value in read)
    return [Part(Place.OPENVINO, tuple(nodes), inputs, outputs)] if outputs else []


def _unique(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(values))


class Places:
    """Who computes each node, by its dtypes, by its sizes, and by what is known of 64-bit integers.

    Args:
        constants: The values that are known.
    """

    def __init__(self, constants: Mapping[Value, np.ndarray]) -> None:
        self._narrow = {value for value, array in constants.items() if _fits(array)}
        """The int64 tensors whose elements fit in 32 bits, whatever they are."""

    def add(self, node: Node) -> Place:
        """Who computes the next node."""
        self._narrow.update(self._narrow_results(node))
        values = (*node.inputs, *node.outputs)
        if any(value.type.size == 0 for value in values):
            return Place.HOST
        if any(value.dtype in WIDE and value not in self._narrow for value in node.outputs):
            return Place.HOST
        dtypes = [self._dtype(node, i) for i in range(len(node.inputs))]
        if WIDE.intersection(dtypes):
            return Place.HOST
        return place(node.op, dtypes, node.attributes) or Place.HOST

    def _dtype(self, node: Node, i: int) -> str:
        value = node.inputs[i]
        if value.dtype == "int64" and (value in self._narrow or INDICES.get(node.op) == i):
            return "int32"
        return value.dtype

    def _narrow_results(self, node: Node) -> list[Value]:
        """The results that are int64 and cannot exceed 32 bits."""
        wide = [value for value in node.outputs if value.dtype == "int64"]
        if node.op in ("ArgMax", "ArgMin"):
            return wide
        if node.op == "TopK":
            return list(node.outputs[0 if self._all_narrow(node) else 1 :])
        if node.op == "Cast":
            source = self._dtype(node, 0)
            return wide if place("Cast", [source], node.attributes) is Place.OPENVINO else []
        if node.op in MOVEMENT or node.op in ("Max", "Min"):
            return wide if self._all_narrow(node) and abs(node.attributes.get("value", 0)) <= _INT32.max else []
        return []

    def _all_narrow(self, node: Node) -> bool:
        indices = INDICES.get(node.op)
        data = [value for i, value in enumerate(node.inputs) if i != indices and value.dtype != "bool"]
        return all(value in self._narrow for value in data) and node.attributes.get("reduction", "none") == "none"


def _fits(array: np.ndarray) -> bool:
    if array.dtype != np.int64:
        return False
    return not array.size or bool(array.min() >= _INT32.min and array.max() <= _INT32.max)
