"""Eigenvalues of symmetric matrices and singular values, by Jacobi's rotations; what follows from them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from cornu.ir.types import numpy_dtype
from cornu.ops.arguments import as_tensor, emit, float_tensor, same_float_type, sizes, with_shape
from cornu.ops.factorizations import check_matrices, householder, identity_like, turned
from cornu.ops.indexing import diagonal
from cornu.ops.operation import op
from cornu.tracing import scan
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor

SWEEPS = 12
"""How often every pair of columns is rotated: convergence is quadratic, six to ten sweeps are enough."""


def _pairs(n: int, dtype: str) -> tuple[Tensor, Tensor]:
    """The unit vectors of every pair of columns, for all sweeps."""
    pairs = list(itertools.combinations(range(n), 2)) * SWEEPS
    eye = np.eye(n, dtype=numpy_dtype(dtype))
    left, right = ([pair[i] for pair in pairs] for i in (0, 1))
    return as_tensor(eye[left]), as_tensor(eye[right])


def _rotation(pp: Any, pq: Any, qq: Any, dtype: str) -> tuple[Any, Any]:
    """Cosine and sine of the rotation that makes `pq` vanish: `t = sign(τ) / (|τ| + sqrt(1 + τ²))`."""
    nothing = emit("Equal", pq, 0.0)
    safe = emit("Where", nothing, as_tensor(1.0, dtype), pq)
    tau = emit("Div", emit("Sub", qq, pp), emit("Mul", safe, 2.0))
    root = emit("Sqrt", emit("Add", emit("Mul", tau, tau), 1.0))
    size = emit("Reciprocal", emit("Add", emit("Abs", tau), root))
    t = emit("Where", emit("Less", tau, 0.0), emit("Neg", size), size)
    t = emit("Where", nothing, as_tensor(0.0, dtype), t)
    c = emit("Reciprocal", emit("Sqrt", emit("Add", emit("Mul", t, t), 1.0)))
    return c, emit("Mul", c, t)


def _rotate(x: Tensor, p: Tensor, q: Tensor, c: Any, s: Any) -> Any:
    """Columns p and q of `x` (unit columns) become `c x_p - s x_q` and `s x_p + c x_q`."""
    xp, xq = emit("MatMul", x, p), emit("MatMul", x, q)
    new_p = emit("Sub", emit("Mul", xp, emit("Sub", c, 1.0)), emit("Mul", xq, s))
    new_q = emit("Add", emit("Mul", xp, s), emit("Mul", xq, emit("Sub", c, 1.0)))
    return emit("Add", x, emit("Add", emit("MatMul", new_p, turned(p)), emit("MatMul", new_q, turned(q))))


def _known_size(x: Tensor, what: str) -> tuple[int, int]:
    m, n = sizes(x)[-2:]
    if not isinstance(m, int) or not isinstance(n, int):
        raise TypeError(f"{what} takes matrices of known sizes, got shape {x.shape}.")
    return m, n


def _stacked_identity(x: Tensor) -> Any:
    return emit("Expand", identity_like(x), shape=(*sizes(x)[:-2], sizes(x)[-1], sizes(x)[-1]))


def _sorted_columns(values: Tensor, *matrices: Tensor, largest: bool) -> list[Any]:
    """Values in order, and the matrices' columns in the same order."""
    last = values.ndim - 1
    n = sizes(values)[-1]
    ordered, places = emit("TopK", values, k=n, axis=last, largest=largest, sorted=True)
    result = [ordered]
    for matrix in matrices:
        line = with_shape(places, (*sizes(places)[:-1], 1, n))
        index = emit("Expand", line, shape=sizes(matrix))
        result.append(emit("GatherElements", matrix, index, axis=matrix.ndim - 1))
    return result


def _outside_diagonal(values: Tensor) -> Any:
    """`1 / (v[j] - v[i])`, 0 on the diagonal (and between equal values)."""
    n = sizes(values)[-1]
    row, column = with_shape(values, (*sizes(values)[:-1], 1, n)), with_shape(values, (*sizes(values), 1))
    gap = emit("Sub", row, column)
    equal = emit("Equal", gap, 0.0)
    inverse = emit("Reciprocal", emit("Where", equal, as_tensor(1.0, values.dtype), gap))
    return emit("Where", equal, as_tensor(0.0, values.dtype), inverse)


