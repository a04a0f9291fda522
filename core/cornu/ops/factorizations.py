"""Factorizations of matrices and what they solve, as loops over columns that run on every backend.

A column or row is taken out and put back by products with unit vectors, so that stacks of matrices and symbolic sizes
go through the same program.
"""

from __future__ import annotations

from typing import Any

from cornu.ops.arguments import as_tensor, emit, float_tensor, permute, same_float_type, sizes, with_shape
from cornu.ops.indexing import diagonal
from cornu.ops.operation import op
from cornu.tracing import scan
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor


def turned(x: Tensor) -> Tensor:
    """The transposed matrices."""
    return permute(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def identity_like(x: Tensor) -> Any:
    """The identity matrix of the size of the last axis of `x`."""
    n = sizes(x)[-1]
    place = emit("Range", start=0, step=1, size=n, dtype="int32")
    return emit("Cast", emit("Equal", with_shape(place, (n, 1)), with_shape(place, (1, n))), to=x.dtype)


def _ones(x: Tensor, shape: Any) -> Any:
    return emit("Expand", as_tensor(1.0, x.dtype), shape=tuple(shape))


def check_matrices(x: Any, what: str, square: bool = True) -> Any:
    """A float tensor of matrices.

    Raises:
        ValueError: If it has too few axes, or the matrices are not square.
    """
    x = float_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"{what} takes at least a matrix, got shape {x.shape}.")
    rows, columns = sizes(x)[-2:]
    if square and isinstance(rows, int) and isinstance(columns, int) and rows != columns:
        raise ValueError(f"{what} takes square matrices, got shape {x.shape}.")
    return x


def _columns(stacked: Tensor) -> Any:
    """[n, ..., m, 1], one column per step, as [..., m, n]."""
    rank = stacked.ndim
    merged = with_shape(stacked, sizes(stacked)[:-1])
    return permute(merged, (*range(1, rank - 1), 0))


@op("Cholesky", module="linalg")
def cholesky(x: Any, upper: bool = False) -> Any:
    """The lower triangular `L` with `L Lᵀ = x` (or `upper`: its transpose) of symmetric positive definite matrices.

    Elsewhere the result is NaN.
    """
    x = check_matrices(x, "cholesky")
    symmetric = emit("Mul", emit("Add", x, turned(x)), 0.5)
    n = sizes(x)[-1]
    from_here = emit("Trilu", _ones(x, (n, n)), upper=True, k=0)

    def step(rest: Tensor, item: Any) -> Any:
        unit, below = (with_shape(line, (n, 1)) for line in item)
        column = emit("MatMul", rest, unit)
        pivot = emit("MatMul", with_shape(unit, (1, n)), column)
        column = emit("Div", emit("Mul", column, below), emit("Sqrt", pivot))
        return emit("Sub", rest, emit("MatMul", column, turned(column))), column

    columns: Tensor = scan(step, symmetric, (identity_like(x), from_here))[1]
    lower = _columns(columns)
    return turned(lower) if upper else lower


