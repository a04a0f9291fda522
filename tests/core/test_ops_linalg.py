"""Factorizations, solutions, eigenvalues, singular values: against NumPy, by definition, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cornu import GradientTape, function, ops, use_backend

R = np.random.RandomState(0)
A = R.randn(2, 4, 4)
TALL, WIDE = R.randn(2, 5, 3), R.randn(2, 3, 5)
POSITIVE = A @ A.transpose(0, 2, 1) + np.eye(4)
SYMMETRIC = A + A.transpose(0, 2, 1)
B = R.randn(2, 4, 3)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_backend(request.param):
        yield


def array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def close(found: Any, expected: Any, tolerance: float = 1e-8) -> None:
    found = array(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def transposed(x: np.ndarray) -> np.ndarray:
    return np.swapaxes(x, -1, -2)


def test_cholesky() -> None:
    lower = np.linalg.cholesky(POSITIVE)
    close(ops.cholesky(POSITIVE), lower)
    close(ops.cholesky(POSITIVE, upper=True), transposed(lower))
    close(ops.cholesky_inverse(lower), np.linalg.inv(POSITIVE))
    close(ops.cholesky_inverse(transposed(lower), upper=True), np.linalg.inv(POSITIVE))
    assert np.isnan(array(ops.cholesky([[-1.0]]))).all()
    with pytest.raises(ValueError, match="square"):
        ops.cholesky(TALL)


def test_solutions() -> None:
    close(ops.solve(A, B), np.linalg.solve(A, B))
    close(ops.solve(A, B[..., 0]), np.linalg.solve(A, B[..., :1])[..., 0])
    close(ops.inv(A), np.linalg.inv(A))
    close(ops.solve_triangular(A, B), np.linalg.solve(np.triu(A), B))
    close(ops.solve_triangular(A, B, lower=True), np.linalg.solve(np.tril(A), B))
    # The first pivot is 0: rows must be exchanged.
    close(ops.solve([[0.0, 2.0], [1.0, 1.0]], [2.0, 3.0]), [2, 1], 1e-6)


def test_lu_factor() -> None:
    packed, pivots = map(array, ops.lu_factor(A))
    assert pivots.dtype == np.int32
    for i in range(2):
        rows = A[i].copy()
        for k, pivot in enumerate(pivots[i]):
            rows[[k, pivot]] = rows[[pivot, k]]
        lower = np.tril(packed[i], -1) + np.eye(4)
        np.testing.assert_allclose(lower @ np.triu(packed[i]), rows, atol=1e-10)
        assert np.abs(lower).max() <= 1


def test_determinants() -> None:
    close(ops.det(A), np.linalg.det(A))
    sign, logarithm = np.linalg.slogdet(A)
    close(ops.slogdet(A)[0], sign)
    close(ops.slogdet(A)[1], logarithm)
    close(ops.logdet(POSITIVE), np.linalg.slogdet(POSITIVE)[1])
    close(ops.det([[1.0, 2.0], [2.0, 4.0]]), 0)


@pytest.mark.parametrize("x", [A, TALL, WIDE], ids=["square", "tall", "wide"])
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr(x: np.ndarray, mode: Any) -> None:
    q, r = map(array, ops.qr(x, mode))
    for i in range(2):
        expected_q, expected_r = np.linalg.qr(x[i], mode)
        np.testing.assert_allclose(r[i], expected_r, atol=1e-10)
        np.testing.assert_allclose(q[i] @ r[i], x[i], atol=1e-10)
        assert q[i].shape == expected_q.shape
        np.testing.assert_allclose(q[i].T @ q[i], np.eye(q.shape[-1]), atol=1e-10)


def test_eigh() -> None:
    values, vectors = map(array, ops.eigh(SYMMETRIC))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(SYMMETRIC), atol=1e-10)
    np.testing.assert_allclose(SYMMETRIC @ vectors, vectors * values[:, None], atol=1e-9)
    np.testing.assert_allclose(transposed(vectors) @ vectors, np.broadcast_to(np.eye(4), (2, 4, 4)), atol=1e-10)


@pytest.mark.parametrize("x", [A, TALL, WIDE], ids=["square", "tall", "wide"])
@pytest.mark.parametrize("full", [False, True])
def test_svd(x: np.ndarray, full: bool) -> None:
    u, s, vt = map(array, ops.svd(x, full_matrices=full))
    expected = np.linalg.svd(x, full_matrices=full)
    assert [u.shape, s.shape, vt.shape] == [item.shape for item in expected]
    np.testing.assert_allclose(s, expected[1], atol=1e-9)
    k = s.shape[-1]
    np.testing.assert_allclose(u[..., :k] * s[:, None] @ vt[:, :k], x, atol=1e-9)
    for q in (u, transposed(vt)):
        np.testing.assert_allclose(
            transposed(q) @ q, np.broadcast_to(np.eye(q.shape[-1]), (2, *(q.shape[-1],) * 2)), atol=1e-9
        )
    close(ops.svd(x, compute_uv=False), expected[1])


@pytest.mark.parametrize("n", [-2, 0, 1, 5])
def test_matrix_power(n: int) -> None:
    close(ops.matrix_power(A, n), np.linalg.matrix_power(A, n), 1e-7)


def test_singular_matrices() -> None:
    x = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    u, s, vt = map(array, ops.svd(x, full_matrices=False))
    np.testing.assert_allclose(s, [15, 0], atol=1e-12)
    np.testing.assert_allclose(u.T @ u, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(u * s @ vt, x, atol=1e-12)
    assert int(array(ops.linalg.matrix_rank(x))) == 1
    close(ops.linalg.pinv(x), np.linalg.pinv(x))


def test_least_squares_and_ranks() -> None:
    close(
        ops.lstsq(TALL[0], B[0, :, 0].repeat(2)[:5]), np.linalg.lstsq(TALL[0], B[0, :, 0].repeat(2)[:5], rcond=None)[0]
    )
    close(ops.lstsq(WIDE[0], B[0, :3]), np.linalg.lstsq(WIDE[0], B[0, :3], rcond=None)[0])
    close(ops.pinv(TALL), np.linalg.pinv(TALL))
    assert array(ops.matrix_rank(TALL)).tolist() == [3, 3]


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norms(order: Any) -> None:
    close(ops.norm(TALL, order, axis=(1, 2)), np.linalg.norm(TALL, order, axis=(1, 2)))
    close(ops.norm(TALL, order, axis=(1, 2), keepdims=True), np.linalg.norm(TALL, order, axis=(1, 2), keepdims=True))


GRADIENTS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "cholesky": (ops.cholesky, (POSITIVE,)),
    "solve": (ops.solve, (A, B)),
    "solve_triangular": (ops.solve_triangular, (A, B)),
    "inv": (ops.inv, (A,)),
    "det": (ops.det, (A,)),
    "slogdet": (lambda x: ops.slogdet(x)[1], (A,)),
    "qr": (ops.qr, (TALL,)),
    "eigenvalues": (lambda x: ops.eigh(x)[0], (SYMMETRIC,)),
    "eigenvectors": (lambda x: ops.square(ops.eigh(x)[1]), (SYMMETRIC,)),
    "singular values": (lambda x: ops.svd(x, compute_uv=False), (TALL,)),
    "svd tall": (lambda x: ops.square(ops.svd(x, full_matrices=False)[0]), (TALL,)),
    "svd wide": (lambda x: ops.square(ops.svd(x, full_matrices=False)[2]), (WIDE,)),
    "svd polar": (lambda x: ops.matmul(*ops.svd(x, full_matrices=False)[::2]), (TALL,)),
    "pinv": (ops.pinv, (TALL,)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    f, arrays = GRADIENTS[name]
    random = np.random.RandomState(3)
    first = f(*map(ops.convert_to_tensor, arrays))
    weights = [random.randn(*y.shape) for y in (first if isinstance(first, tuple) else [first])]

    @function
    def loss(*xs: Any) -> Any:
        found = f(*xs)
        found = found if isinstance(found, tuple) else [found]
        return sum((ops.sum(y * w) for y, w in zip(found, weights, strict=True)), start=ops.zeros((), "float64"))

    @function
    def gradients(*xs: Any) -> Any:
        with GradientTape() as tape:
            value = loss(*xs)
        return tape.gradient(value, list(xs))

    for i, gradient in enumerate(gradients(*arrays)):
        direction = random.randn(*arrays[i].shape)
        ends = []
        for sign in (1, -1):
            moved = list(arrays)
            moved[i] = arrays[i] + sign * 1e-6 * direction
            ends.append(float(loss(*moved)))
        exact = float(np.sum(array(gradient) * direction))
        assert exact == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-5)


def test_any_number_and_size_of_matrices() -> None:
    run = function(ops.solve)
    for shape in ((2, 3), (4, 5), (3, 7)):
        a, b = R.randn(shape[0], shape[1], shape[1]), R.randn(*shape)
        np.testing.assert_allclose(array(run(a, b)), np.linalg.solve(a, b[..., None])[..., 0], atol=1e-8)
    assert run.trace_count == 2
