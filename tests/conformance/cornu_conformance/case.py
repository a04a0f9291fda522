"""What one check of a primitive says: operands, attributes, and what must come out."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.program import Program
from cornu.ir.types import TensorType, is_float, numpy_dtype

INF, NAN = float("inf"), float("nan")
FLOAT32 = ("float32",)
TWO_FLOATS = ("float32", "float64")
ALL_FLOATS = ("float32", "float64", "float16", "bfloat16")
TOLERANCE = {"float64": 1e-12, "float32": 2e-6, "float16": 2e-3, "bfloat16": 1.6e-2}

Arrays = tuple[np.ndarray, ...]
Formula = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """Operands of a primitive and the results that it must give.

    Arrays of float64 stand for the dtype under test: they are cast to it, and so are expected results of float64.
    Arrays of other dtypes are taken as they are.

    Args:
        name: What is special about it, such as `ties`.
        inputs: The operands.
        expected: One array per output, or the formula that gives them (one array or a tuple) from the operands in
            float64 after they were rounded to the dtype under test.
        attributes: The primitive's attributes, or a function of the dtype under test that gives them.
        symbolic: For each input a word per axis: the name of a symbol, or `_` for a fixed size.
        dtypes: The dtypes under test.
        orders: How many derivatives finite differences may check: 0 at kinks and ties and of integers, else 2.
        gradient: The cotangent of each input (None for one that has none) that all-ones cotangents of the outputs give,
            by hand, for kinks and ties.
        operands: How many of the inputs the primitive takes; the others only give a symbol its value.
        tolerance: What the dtype's usual tolerance is multiplied with.
        relative: Whether results near 0 must be as accurate as others.

    Example:
        >>> Case("ties", [[1.0, 3.0, 3.0]], [3.0], {"axes": (0,), "keepdims": False}, gradient=[[0.0, 0.5, 0.5]])
    """

    name: str
    inputs: Sequence[Any]
    expected: Sequence[Any] | Formula
    attributes: Mapping[str, Any] | Callable[[str], Mapping[str, Any]] = field(default_factory=dict)
    symbolic: Sequence[str] = ()
    dtypes: Sequence[str] = TWO_FLOATS
    orders: int = 2
    gradient: Sequence[Any] | None = None
    operands: int | None = None
    tolerance: float = 1.0
    relative: bool = False

    def attributes_for(self, dtype: str) -> dict[str, Any]:
        """The attributes for a dtype under test."""
        return dict(self.attributes(dtype) if callable(self.attributes) else self.attributes)

    def arrays(self, dtype: str) -> list[np.ndarray]:
        """The operands for a dtype under test."""
        return [cast(value, dtype) for value in self.inputs]

    def results(self, dtype: str) -> list[np.ndarray]:
        """What the outputs must be for a dtype under test."""
        if not callable(self.expected):
            return [cast(value, dtype) for value in self.expected]
        with np.errstate(all="ignore"):
            results = self.expected(*(rounded(value, dtype) for value in self.inputs[: self.operands]))
        return [cast(value, dtype) for value in (results if isinstance(results, tuple) else (results,))]

    def types(self, dtype: str) -> list[TensorType]:
        """The operands' types, symbolic where the case says so."""
        words = [*self.symbolic, *[""] * (len(self.inputs) - len(self.symbolic))]
        return [symbolic_type(array, axes) for array, axes in zip(self.arrays(dtype), words, strict=True)]

    def program(self, op: str, dtype: str) -> Program:
        """The primitive as a program of one node."""
        b = Builder(op)
        inputs = [b.input(type) for type in self.types(dtype)]
        return b.finish(b.emit(op, inputs[: self.operands], self.attributes_for(dtype)))


def cast(value: Any, dtype: str) -> np.ndarray:
    """An array, in the dtype under test if it is of float64."""
    array = np.asarray(value)
    if array.dtype != np.float64:
        return array
    with np.errstate(all="ignore"):
        return array.astype(numpy_dtype(dtype))


