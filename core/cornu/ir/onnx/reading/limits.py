"""How large a model may be that is read: a file of somebody else's must not take the machine down."""

from __future__ import annotations

from cornu.ir.dim import Dim, DimLike, Symbol
from cornu.ir.onnx.reading.nodes import OnnxImportError
from cornu.ir.types import TensorType

MAX_BYTES = (1 << 31) - 1
"""A message; protobuf itself has no larger ones."""

MAX_FIELDS = 1_000_000
"""Parts of a message (nodes, names, attributes, ...) without counting elements of tensors."""

MAX_NODES = 100_000
"""Nodes, those of sub-graphs and of functions wherever these are called included."""

MAX_DEPTH = 16
"""Sub-graphs in sub-graphs."""

MAX_RANK = 64

MAX_ELEMENTS = 1 << 31
"""Elements of one tensor whose size is known."""

_MAX_TERMS = 256
_MAX_DEGREE = 32
_MAX_TEXT = 20_000


def check_type(type: TensorType, what: str) -> None:
    """Checks that a tensor may exist.

    Raises:
        OnnxImportError: If it is too large, has a negative size, or a size is too long an expression.
    """
    if type.rank > MAX_RANK:
        raise OnnxImportError(f"{what} has {type.rank} axes; at most {MAX_RANK} are read.")
    known = 1
    for dim in type.shape:
        if isinstance(dim, Dim):
            check_dim(dim, what)
        elif dim < 0:
            raise OnnxImportError(f"{what} has a negative size: {type}.")
        else:
            known *= dim
    if known > MAX_ELEMENTS:
        raise OnnxImportError(f"{what} would have {known} elements or more; at most {MAX_ELEMENTS} are allowed.")


def check_dim(dim: DimLike, what: str) -> None:
    """Checks that the expression of a size is not absurdly long.

    Raises:
        OnnxImportError: If it is.
    """
    if isinstance(dim, Dim) and not _is_short(dim):
        raise OnnxImportError(f"{what} has a size that is too long an expression of the inputs' sizes.")
    if not isinstance(dim, Dim) and not -(1 << 63) <= dim < 1 << 64:
        raise OnnxImportError(f"{what} has a size that no integer type holds.")


def _is_short(dim: Dim) -> bool:
    if len(dim.terms) > _MAX_TERMS or any(len(monomial) > _MAX_DEGREE for monomial, _ in dim.terms):
        return False
    plain = all(isinstance(atom, Symbol) for monomial, _ in dim.terms for atom in monomial)
    return plain or len(str(dim)) <= _MAX_TEXT