@op("Eigh", module="linalg")
def eigh(x: Any) -> Any:
    """The eigenvalues of symmetric matrices in ascending order, and the eigenvectors as columns.

    Args:
        x: [..., n, n] with a known n.
    """
    x = check_matrices(x, "eigh")
    n = _known_size(x, "eigh")[1]

    def body(x: Tensor) -> Any:
        symmetric = emit("Mul", emit("Add", x, turned(x)), 0.5)

        def step(state: Any, pair: Any) -> Any:
            a, v = state
            p, q = (with_shape(unit, (n, 1)) for unit in pair)
            ap, aq = emit("MatMul", a, p), emit("MatMul", a, q)
            across = emit("MatMul", turned(p), aq)
            c, s = _rotation(emit("MatMul", turned(p), ap), across, emit("MatMul", turned(q), aq), x.dtype)
            a = turned(_rotate(turned(_rotate(a, p, q, c, s)), p, q, c, s))
            return (a, _rotate(v, p, q, c, s)), None

        (a, v), _ = scan(step, (symmetric, _stacked_identity(x)), _pairs(n, x.dtype))
        values, vectors = _sorted_columns(diagonal(a, 0, -2, -1), v, largest=False)
        return (values, vectors), (values, vectors)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (values, v), (by_values, by_v) = saved, cotangents
        inner = emit("Mul", _outside_diagonal(values), emit("MatMul", turned(v), by_v))
        inner = emit("Add", inner, _diagonal_matrices(by_values))
        found = emit("MatMul", emit("MatMul", v, inner), turned(v))
        return emit("Mul", emit("Add", found, turned(found)), 0.5)

    return composite("Eigh", body, x, vjp=rule, residuals=True)


def _diagonal_matrices(values: Tensor) -> Any:
    return emit("Mul", with_shape(values, (*sizes(values), 1)), identity_like(values))


def _thin(x: Tensor) -> tuple[Any, Any, Any]:
    """`u` [..., m, m], `s` [..., n] and `v` [..., n, n] of matrices with m >= n: columns are made orthogonal."""
    m, n = _known_size(x, "svd")

    def step(state: Any, pair: Any) -> Any:
        a, v = state
        p, q = (with_shape(unit, (n, 1)) for unit in pair)
        ap, aq = emit("MatMul", a, p), emit("MatMul", a, q)
        pp, pq, qq = (emit("MatMul", turned(left), right) for left, right in ((ap, ap), (ap, aq), (aq, aq)))
        c, s = _rotation(pp, pq, qq, x.dtype)
        return (_rotate(a, p, q, c, s), _rotate(v, p, q, c, s)), None

    (a, v), _ = scan(step, (x, _stacked_identity(x)), _pairs(n, x.dtype))
    lengths = emit("Sqrt", emit("ReduceSum", emit("Mul", a, a), axes=(a.ndim - 2,), keepdims=False))
    s, a, v = _sorted_columns(lengths, a, v, largest=True)
    # The reflections that make `a` triangular give its directions, and others where a column is 0.
    u, r = householder(a, n)
    line = diagonal(r, 0, -2, -1)
    sign = emit("Sub", emit("Mul", emit("Cast", emit("GreaterOrEqual", line, 0.0), to=x.dtype), 2.0), 1.0)
    if m > n:
        rest = emit("Expand", as_tensor(1.0, x.dtype), shape=(*sizes(sign)[:-1], m - n))
        sign = emit("Concat", sign, rest, axis=sign.ndim - 1)
    return emit("Mul", u, with_shape(sign, (*sizes(sign)[:-1], 1, m))), s, v


def _first_columns(x: Tensor, count: int) -> Any:
    return emit("Slice", x, starts=(0,), ends=(count,), axes=(x.ndim - 1,), steps=(1,))


def singular(x: Tensor) -> tuple[Any, Any, Any]:
    """`u`, `s` and `v` with `k = min(m, n)` columns."""
    m, n = _known_size(x, "svd")
    k = min(m, n)

    def body(x: Tensor) -> Any:
        if m >= n:
            u, s, v = _thin(x)
        else:
            v, s, u = _thin(turned(x))
        found = (_first_columns(u, k), s, _first_columns(v, k))
        return found, found

    return composite("SVD", body, x, vjp=_svd_rule, residuals=True)  # type: ignore[no-any-return]


def _svd_rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
    """Source: Townsend, "Differentiating the singular value decomposition", 2016."""
    (u, s, v), (by_u, by_s, by_v) = saved, cotangents
    f = _outside_diagonal(emit("Mul", s, s))
    row, column = with_shape(s, (*sizes(s)[:-1], 1, sizes(s)[-1])), with_shape(s, (*sizes(s), 1))
    inverse = emit("Reciprocal", row)

    def turning(vectors: Tensor, by: Tensor) -> Any:
        inner = emit("MatMul", turned(vectors), by)
        return emit("Mul", f, emit("Sub", inner, turned(inner)))

    def leaving(vectors: Tensor, by: Tensor) -> Any:
        """What points out of the space of the vectors."""
        inside = emit("MatMul", vectors, emit("MatMul", turned(vectors), by))
        return emit("Mul", emit("Sub", by, inside), inverse)

    middle = emit("Add", emit("Mul", turning(u, by_u), row), emit("Mul", column, turning(v, by_v)))
    middle = emit("Add", middle, _diagonal_matrices(by_s))
    found = emit("MatMul", emit("MatMul", u, middle), turned(v))
    found = emit("Add", found, emit("MatMul", leaving(u, by_u), turned(v)))
    return emit("Add", found, emit("MatMul", u, turned(leaving(v, by_v))))


