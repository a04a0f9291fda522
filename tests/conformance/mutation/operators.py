"""Mutation operators: each makes a kernel wrong in one way, wherever that way exists.

An operator is `(op, kernel) -> kernel or None`; None where it does not apply. Operators act on attributes, operands or
results, so that one definition serves all primitives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from cornu.ir.primitive import all_primitives, lookup
from cornu_conformance.composite_cases import OF_SOME_ELEMENTS, composite_cases
from cornu_conformance.reference import Kernel

Operator = Callable[[str, Kernel], Kernel | None]

COMMUTATIVE = frozenset(
    ["Add", "Mul", "Max", "Min", "Equal", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor"]
)
"""Swapped operands are the same operation."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Conv": ("strides", "dilations", "group"),
    "ConvTranspose": ("strides", "dilations", "group", "output_padding"),
    "CumSum": ("axis", "exclusive", "reverse"),
    "CumProd": ("axis", "exclusive", "reverse"),
    "Gather": ("axis",),
    "GatherElements": ("axis",),
    "ScatterElements": ("axis", "reduction"),
    "ScatterND": ("reduction",),
    "Concat": ("axis",),
    "Split": ("axis", "sizes"),
    "Tile": ("repeats",),
    "Trilu": ("upper", "k"),
    "BitShift": ("direction",),
    "Range": ("start", "step", "size"),
    "Reshape": ("shape",),
    "Transpose": ("perm",),
    "Expand": ("shape",),
    "Slice": ("starts", "ends", "axes", "steps"),
    "Pad": ("before", "after", "value", "mode"),
    "MaxPool": ("kernel_shape", "strides", "dilations"),
    "AveragePool": ("kernel_shape", "strides", "dilations"),
    "RandomBits": ("shape",),
    **{f"Reduce{kind}": ("axes", "keepdims") for kind in ("Sum", "Mean", "Prod", "Max", "Min")},
    "ArgMax": ("axis", "keepdims"),
    "ArgMin": ("axis", "keepdims"),
    "TopK": ("k", "axis", "largest"),
    "Scan": ("reverse", "length"),
}
"""Attributes that a kernel could misread; where `sorted` of TopK is false, any order will do."""


def _changed(change: Callable[[Any], Any], name: str) -> Callable[[Kernel], Kernel]:
    def wrap(kernel: Kernel) -> Kernel:
        return lambda *arrays, **attributes: kernel(*arrays, **{**attributes, name: change(attributes[name])})

    return wrap


def attribute_mutants(op: str) -> Iterator[tuple[str, Callable[[Kernel], Kernel]]]:
    """Every attribute misread: numbers one off, flags inverted, words exchanged, tuples reversed."""
    for name in ATTRIBUTES.get(op, ()):
        if name in ("exclusive", "reverse", "upper", "keepdims", "largest"):
            yield f"{name} inverted", _changed(lambda value: not value, name)
        elif name in _WORDS:
            for word in _WORDS[name]:
                yield f"{name} read as {word!r}", _changed(lambda value, word=word: word, name)
        elif name in ("axis", "axes"):
            yield f"other {name}", _other_axis(name)
        elif name == "value":
            yield "value ignored", _changed(lambda value: 0.0, name)
        elif name == "sizes":  # of the parts of Split; the last one is what remains
            yield "sizes reversed", _changed(lambda value: value[::-1], name)
        else:
            yield f"{name} one too large", _changed(lambda value: _plus(value, 1), name)
            yield f"{name} one too small", _changed(lambda value: _plus(value, -1), name)
            yield f"{name} reversed", _changed(lambda value: value[::-1] if isinstance(value, tuple) else -value, name)
            yield f"{name} ignored", _changed(lambda value: _plain(value), name)


_WORDS = {
    "reduction": ("none", "add", "mul", "max", "min"),
    "mode": ("constant", "reflect", "edge"),
    "direction": ("LEFT", "RIGHT"),
}


def _plus(value: Any, step: int) -> Any:
    return (
        (*value[:-1], value[-1] + step)
        if isinstance(value, tuple) and value
        else (value if isinstance(value, tuple) else value + step)
    )


def _plain(value: Any) -> Any:
    return tuple(1 for _ in value) if isinstance(value, tuple) else 1


