"""Records the dtypes that real Keras on JAX gives to the results of its operations, in `ops_dtypes.json`.

Run it with an interpreter that has Keras and JAX: `KERAS_BACKEND=jax python tests/keras/record_ops_dtypes.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DTYPES = ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float16", "bfloat16", "float32")
WIDE = ("int64", "uint64", "float64")

UNARY = (
    "absolute all any arccos arccosh arcsin arcsinh arctan arctanh argmax argmin argsort average bitwise_invert "
    "cbrt ceil copy cos cosh count_nonzero cumprod cumsum deg2rad rad2deg diag diagonal exp exp2 expm1 flip floor "
    "isfinite isinf isnan log log10 log1p log2 logical_not max mean median min nan_to_num ndim negative ones_like "
    "prod ptp ravel reciprocal round sign signbit sin sinc sinh sort sqrt square std sum tan tanh trace transpose "
    "tril trunc var zeros_like relu relu6 sigmoid softplus softsign silu log_sigmoid leaky_relu hard_sigmoid "
    "hard_silu elu selu gelu softmax log_softmax logsumexp rsqrt erf erfinv hard_tanh hard_shrink soft_shrink "
    "tanh_shrink celu squareplus top_k norm"
)

BINARY = (
    "add subtract multiply divide true_divide floor_divide mod power maximum minimum equal not_equal less "
    "less_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor "
    "bitwise_left_shift bitwise_right_shift matmul dot outer inner tensordot vdot cross arctan2 hypot logaddexp "
    "logaddexp2 divide_no_nan append where2 take linspace2 isclose kron fmod fmax fmin heaviside gcd lcm correlate"
)


def result_dtype(call: Callable[[], Any]) -> str:
    """The dtype of what `call` returns, or "error"."""
    import keras

    try:
        result = call()
    except Exception:
        return "error"
    if isinstance(result, (tuple, list)):
        return ",".join(keras.backend.standardize_dtype(item.dtype) for item in result)
    return keras.backend.standardize_dtype(result.dtype) if hasattr(result, "dtype") else type(result).__name__


def grouped(found: dict[str, str], plain: dict[str, str]) -> dict[str, str]:
    """For each result that is not the plain one, the operands that give it."""
    groups: dict[str, list[str]] = {}
    for operands, dtype in found.items():
        if dtype != plain[operands]:
            groups.setdefault(dtype, []).append(operands)
    return {dtype: " ".join(operands) for dtype, operands in groups.items()}


def main() -> None:
    """Writes the table."""
    import keras
    from keras import ops
    from keras.src.backend.common.dtypes import result_type

    def operand(dtype: str) -> Any:
        if dtype in ("int", "float"):
            return {"int": 2, "float": 2.0}[dtype]
        return ops.cast(ops.convert_to_tensor([[1, 0, 1], [1, 1, 0], [0, 1, 1]]), dtype)

    def binary(name: str, x: Any, y: Any) -> Any:
        if name == "where2":
            return ops.where(True, x, y)
        if name == "linspace2":
            return ops.linspace(x, y, 3)
        if name == "correlate":
            return ops.correlate(ops.ravel(x), ops.ravel(y))
        return getattr(ops, name)(x, y)

    def unary(name: str, x: Any) -> Any:
        return ops.top_k(x, 1) if name == "top_k" else getattr(ops, name)(x)

    python = {"int": int, "float": float}
    operands = (*DTYPES, "int", "float")
    everything = (*operands, *WIDE)
    plain = {f"{a},{b}": result_type(python.get(a, a), python.get(b, b)) for a in everything for b in everything}
    pairs = [(a, b) for a in operands for b in operands if not {a, b} <= {"int", "float"}]
    table: dict[str, Any] = {"keras": keras.__version__, "result_type": plain, "unary": {}, "binary": {}}
    for name in UNARY.split():
        found = {d: result_dtype(lambda name=name, d=d: unary(name, operand(d))) for d in DTYPES}
        table["unary"][name] = grouped(found, {d: d for d in DTYPES})
    for name in BINARY.split():
        found = {
            f"{a},{b}": result_dtype(lambda name=name, a=a, b=b: binary(name, operand(a), operand(b))) for a, b in pairs
        }
        table["binary"][name] = grouped(found, plain)
    Path(__file__).with_name("ops_dtypes.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