@op("SVD", module="linalg")
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Orthogonal `u`, `v` and singular values `s` in descending order with `u diag(s) vᵀ = x`.

    Args:
        x: Matrices [..., m, n] of known sizes.
        full_matrices: Whether `u` is [..., m, m] and `vᵀ` [..., n, n]; otherwise they have min(m, n) vectors. The
            vectors that only this adds have no gradient.
        compute_uv: Whether to return `(u, s, vᵀ)` rather than only `s`.
    """
    x = check_matrices(x, "svd", square=False)
    u, s, v = singular(x)
    if not compute_uv:
        return s
    if full_matrices:
        u, v = _completed(u), _completed(v)
    return u, s, turned(v)


def _completed(vectors: Tensor) -> Any:
    """Orthonormal columns, and as many more as there are rows."""
    rows, count = _known_size(vectors, "svd")
    if rows == count:
        return vectors
    more = householder(emit("StopGradient", vectors), count)[0]
    axis = vectors.ndim - 1
    rest = emit("Slice", more, starts=(count,), ends=(rows,), axes=(axis,), steps=(1,))
    return emit("Concat", vectors, rest, axis=axis)


def _cut_off(s: Tensor, m: int, n: int, rcond: float | None) -> tuple[Any, Any]:
    """Which singular values count, and the inverses of those (0 for the others)."""
    share = max(m, n) * float(np.finfo(numpy_dtype(s.dtype)).eps) if rcond is None else float(rcond)
    most = emit("ReduceMax", s, axes=(s.ndim - 1,), keepdims=True)
    counts = emit("Greater", s, emit("Mul", most, share))
    safe = emit("Where", counts, s, as_tensor(1.0, s.dtype))
    return counts, emit("Mul", emit("Cast", counts, to=s.dtype), emit("Reciprocal", safe))


@op("Pinv", module="linalg")
def pinv(x: Any, rcond: float | None = None) -> Any:
    """The pseudo-inverse `v diag(1/s) uᵀ`; singular values up to `rcond` times the largest count as 0."""
    x = check_matrices(x, "pinv", square=False)
    m, n = _known_size(x, "pinv")
    u, s, v = singular(x)
    inverse = _cut_off(s, m, n, 10 * max(m, n) * float(np.finfo(numpy_dtype(s.dtype)).eps) if rcond is None else rcond)[
        1
    ]
    scaled = emit("Mul", v, with_shape(inverse, (*sizes(s)[:-1], 1, sizes(s)[-1])))
    return emit("MatMul", scaled, turned(u))


@op("Lstsq", tensors=2, module="linalg")
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The shortest `x` that makes `|a x - b|` smallest.

    Args:
        a: A matrix [m, n].
        b: [m] or [m, k].
        rcond: Singular values up to `rcond` times the largest count as 0.

    Raises:
        ValueError: If `a` is not a matrix or `b` does not fit.
    """
    a, b = same_float_type(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2) or sizes(a)[0] != sizes(b)[0]:
        raise ValueError(f"lstsq takes a matrix and as many right sides as rows, got {a.shape} and {b.shape}.")
    m, n = _known_size(a, "lstsq")
    u, s, v = singular(a)
    right = with_shape(b, (m, 1)) if b.ndim == 1 else b
    inverse = _cut_off(s, m, n, rcond)[1]
    coefficients = emit("Mul", emit("MatMul", turned(u), right), with_shape(inverse, (sizes(s)[0], 1)))
    found = emit("MatMul", v, coefficients)
    return with_shape(found, (n,)) if b.ndim == 1 else found


@op("MatrixRank", module="linalg")
def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """How many singular values are above `tol` times the largest, as int32; by default above rounding."""
    x = float_tensor(x)
    if x.ndim < 2:
        flat = emit("ReduceMax", emit("Abs", with_shape(x, (x.type.size,))), axes=(0,), keepdims=False)
        return emit("Cast", emit("Greater", flat, 0.0), to="int32")
    m, n = _known_size(x, "matrix_rank")
    counts = _cut_off(singular(x)[1], m, n, tol)[0]
    return emit("ReduceSum", emit("Cast", counts, to="int32"), axes=(counts.ndim - 1,), keepdims=False)