@op("CholeskyInverse", module="linalg")
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of `L Lᵀ` (or with `upper` of `Uᵀ U`) from its factor."""
    factor = check_matrices(x, "cholesky_inverse")
    lower = turned(factor) if upper else factor
    half = triangular(lower, _spread(identity_like(lower), lower), lower=True)
    return emit("MatMul", turned(half), half)


def _spread(matrix: Tensor, like: Tensor) -> Any:
    """One matrix for every matrix of a stack."""
    return emit("Expand", matrix, shape=(*sizes(like)[:-2], *sizes(matrix)[-2:])) if like.ndim > 2 else matrix


def triangular(a: Tensor, b: Tensor, lower: bool) -> Any:
    """Row after row, each from those before it: `x[i] = (b[i] - a[i] x) / a[i, i]`."""
    n, columns = sizes(b)[-2:]
    zeros = emit("Expand", as_tensor(0.0, b.dtype), shape=(*sizes(b)[:-2], n, columns))

    def step(solved: Tensor, unit: Tensor) -> Any:
        column, line = with_shape(unit, (n, 1)), with_shape(unit, (1, n))
        row = emit("MatMul", line, a)
        rest = emit("Sub", emit("MatMul", line, b), emit("MatMul", row, solved))
        found = emit("Div", rest, emit("MatMul", row, column))
        return emit("Add", solved, emit("MatMul", column, found)), None

    return scan(step, zeros, identity_like(a), reverse=not lower)[0]


def _as_columns(a: Tensor, b: Tensor, what: str) -> tuple[Tensor, Tensor, bool]:
    """Both operands with the same leading axes, and whether `b` is one of vectors."""
    vector = b.ndim == a.ndim - 1
    b = with_shape(b, (*sizes(b), 1)) if vector else b
    if b.ndim != a.ndim:
        raise ValueError(f"{what}: shapes {a.shape} and {b.shape} do not fit.")
    return a, b, vector


@op("MatrixPower", module="linalg")
def matrix_power(x: Any, n: int) -> Any:
    """The product of `n` copies of square matrices; of their inverses if `n` is negative."""
    x = check_matrices(x, "matrix_power")
    base = inv(x) if n < 0 else x
    result, rest = None, abs(n)
    while rest:
        if rest % 2:
            result = base if result is None else emit("MatMul", result, base)
        rest //= 2
        base = emit("MatMul", base, base) if rest else base
    return _spread(identity_like(x), x) if result is None else result


@op("SolveTriangular", tensors=2, module="linalg")
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """The `x` with `a x = b` for upper (or lower) triangular `a`; what lies in the other triangle does not count."""
    a, b = same_float_type(a, b)
    a, b, vector = _as_columns(check_matrices(a, "solve_triangular"), b, "solve_triangular")
    found = triangular(emit("Trilu", a, upper=not lower, k=0), b, lower)
    return with_shape(found, sizes(found)[:-1]) if vector else found


def _swapped(x: Tensor, first: Tensor, second: Tensor) -> Any:
    """Two rows, given as unit columns, exchanged."""
    difference = emit("MatMul", turned(emit("Sub", first, second)), x)
    return emit("Add", x, emit("MatMul", emit("Sub", second, first), difference))


def _lu(x: Tensor) -> tuple[Tensor, Tensor]:
    """L (without its diagonal of ones) and U in one matrix, and the row that each step exchanged its own with."""
    n = sizes(x)[-1]
    here = emit("Trilu", _ones(x, (n, n)), upper=True, k=0)
    behind = emit("Trilu", _ones(x, (n, n)), upper=True, k=1)
    places = with_shape(emit("Range", start=0, step=1, size=n, dtype="int64"), (n, 1))

    def step(rest: Tensor, item: Any) -> Any:
        unit, open_, below = (with_shape(line, (n, 1)) for line in item)
        column = emit("MatMul", rest, unit)
        score = emit("Sub", emit("Mul", emit("Abs", column), open_), emit("Sub", 1.0, open_))
        place = emit("ArgMax", score, axis=score.ndim - 2, keepdims=True)
        pivot_row = emit("Cast", emit("Equal", places, place), to=rest.dtype)
        rest = _swapped(rest, unit, pivot_row)
        column = emit("MatMul", rest, unit)
        pivot = emit("MatMul", turned(unit), column)
        pivot = emit("Where", emit("Equal", pivot, 0.0), as_tensor(1.0, rest.dtype), pivot)
        factors = emit("Div", emit("Mul", column, below), pivot)
        row = emit("Mul", emit("MatMul", turned(unit), rest), turned(below))
        rest = emit("Sub", rest, emit("MatMul", factors, row))
        stored = emit("Sub", factors, emit("Mul", column, below))
        rest = emit("Add", rest, emit("MatMul", stored, turned(unit)))
        return rest, emit("Cast", place, to="int32")

    packed, pivots = scan(step, x, (identity_like(x), here, behind))
    return packed, with_shape(_columns(pivots), (*sizes(x)[:-2], n))


@op("LuFactor", module="linalg")
def lu_factor(x: Any) -> Any:
    """The factors of `P x = L U`: L and U packed in one matrix, and for each row the one it was exchanged with."""
    return _lu(check_matrices(x, "lu_factor"))


def _solved(a: Tensor, b: Tensor) -> Any:
    packed, pivots = _lu(a)
    n = sizes(a)[-1]
    places = with_shape(emit("Range", start=0, step=1, size=n, dtype="int32"), (n, 1))
    order = permute(pivots, (pivots.ndim - 1, *range(pivots.ndim - 1)))

    def step(rest: Tensor, item: Any) -> Any:
        unit, place = item
        chosen = emit("Equal", places, with_shape(place, (*sizes(place), 1, 1)))
        return _swapped(rest, with_shape(unit, (n, 1)), emit("Cast", chosen, to=rest.dtype)), None

    exchanged = scan(step, b, (identity_like(a), order))[0]
    unit_lower = emit("Add", emit("Trilu", packed, upper=False, k=-1), identity_like(a))
    return triangular(emit("Trilu", packed, upper=True, k=0), triangular(unit_lower, exchanged, True), False)


def solution(a: Tensor, b: Tensor) -> Any:
    """`a⁻¹ b`; its gradient is `h = a⁻ᵀ g` for `b` and `-h xᵀ` for `a`."""

    def body(a: Tensor, b: Tensor) -> Any:
        x = _solved(a, b)
        return x, (x,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (x,), (a, _), (g,) = saved, inputs, cotangents
        # Not `solution`: its rule would trace this one, and so on without end.
        by_b = _solved(turned(a), g)
        return emit("Neg", emit("MatMul", by_b, turned(x))), by_b

    return composite("Solve", body, a, b, vjp=rule, residuals=True)


@op("Solve", tensors=2, module="linalg")
def solve(a: Any, b: Any) -> Any:
    """The `x` with `a x = b`, by elimination with row exchanges.

    Args:
        a: Square matrices [..., n, n].
        b: [..., n, k] or vectors [..., n].
    """
    a, b = same_float_type(a, b)
    a, b, vector = _as_columns(check_matrices(a, "solve"), b, "solve")
    found = solution(a, b)
    return with_shape(found, sizes(found)[:-1]) if vector else found


@op("Inv", module="linalg")
def inv(x: Any) -> Any:
    """The inverse of square matrices."""
    x = check_matrices(x, "inv")
    return solution(x, _spread(identity_like(x), x))


def _sign_and_diagonal(x: Tensor) -> tuple[Any, Any]:
    """The sign of the row exchanges, and U's diagonal."""
    packed, pivots = _lu(x)
    n = sizes(x)[-1]
    moved = emit("Not", emit("Equal", pivots, emit("Range", start=0, step=1, size=n, dtype="int32")))
    signs = emit("Sub", 1.0, emit("Mul", emit("Cast", moved, to=x.dtype), 2.0))
    return emit("ReduceProd", signs, axes=(signs.ndim - 1,), keepdims=False), diagonal(packed, 0, -2, -1)