def rounded(value: Any, dtype: str) -> np.ndarray:
    """An array of float64 as the dtype under test holds it, again in float64; others as they are."""
    array = np.asarray(value)
    return cast(array, dtype).astype(np.float64) if array.dtype == np.float64 else array


def symbolic_type(array: np.ndarray, axes: str) -> TensorType:
    """The type of an array with symbols for the axes that `axes` names."""
    names = axes.split() or ["_"] * array.ndim
    shape = tuple(size if name == "_" else symbol(name) for name, size in zip(names, array.shape, strict=True))
    return TensorType(array.dtype.name, shape)


def close(actual: np.ndarray, expected: np.ndarray, tolerance: float = 1.0, relative: bool = False) -> str:
    """What is wrong with a result; empty where nothing is.

    Floats may differ by the dtype's tolerance, relatively or (save where `relative` holds) from 0; dtype, shape, NaN
    and infinities must agree.
    """
    if actual.dtype != expected.dtype:
        return f"dtype {actual.dtype} instead of {expected.dtype}"
    if actual.shape != expected.shape:
        return f"shape {actual.shape} instead of {expected.shape}"
    name = actual.dtype.name
    bound = TOLERANCE[name] * tolerance if is_float(name) else 0.0
    have, want = (a.astype(np.float64) if is_float(name) else a for a in (actual, expected))
    if np.allclose(have, want, rtol=bound, atol=0.0 if relative else bound, equal_nan=bool(bound)):
        return ""
    return f"{np.array2string(actual, threshold=40)} instead of {np.array2string(expected, threshold=40)}"


# -- operands ------------------------------------------------------------------------------------------------------


