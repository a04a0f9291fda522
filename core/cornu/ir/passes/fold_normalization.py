"""Making normalizations by fixed statistics part of the product before them."""

from __future__ import annotations

import numpy as np

from cornu.ir.passes.dead_code import dead_code
from cornu.ir.passes.rewriting import Rewriter, rewrite
from cornu.ir.program import Node, Program, Value

_CHANNELS = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1}
"""The axis of the second operand that becomes the channels of the result."""


def fold_normalization(program: Program) -> Program:
    """Scales the weights before a `BatchNormalization` and adds its offset to theirs.

    With s = scale / sqrt(variance + epsilon), (x w + b - mean) s + offset = x (w s) + (b - mean) s + offset.
    Results differ by rounding.

    Args:
        program: A program whose weights are constants.

    Returns:
        The program without the normalizations that only follow a convolution or a product of matrices; the same object
        where there are none.

    Example:
        >>> fold_normalization(program)
    """
    return dead_code(rewrite(program, {"Call": [_fold]}))


def _fold(r: Rewriter, node: Node) -> Value | None:
    if node.attributes["name"] != "BatchNormalization":
        return None
    x, *parameters = node.inputs
    arrays = [r.constant(value) for value in parameters]
    found = _product(r, x)
    if found is None or any(array is None for array in arrays):
        return None
    product, bias = found
    scale, offset, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    factor = scale / np.sqrt(variance + node.attributes["epsilon"])
    weights = product.inputs[1]
    kernel = r.constant(weights)
    if kernel is None or (product.op == "ConvTranspose" and product.attributes["group"] > 1):
        return None
    along = np.ones(kernel.ndim, int)
    along[_CHANNELS[product.op]] = -1
    scaled = _weight(r, kernel * factor.reshape(along), weights)
    shift = ((_channels(bias) - mean) * factor + offset).reshape(len(factor), *(1,) * (x.type.rank - 2))
    result = r.emit(product.op, product.inputs[0], scaled, **product.attributes)
    return r.emit("Add", result, _weight(r, shift, parameters[1]))


def _product(r: Rewriter, x: Value) -> tuple[Node, np.ndarray | None] | None:
    """What makes a value that nothing else reads: a product, and the constant added to it."""
    if not r.used_once(x):
        return None
    node, bias = r.producer(x, "Add", *_CHANNELS), None
    if node is not None and node.op == "Add":
        bias = r.constant(node.inputs[1])
        if bias is None or bias.size not in (1, x.shape[1]) or not r.used_once(node.inputs[0]):
            return None
        if bias.size > 1 and bias.shape[bias.ndim - x.type.rank + 1 :][:1] != (bias.size,):
            return None  # it varies along another axis
        node = r.producer(node.inputs[0], *_CHANNELS)
    if node is None or (node.op == "MatMul" and x.type.rank != 2):
        return None
    return node, bias


def _channels(bias: np.ndarray | None) -> np.ndarray:
    return np.zeros(1) if bias is None else np.asarray(bias, np.float64).ravel()


def _weight(r: Rewriter, array: np.ndarray, like: Value) -> Value:
    """A constant in the dtype and with the name of another."""
    value = Value(type(like.type)(like.dtype, array.shape), like.name)
    r.append(Node("Constant", (), (value,), {"value": array.astype(str(like.dtype))}))
    return value