def _over(values: Tensor) -> Any:
    """Numbers of matrices, ready to broadcast against the matrices."""
    return with_shape(values, (*sizes(values), 1, 1))


@op("Det", module="linalg")
def det(x: Any) -> Any:
    """The determinants of square matrices; the gradient is `g det(x) x⁻ᵀ`."""

    def body(x: Tensor) -> Any:
        sign, line = _sign_and_diagonal(x)
        found = emit("Mul", sign, emit("ReduceProd", line, axes=(line.ndim - 1,), keepdims=False))
        return found, (found,)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (found,), (x,), (g,) = saved, inputs, cotangents
        return emit("Mul", _over(emit("Mul", g, found)), turned(solution(x, _spread(identity_like(x), x))))

    return composite("Det", body, check_matrices(x, "det"), vjp=rule, residuals=True)


@op("Slogdet")
def slogdet(x: Any) -> Any:
    """The sign and the logarithm of the absolute value of determinants."""

    def body(x: Tensor) -> Any:
        sign, line = _sign_and_diagonal(x)
        last = (line.ndim - 1,)
        sign = emit("Mul", sign, emit("ReduceProd", emit("Sign", line), axes=last, keepdims=False))
        return sign, emit("ReduceSum", emit("Log", emit("Abs", line)), axes=last, keepdims=False)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (x,), (_, g) = inputs, cotangents
        return emit("Mul", _over(g), turned(solution(x, _spread(identity_like(x), x))))

    return composite("Slogdet", body, check_matrices(x, "slogdet"), vjp=rule)