def draw(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Uniform numbers, of few bits so that every float dtype holds them exactly."""
    grid = 32
    numbers = np.random.default_rng(seed).integers(int(low * grid) + 1, int(high * grid), shape)
    return np.asarray(numbers / grid)


def neighbours(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers above 1 in random order, which 16 bits can hardly tell apart."""
    count = int(np.prod(shape))
    return np.asarray(1 + np.random.default_rng(seed).permutation(count) * 2.0**-14).reshape(shape)


def between(low: float, high: float) -> Callable[..., np.ndarray]:
    """`draw` from another range."""
    return partial(draw, low=low, high=high)


def distinct(*shape: int, seed: int = 0, step: float = 0.125) -> np.ndarray:
    """Numbers around 0 in random order, no two of them closer than `step`."""
    count = int(np.prod(shape))
    order = np.random.default_rng(seed).permutation(count)
    return np.asarray((order - count // 2) * step + step / 2).reshape(shape)


def whole(*shape: int, seed: int = 0, low: int = -9, high: int = 9) -> np.ndarray:
    """Small whole numbers, as float64: they are cast to the dtype under test."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.float64)


def scalarwise(function: Callable[..., Any]) -> Formula:
    """A formula of Python numbers applied to arrays, element by element, with broadcasting."""

    def apply(*arrays: np.ndarray) -> np.ndarray:
        stretched = np.broadcast_arrays(*arrays)
        rows = zip(*(array.ravel().tolist() for array in stretched), strict=True)
        values = [function(*row) for row in rows]
        return np.asarray(values, None if values else np.float64).reshape(stretched[0].shape)

    return apply


# -- families of cases ---------------------------------------------------------------------------------------------


def unary(
    function: Callable[[float], float],
    operand: Callable[..., np.ndarray] = draw,
    edges: Mapping[float, float] | None = None,
    dtypes: Sequence[str] = ALL_FLOATS,
    orders: int = 2,
    tolerance: float = 1.0,
    prefix: str = "",
    result: type = float,
) -> list[Case]:
    """Cases of an elementwise function of one operand, from its formula in Python numbers.

    Args:
        function: The formula.
        operand: What draws operands, called with sizes and a seed.
        edges: Operands at the ends of the domain, and their results.
        dtypes: The dtypes under test.
        orders: How many derivatives finite differences check.
        tolerance: What the usual tolerance is multiplied with.
        prefix: What the names start with.
        result: `float` for the dtype under test, else `bool`.
    """

    def formula(x: np.ndarray) -> np.ndarray:
        return np.asarray(scalarwise(function)(x), np.float64 if result is float else result)

    common: dict[str, Any] = {"orders": orders, "tolerance": tolerance}
    both = [dtype for dtype in dtypes if dtype in TWO_FLOATS] or dtypes
    drawn = operand(3, 4, seed=1)
    cases = [
        Case(f"{prefix}typical", [drawn], formula, dtypes=dtypes, **common),
        Case(f"{prefix}symbolic", [operand(2, 3, 2, seed=2)], formula, symbolic=["n _ m"], dtypes=both, **common),
        Case(f"{prefix}scalar", [drawn[1, 2]], formula, dtypes=both, **common),
        Case(f"{prefix}one_element", [drawn[:1, :1]], formula, symbolic=["n _"], dtypes=both, **common),
        Case(f"{prefix}empty", [drawn[:0]], formula, symbolic=["n _"], dtypes=both, **common),
    ]
    if edges:
        x, y = np.asarray(list(edges), np.float64), np.asarray(list(edges.values()), np.float64)
        cases.append(Case(f"{prefix}edges", [x], [y], dtypes=both, orders=0, tolerance=4 * tolerance, relative=True))
    return cases


def binary(
    function: Callable[[float, float], float],
    first: Callable[..., np.ndarray] = draw,
    second: Callable[..., np.ndarray] = draw,
    edges: Sequence[tuple[float, float, float]] = (),
    dtypes: Sequence[str] = ALL_FLOATS,
    result: type = float,
    orders: int = 2,
    prefix: str = "",
) -> list[Case]:
    """Cases of an elementwise function of two operands, with broadcasting, from its formula in Python numbers.

    Args:
        function: The formula.
        first: What draws the first operand, called with sizes and a seed.
        second: What draws the second one.
        edges: Operands at the ends of the domain, and their result.
        dtypes: The dtypes under test.
        result: `float` for the dtype under test, else `bool`.
        orders: How many derivatives finite differences check.
        prefix: What the names start with.
    """

    both = [dtype for dtype in dtypes if dtype in TWO_FLOATS] or dtypes

    def formula(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(scalarwise(function)(x, y), np.float64 if result is float else result)

    def case(name: str, left: Sequence[int], right: Sequence[int], *symbolic: str, types: Sequence[str] = ()) -> Case:
        operands = [first(*left, seed=1), second(*right, seed=2)]
        return Case(prefix + name, operands, formula, symbolic=symbolic, dtypes=types or both, orders=orders)

    cases = [
        case("typical", (3, 4), (3, 4), types=dtypes),
        case("broadcast_rows", (3, 4), (4,)),
        case("broadcast_both", (2, 1, 3), (4, 1)),
        case("scalar", (2, 3), ()),
        case("symbolic", (2, 3), (2, 3), "n m", "n m"),
        case("symbolic_broadcast", (2, 1, 3), (4, 3), "n _ _", "m _"),
        case("one_element", (1, 1), (1, 1), "n _", "n _"),
        case("empty", (0, 3), (3,), "n _", "_"),
    ]
    if edges:
        x, y, z = (np.asarray(column, np.float64) for column in zip(*edges, strict=True))
        expected = z if result is float else z.astype(result)
        cases.append(Case(f"{prefix}edges", [x, y], [expected], dtypes=both, orders=0))
    return cases


def load_cases() -> dict[str, list[Case]]:
    """Every primitive's cases, by the primitive's name: one module of `cornu_conformance.cases` for each."""
    package = importlib.import_module("cornu_conformance.cases")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return {name: list(importlib.import_module(f"cornu_conformance.cases.{name}").CASES) for name in names}
