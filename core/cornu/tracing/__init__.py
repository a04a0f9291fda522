"""Tensors, variables, and the tracing of Python functions into programs."""

from cornu.tracing.function import Function, TracedFunction, function
from cornu.tracing.gradient import GradientTape, grad, stop_gradient, value_and_grad
from cornu.tracing.structure import composite, cond, custom_gradient, remat, scan, while_loop
from cornu.tracing.tensor import ConcreteTensor, Tensor, TracedTensor, apply, apply_multiple, convert, dims, is_tensor
from cornu.tracing.trace import current_trace, named_scope, recording
from cornu.tracing.variable import AutocastScope, Variable

__all__ = [
    "AutocastScope",
    "ConcreteTensor",
    "Function",
    "GradientTape",
    "Tensor",
    "TracedFunction",
    "TracedTensor",
    "Variable",
    "apply",
    "apply_multiple",
    "composite",
    "cond",
    "convert",
    "current_trace",
    "custom_gradient",
    "dims",
    "function",
    "grad",
    "is_tensor",
    "named_scope",
    "recording",
    "remat",
    "scan",
    "stop_gradient",
    "value_and_grad",
    "while_loop",
]
