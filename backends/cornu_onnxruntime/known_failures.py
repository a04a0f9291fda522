"""What ONNX Runtime's kernels compute otherwise than the primitives mean, for `cornu conformance onnxruntime`."""

_NAN_INDEX = "ArgMax and ArgMin pass over NaN there; NumPy and JAX give its place"
_NAN_POOL = "MaxPool passes over NaN there"
_LOWEST = "MaxPool starts from the lowest finite number there"
_OVERFLOW = "a Cast of a float outside an integer's range wraps there, or gives the lowest number"
_MEAN = "the mean of nothing is 0 there instead of NaN"

KNOWN_FAILURES = {
    "ops/ArgMax/nan/*": _NAN_INDEX,
    "ops/ArgMin/nan/*": _NAN_INDEX,
    "ops/Cast/to_int8/*": _OVERFLOW,
    "ops/Cast/to_uint8/*": _OVERFLOW,
    "ops/Cast/to_int32/*": _OVERFLOW,
    "ops/Cast/to_uint32/*": _OVERFLOW,
    "ops/Cast/to_int64/*": _OVERFLOW,
    "ops/MaxPool/all_minus_infinity/float32": _LOWEST,
    "ops/MaxPool/nan/*": _NAN_POOL,
    "ops/ReduceMean/of_nothing/*": _MEAN,
}
"""Names of checks, `*` standing for anything, and the reason. Each must fail: one that passes is an error."""
