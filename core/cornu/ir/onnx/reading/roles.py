"""What the weights of an ONNX model are for, as far as training needs to know."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from cornu.ir.onnx.names import Names
from cornu.ir.onnx.protos import tensor_proto
from cornu.ir.onnx.reading.loading import Source

_SCALED = (
    "BatchNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
)
_RECURRENT = ("LSTM", "GRU", "RNN")
_MEAN, _VARIANCE = 3, 4
_BIAS = 3


@dataclass(frozen=True)
class Roles:
    """Weights that are not trained as the others are, or start otherwise.

    Args:
        statistics: Means and variances of batch normalizations: they are not trained.
        ones: Scales and variances: before training they are 1.
    """

    statistics: frozenset[str]
    ones: frozenset[str]

    @staticmethod
    def of(graph: GraphProto) -> Roles:
        """Those of a graph's operators."""
        statistics: set[str] = set()
        ones: set[str] = set()
        for node in graph.node:
            if node.op_type in _SCALED:
                ones.add(node.input[1])
            if node.op_type == "BatchNormalization":
                statistics.update(node.input[_MEAN:])
                ones.update(node.input[_VARIANCE:])
        return Roles(frozenset(statistics), frozenset(ones))


def separate_roles(model: ModelProto, source: Source) -> ModelProto:
    """Gives every weight one role; the model is changed in place.

    Exporters share equal constants: one that has a second name (an Identity of it) becomes two, and so does one that
    is a statistic here and a weight there. The second half of a recurrent bias, which is only added to the first,
    stops being a weight where it is zero: it would double the steps that training takes.
    """
    _separate_names(model.graph)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    names = Names()
    for name in (*tensors, *(output for node in model.graph.node for output in node.output)):
        names.unique(name)
    _separate_statistics(model.graph, tensors, names)
    _halve_bias(model.graph, source)
    return model


def _separate_names(graph: GraphProto) -> None:
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in tensors:
            copy = graph.initializer.add()
            copy.CopyFrom(tensors[node.input[0]])
            copy.name = node.output[0]
            tensors[copy.name] = copy
        else:
            kept.append(node)
    if len(kept) != len(graph.node):
        del graph.node[:]
        graph.node.extend(kept)


def _readers(graph: GraphProto) -> dict[str, list[tuple[NodeProto, int]]]:
    readers: dict[str, list[tuple[NodeProto, int]]] = defaultdict(list)
    for node in graph.node:
        for i, name in enumerate(node.input):
            readers[name].append((node, i))
    return readers


def _separate_statistics(graph: GraphProto, tensors: dict[str, TensorProto], names: Names) -> None:
    readers = _readers(graph)
    for name, tensor in tensors.items():
        places = [_is_statistic(node, i) for node, i in readers[name]]
        if not any(places) or all(places):
            continue
        copy = graph.initializer.add()
        copy.CopyFrom(tensor)
        copy.name = names.unique(f"{name}/statistic")
        for (node, i), statistic in zip(readers[name], places, strict=True):
            if statistic:
                node.input[i] = copy.name


def _is_statistic(node: NodeProto, i: int) -> bool:
    return node.op_type == "BatchNormalization" and i in (_MEAN, _VARIANCE)


def _halve_bias(graph: GraphProto, source: Source) -> None:
    """Leaves only the first half of a recurrent bias; the rule that reads the operator knows what that means."""
    readers = _readers(graph)
    for tensor in graph.initializer:
        users = [node for node, i in readers[tensor.name] if i == _BIAS and _adds_halves(node)]
        if not users or len(users) != len(readers[tensor.name]) or len(tensor.dims) != 2 or tensor.dims[1] % 2:
            continue
        first, second = np.split(source.array(tensor), 2, axis=1)
        if first.size and not np.any(second):
            tensor.CopyFrom(tensor_proto(np.ascontiguousarray(first), tensor.name))


def _adds_halves(node: NodeProto) -> bool:
    """Whether the two halves of a node's bias are simply added."""
    reset_late = any(a.name == "linear_before_reset" and a.i for a in node.attribute)
    return node.op_type in _RECURRENT and not (node.op_type == "GRU" and reset_late)