@op("Logdet", module="math")
def logdet(x: Any) -> Any:
    """The logarithms of the absolute values of determinants."""
    return slogdet(x)[1]


@op("Qr", module="linalg")
def qr(x: Any, mode: str = "reduced") -> Any:
    """Orthogonal `q` and upper triangular `r` with `q r = x`, by Householder's reflections.

    Args:
        x: Matrices [..., m, n] of known sizes.
        mode: "reduced" for `q` [..., m, min(m, n)], "complete" for [..., m, m].

    Raises:
        ValueError: If the mode is another.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode is 'reduced' or 'complete', got {mode!r}.")
    x = check_matrices(x, "qr", square=False)
    m, n = sizes(x)[-2:]
    if not isinstance(m, int) or not isinstance(n, int):
        raise TypeError(f"qr takes matrices of known sizes, got shape {x.shape}.")
    q, r = householder(x, min(m, n))
    if mode == "reduced" and n < m:
        axes = (x.ndim - 1,), (x.ndim - 2,)
        q, r = (
            emit("Slice", item, starts=(0,), ends=(n,), axes=axis, steps=(1,))
            for item, axis in zip((q, r), axes, strict=True)
        )
    return q, emit("Trilu", r, upper=True, k=0)


def householder(x: Tensor, count: int) -> tuple[Any, Any]:
    """The complete `q` [..., m, m] and `r` [..., m, n] after `count` reflections."""
    m, n = sizes(x)[-2:]
    rows = identity_like(turned(x))
    eye = _spread(rows, x)
    first = emit("Slice", rows, starts=(0,), ends=(count,), axes=(0,), steps=(1,))
    picks = emit("Slice", identity_like(x), starts=(0,), ends=(count,), axes=(0,), steps=(1,))
    masks = emit("Trilu", _ones(x, (count, m)), upper=True, k=0)

    def step(state: Any, item: Any) -> Any:
        r, q = state
        unit, open_ = (with_shape(line, (m, 1)) for line in (item[0], item[2]))
        column = emit("Mul", emit("MatMul", r, with_shape(item[1], (n, 1))), open_)
        head = emit("MatMul", turned(unit), column)
        tail = emit("Sub", column, emit("Mul", head, unit))
        axes = (tail.ndim - 2,)
        rest = emit("ReduceSum", emit("Mul", tail, tail), axes=axes, keepdims=True)
        nothing = emit("Equal", rest, 0.0)
        safe = emit("Where", nothing, as_tensor(1.0, x.dtype), emit("Add", rest, emit("Mul", head, head)))
        length = emit("Sqrt", safe)
        signed = emit("Where", emit("Less", head, 0.0), emit("Neg", length), length)
        v = emit("Add", column, emit("Mul", signed, unit))
        norm = emit("ReduceSum", emit("Mul", v, v), axes=axes, keepdims=True)
        norm = emit("Where", nothing, as_tensor(1.0, x.dtype), norm)
        # What is there already needs no reflection.
        factor = emit("Where", nothing, as_tensor(0.0, x.dtype), emit("Mul", emit("Reciprocal", norm), 2.0))
        scaled = emit("Mul", v, factor)
        r = emit("Sub", r, emit("MatMul", scaled, emit("MatMul", turned(v), r)))
        q = emit("Sub", q, emit("MatMul", emit("MatMul", q, v), turned(scaled)))
        return (r, q), None

    (r, q), _ = scan(step, (x, eye), (first, picks, masks))
    return q, r