def _other_axis(name: str) -> Callable[[Kernel], Kernel]:
    def wrap(kernel: Kernel) -> Kernel:
        def wrong(*arrays: np.ndarray, **attributes: Any) -> Any:
            rank, value = max(arrays[0].ndim, 1), attributes[name]
            turned = tuple((axis + 1) % rank for axis in value) if isinstance(value, tuple) else (value + 1) % rank
            return kernel(*arrays, **{**attributes, name: turned})

        return wrong

    return wrap


# -- operands ------------------------------------------------------------------------------------------------------


def operands_swapped(op: str, kernel: Kernel) -> Kernel | None:
    """The first two operands (of Where the last two) exchanged."""
    if op not in _OF_TWO - COMMUTATIVE:
        return None
    first = 1 if op == "Where" else 0

    def wrong(*arrays: np.ndarray, **attributes: Any) -> Any:
        if len(arrays) < first + 2 or arrays[first].dtype != arrays[first + 1].dtype:
            return kernel(*arrays, **attributes)
        turned = [*arrays]
        turned[first], turned[first + 1] = turned[first + 1], turned[first]
        return kernel(*turned, **attributes)

    return wrong


def reduced_precision(op: str, kernel: Kernel) -> Kernel | None:
    """Floats go through a narrower dtype inside: float64 through float32, float32 through 16 bits."""
    if not _has_floats(op):
        return None

    def narrow(array: np.ndarray) -> np.ndarray:
        if array.dtype == np.float64:
            return array.astype(np.float32).astype(np.float64)
        return array.astype(np.float16).astype(np.float32) if array.dtype == np.float32 else array

    def wrong(*arrays: np.ndarray, **attributes: Any) -> Any:
        return _each(kernel(*map(narrow, arrays), **attributes), narrow)

    return wrong


def nothing_fails(op: str, kernel: Kernel) -> Kernel | None:
    """Sizes of 0 are an error."""
    if op in _WITHOUT_OPERANDS | {"If", "While", "Barrier", "RandomBits", *OF_SOME_ELEMENTS}:
        return None

    def wrong(*arrays: np.ndarray, **attributes: Any) -> Any:
        if any(array.size == 0 for array in arrays):
            raise ValueError("there is nothing to compute")
        return kernel(*arrays, **attributes)

    return wrong


def broadcasting_fails(op: str, kernel: Kernel) -> Kernel | None:
    """Operands of other shapes than one another's are an error."""
    if op not in _ELEMENTWISE:
        return None

    def wrong(*arrays: np.ndarray, **attributes: Any) -> Any:
        if len({array.shape for array in arrays}) > 1:
            raise ValueError("shapes differ")
        return kernel(*arrays, **attributes)

    return wrong


def nan_ignored(op: str, kernel: Kernel) -> Kernel | None:
    """NaN counts as a very small number, or a large one where the smallest is sought."""
    if op not in (
        "Max",
        "Min",
        "ReduceMax",
        "ReduceMin",
        "ArgMax",
        "ArgMin",
        "MaxPool",
        "Sign",
        "Cast",
        "Equal",
        "IsNaN",
    ):
        return None
    substitute = np.inf if op in ("Min", "ReduceMin", "ArgMin") else -np.inf

    def clean(array: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(array), array.dtype.type(substitute), array) if array.dtype.kind == "f" else array

    return lambda *arrays, **attributes: kernel(*map(clean, arrays), **attributes)


# -- results -------------------------------------------------------------------------------------------------------


def last_element_wrong(op: str, kernel: Kernel) -> Kernel | None:
    """The last element of a result of more than one, as when a loop over blocks forgets the rest."""

    def spoil(array: np.ndarray) -> np.ndarray:
        if array.size < 2:
            return array
        result = array.copy()
        last = result.reshape(-1)[-1]
        result.reshape(-1)[-1] = not last if array.dtype == bool else last + array.dtype.type(1)
        return result

    return None if op in _SCALARS else lambda *arrays, **attributes: _each(kernel(*arrays, **attributes), spoil)


