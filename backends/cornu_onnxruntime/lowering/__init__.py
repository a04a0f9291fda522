"""Rewriting programs to what ONNX Runtime is fastest at; never part of an exported model.

Everything here was chosen by measurement (benchmarks/README.md) and means the same as what it replaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu.ir.passes.common_subexpressions import common_subexpressions
from cornu.ir.passes.dead_code import dead_code
from cornu.ir.passes.inline import inline
from cornu.ir.passes.movement_rules import reshape, transpose
from cornu.ir.passes.packing import pack
from cornu.ir.passes.rewriting import Rule, rewrite
from cornu.ir.program import Node, Program

from cornu_onnxruntime.extension import Kernels
from cornu_onnxruntime.lowering import convolution, gradients, pooling, reductions, views
from cornu_onnxruntime.lowering.nodes import WRITERS
from cornu_onnxruntime.lowering.normalization import training_normalization
from cornu_onnxruntime.lowering.probe import block_size

__all__ = ["WRITERS", "claims", "lower"]

_CLAIMED = frozenset({"ConvWeightGrad", "MaxPoolGrad", "BatchNormalizationTraining"})


def claims(name: str, dtypes: Sequence[str], attributes: Mapping[str, Any]) -> bool:
    """Whether `lower` takes care of that composite: by a form of its own, or by inlining its body.

    Bodies are not legalised any more, so it is only those of a dtype that all their operators have.
    """
    return name in _CLAIMED and set(dtypes) == {"float32"}


def lower(program: Program, block: int | None = None, kernels: Kernels | None = None) -> Program:
    """The program in the fastest forms that are known.

    Args:
        program: A program of nodes that the backend supports.
        block: The size of the blocks of `com.microsoft.nchwc`; None for that of this machine, 0 for no blocks.
        kernels: Custom operators to use.

    Returns:
        An equal program, maybe with nodes of `nodes.py`.
    """
    for table in pooling.rounds(program):
        program = _clean(rewrite(program, table))

    def is_custom(call: Node) -> bool:
        return kernels is not None and kernels.computes(call)

    program = rewrite(program, pooling.shared_maxima(program, is_custom))
    program = rewrite(program, {"Slice": [gradients.cropped_transpose], "Call": [training_normalization]})
    block = block_size() if block is None else block or None
    program = dead_code(rewrite(program, _merged(_convolutions(block), _VIEWS)))
    program = _clean(inline(program, lambda call: call.attributes["name"] not in _CLAIMED or is_custom(call)))
    program = _clean(rewrite(program, _merged(reductions.RULES, _VIEWS)))
    return pack(program) if kernels is None else kernels.lower(program)


def _convolutions(block: int | None) -> dict[str, list[Rule]]:
    plain: dict[str, list[Rule]] = {
        "Conv": [convolution.pointwise],
        "Add": [lambda r, node: convolution.with_bias(r, node, block)],
    }
    if block is None:
        return plain
    blocked: dict[str, list[Rule]] = {
        "Conv": [lambda r, node: convolution.conv_in_blocks(r, node, block)],
        "ConvTranspose": [lambda r, node: gradients.input_gradient(r, node, block)],
        "Call": [
            lambda r, node: gradients.input_gradient(r, node, block),
            lambda r, node: gradients.batch_convolution(r, node, block),
        ],
    }
    return _merged(plain, blocked)


def _clean(program: Program) -> Program:
    return dead_code(common_subexpressions(program))


def _merged(*tables: Mapping[str, Sequence[Rule]]) -> dict[str, list[Rule]]:
    merged: dict[str, list[Rule]] = {}
    for table in tables:
        for op, rules in table.items():
            merged.setdefault(op, []).extend(rules)
    return merged


_VIEWS = _merged({"Reshape": [reshape], "Transpose": [transpose]}, views.RULES)
