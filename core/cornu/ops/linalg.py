"""The part of `keras.ops` that has the names of NumPy's linear algebra."""

from cornu.ops.derivatives import jvp
from cornu.ops.factorizations import (
    cholesky,
    cholesky_inverse,
    det,
    inv,
    lu_factor,
    matrix_power,
    qr,
    solve,
    solve_triangular,
)
from cornu.ops.norms import norm
from cornu.ops.spectra import eigh, lstsq, matrix_rank, pinv, svd

# fmt: off
__all__ = [
    "cholesky", "cholesky_inverse", "det", "eigh", "inv", "jvp", "lstsq", "lu_factor", "matrix_power",
    "matrix_rank", "norm", "pinv", "qr", "solve", "solve_triangular", "svd",
]
# fmt: on
