"""Kernels of elementwise operators: NumPy's ufuncs, which take the place of the result."""

from __future__ import annotations

import numpy as np

from cornu_numpy.kernel import MAKERS, Kernel, Operation, all_of, kernel
from cornu_numpy.special import ERF_DENOMINATOR, ERF_LIMIT, ERF_NUMERATOR

_UFUNCS: dict[str, np.ufunc] = {
    "Neg": np.negative,
    "Abs": np.absolute,
    "Sign": np.sign,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.rint,
    "Sqrt": np.sqrt,
    "Reciprocal": np.reciprocal,
    "Exp": np.exp,
    "Log": np.log,
    "Sin": np.sin,
    "Cos": np.cos,
    "Tan": np.tan,
    "Asin": np.arcsin,
    "Acos": np.arccos,
    "Atan": np.arctan,
    "Sinh": np.sinh,
    "Cosh": np.cosh,
    "Tanh": np.tanh,
    "Asinh": np.arcsinh,
    "Acosh": np.arccosh,
    "Atanh": np.arctanh,
    "Not": np.logical_not,
    "BitwiseNot": np.invert,
    "IsNaN": np.isnan,
    "IsInf": np.isinf,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Mod": np.remainder,
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "BitwiseAnd": np.bitwise_and,
    "BitwiseOr": np.bitwise_or,
    "BitwiseXor": np.bitwise_xor,
}
_SMALL = 4096
_FLOAT_UFUNCS: dict[str, np.ufunc] = {"Div": np.divide, "Pow": np.power}


def _ufunc(operation: Operation) -> Kernel:
    return Kernel(_UFUNCS[operation.op], in_place=True)


def _float_ufunc(operation: Operation) -> Kernel | None:
    """Integers divide and raise to powers by rules of their own."""
    if not all_of(operation, np.float32, np.float64, np.float16):
        return None
    return Kernel(_FLOAT_UFUNCS[operation.op], in_place=True)


MAKERS.update(dict.fromkeys(_UFUNCS, _ufunc))
MAKERS.update(dict.fromkeys(_FLOAT_UFUNCS, _float_ufunc))


@kernel("Max", "Min")
def _choice(operation: Operation) -> Kernel:
    # NumPy takes the place of these two results by name only.
    ufunc = np.maximum if operation.op == "Max" else np.minimum
    if any(scattered(array) for array in operation.inputs):
        likes = tuple((array.shape, array.dtype) for array in operation.inputs)

        def packed(x: np.ndarray, y: np.ndarray, left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
            np.copyto(left, x)
            np.copyto(right, y)
            ufunc(left, right, out=out)

        return Kernel(packed, scratch=likes)
    return Kernel(lambda x, y, out: ufunc(x, y, out=out), in_place=True)


def scattered(array: np.ndarray) -> bool:
    """Whether neighbours do not lie next to each other: NumPy's extremes are so slow then that copying first pays."""
    return array.size > _SMALL and array.shape[-1] > 1 and array.strides[-1] not in (0, array.itemsize)


@kernel("Relu")
def _relu(operation: Operation) -> Kernel:
    zero = np.zeros((), operation.dtype)
    return Kernel(lambda x, out: np.maximum(x, zero, out=out), in_place=True)


@kernel("Cast")
def _cast(operation: Operation) -> Kernel | None:
    (x,) = operation.inputs
    saturates = operation.dtype.kind in "iu" and x.dtype.kind not in "biu"
    return None if saturates else Kernel(lambda x, out: np.copyto(out, x, casting="unsafe"))


@kernel("Where")
def _where(operation: Operation) -> Kernel:
    def run(condition: np.ndarray, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
        np.copyto(out, y)
        np.copyto(out, x, where=condition)

    return Kernel(run)


@kernel("Sigmoid")
def _sigmoid(operation: Operation) -> Kernel | None:
    if not all_of(operation, np.float32, np.float64):
        return None

    def run(x: np.ndarray, out: np.ndarray) -> None:
        np.negative(x, out)
        np.exp(out, out)  # infinite for large negative x, and then the result is 0
        np.add(out, 1, out)
        np.reciprocal(out, out)

    return Kernel(run, in_place=True)


@kernel("Softplus")
def _softplus(operation: Operation) -> Kernel | None:
    if not all_of(operation, np.float32, np.float64):
        return None
    zero = np.zeros((), operation.dtype)

    def run(x: np.ndarray, positive: np.ndarray, out: np.ndarray) -> None:
        np.maximum(x, zero, out=positive)
        np.absolute(x, out)
        np.negative(out, out)
        np.exp(out, out)
        np.log1p(out, out)
        np.add(out, positive, out)

    return Kernel(run, in_place=True, scratch=((operation.shape, operation.dtype),))


@kernel("Erf")
def _erf(operation: Operation) -> Kernel | None:
    """A rational function for float32; the reference kernel's own for float64."""
    if not all_of(operation, np.float32):
        return None
    numerator = [np.float32(c) for c in ERF_NUMERATOR]
    denominator = [np.float32(c) for c in ERF_DENOMINATOR]
    shape = (operation.shape, operation.dtype)

    def polynomial(coefficients: list[np.float32], t: np.ndarray, out: np.ndarray) -> None:
        np.multiply(t, coefficients[0], out)
        for coefficient in coefficients[1:-1]:
            np.add(out, coefficient, out)
            np.multiply(out, t, out)
        np.add(out, coefficients[-1], out)

    def run(x: np.ndarray, bounded: np.ndarray, t: np.ndarray, out: np.ndarray) -> None:
        np.clip(x, -ERF_LIMIT, ERF_LIMIT, bounded)
        np.multiply(bounded, bounded, t)
        polynomial(numerator, t, out)
        np.multiply(out, bounded, out)
        polynomial(denominator, t, bounded)
        np.divide(out, bounded, out)
        np.clip(out, -1, 1, out)

    return Kernel(run, in_place=True, scratch=(shape, shape))