def first_row_repeated(op: str, kernel: Kernel) -> Kernel | None:
    """All rows of the result are its first, as when a batch is read as one sample."""

    def spoil(array: np.ndarray) -> np.ndarray:
        return np.broadcast_to(array[:1], array.shape).copy() if array.ndim and array.shape[0] > 1 else array

    return None if op in _SCALARS else lambda *arrays, **attributes: _each(kernel(*arrays, **attributes), spoil)


def dtype_widened(op: str, kernel: Kernel) -> Kernel | None:
    """float64 and int64 come back in 32 bits, 32 bits in 64, and booleans as bytes."""
    other = {"float32": "float64", "float64": "float32", "int32": "int64", "int64": "int32", "bool": "uint8"}
    other |= {"uint32": "uint64", "uint8": "int8"}

    def spoil(array: np.ndarray) -> np.ndarray:
        return array.astype(other.get(array.dtype.name, array.dtype))

    return lambda *arrays, **attributes: _each(kernel(*arrays, **attributes), spoil)


def infinity_saturated(op: str, kernel: Kernel) -> Kernel | None:
    """Infinities of the result become the largest finite numbers."""
    if op not in ("Exp", "Log", "Div", "Reciprocal", "ReduceMax", "ReduceMin", "MaxPool", "Pad", "Atanh", "Identity"):
        return None

    def spoil(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind != "f":
            return array
        limit = np.finfo(array.dtype).max
        return np.clip(array, -limit, limit)

    return lambda *arrays, **attributes: _each(kernel(*arrays, **attributes), spoil)


def _each(results: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    if isinstance(results, (list, tuple)):
        return [change(np.asarray(result)) for result in results]
    return change(np.asarray(results))


# -- which operators there are -------------------------------------------------------------------------------------

_ELEMENTWISE = frozenset(
    [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Mod",
        "Max",
        "Min",
        "Where",
        "And",
        "Or",
        "Xor",
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
        "Equal",
        "Less",
        "LessOrEqual",
        "Greater",
        "GreaterOrEqual",
        "BitShift",
    ]
)
_OF_TWO = _ELEMENTWISE | {
    "MatMul",
    "Concat",
    "Conv",
    "ConvTranspose",
    "ScatterElements",
    "If",
    "Scan",
    "While",
    "Barrier",
}
_WITHOUT_OPERANDS = frozenset(["Constant", "DimValue", "Range"])
_SCALARS = frozenset(["Constant", "DimValue"])
_WITHOUT_FLOATS = frozenset(
    [
        "Not",
        "And",
        "Or",
        "Xor",
        "BitwiseNot",
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
        "BitShift",
        "RandomBits",
        "DimValue",
        "Range",
        "Constant",
        "Equal",
        "Less",
        "LessOrEqual",
        "Greater",
        "GreaterOrEqual",
        "IsNaN",
        "IsInf",
    ]
)


def _has_floats(op: str) -> bool:
    return op not in _WITHOUT_FLOATS


NEVER_SEEN = frozenset(["Call", "Identity", "StopGradient"])
"""What the core takes out of every program before a backend gets it: a wrong kernel would never run."""

OPERATORS: tuple[Operator, ...] = (
    operands_swapped,
    reduced_precision,
    nothing_fails,
    broadcasting_fails,
    nan_ignored,
    last_element_wrong,
    first_row_repeated,
    dtype_widened,
    infinity_saturated,
)


def run_body(*arrays: np.ndarray, body: Any, **attributes: Any) -> Any:
    """A composite computed as it is defined."""
    return body(*arrays)


def kernel_mutants() -> Iterator[tuple[str, str, Kernel]]:
    """Every mutant of every reference kernel and native composite: which, what is wrong, kernel."""
    from mutation.kernels import SPECIFIC

    primitives = {op: lookup(op).kernel for op in all_primitives() if op not in NEVER_SEEN}
    for op, kernel in (primitives | dict.fromkeys(composite_cases(), run_body)).items():
        for operator in OPERATORS:
            wrong = operator(op, kernel)
            if wrong is not None:
                yield op, operator.__name__.replace("_", " "), wrong
        for name, wrap in attribute_mutants(op):
            yield op, name, wrap(kernel)
        for name, wrong in SPECIFIC.get(op, {}).items():
            yield op, name, wrong
