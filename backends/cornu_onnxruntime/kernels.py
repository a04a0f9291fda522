"""Which dtypes ONNX Runtime's CPU provider has kernels for, by primitive.

Recorded with onnxruntime 1.32.0 by running every primitive with every dtype, in several forms and with empty tensors,
and comparing with the reference kernels. What is missing here is rewritten by the core, so that an older or newer
runtime with more kernels still computes the right thing.
"""

from __future__ import annotations

_GROUPS: tuple[tuple[str, str], ...] = (
    (
        "Neg",
        "float16 float32 float64 int8 int16 int32 int64",
    ),
    (
        "Abs Add Sub Mul Div Mod ScatterElements:max ScatterElements:min Less LessOrEqual Greater GreaterOrEqual",
        "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    ),
    (
        "Sign",
        "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    ),
    (
        "Floor Ceil Round Sqrt Reciprocal Exp Log Sin Cos Tanh Sigmoid Relu ReduceMean",
        "float16 float32 float64",
    ),
    (
        "Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Erf Softplus Conv ConvTranspose AveragePool",
        "float16 float32",
    ),
    (
        "Pow CumSum ReduceSum ReduceProd",
        "float16 float32 float64 int32 int64",
    ),
    (
        "Max Min",
        "float16 float32 float64 int8 int32 int64 uint8 uint32 uint64",
    ),
    (
        "Where",
        "float16 float32 float64 int8 int32 int64 uint8 uint32",
    ),
    (
        "Range Reshape Transpose Slice Concat Split Gather GatherElements GatherND ScatterElements ScatterND",
        "bool float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    ),
    (
        "Expand Tile Equal",
        "bool float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    ),
    (
        "Pad",
        "bool float16 bfloat16 float32 float64 int8 int32 int64 uint8 uint32 uint64",
    ),
    (
        "Trilu",
        "bool float16 float32 float64 int32 int64",
    ),
    (
        "ScatterElements:add ScatterElements:mul ScatterND:add ScatterND:mul ScatterND:max ScatterND:min",
        "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    ),
    (
        "MatMul",
        "float16 float32 float64 int32 int64 uint32 uint64",
    ),
    (
        "IsNaN IsInf",
        "float16 bfloat16 float32 float64",
    ),
    (
        "Not And Or Xor",
        "bool",
    ),
    (
        "BitwiseNot BitwiseAnd BitwiseOr BitwiseXor",
        "int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    ),
    (
        "BitShift",
        "uint8 uint16 uint32 uint64",
    ),
    (
        "MaxPool",
        "float16 float32 float64 int8 uint8",
    ),
    (
        "ReduceMax ReduceMin ArgMax ArgMin",
        "float16 float32 float64 int8 int32 int64 uint8",
    ),
    (
        "TopK",
        "float16 float32 float64 int8 int16 int32 int64 uint8",
    ),
)

KERNELS: dict[str, frozenset[str]] = {op: frozenset(dtypes.split()) for ops, dtypes in _GROUPS for op in ops.split()}
"""The dtypes of each primitive's tensors; of a scatter that combines, under `name:reduction`."""

COMPOSITES: dict[str, frozenset[str]] = {
    "Softmax": frozenset({"float16", "float32", "float64"}),
    "LogSoftmax": frozenset({"float16", "float32", "float64"}),
    "Gelu": frozenset({"float16", "float32"}),
    "LayerNormalization": frozenset({"float16", "float32"}),
    "BatchNormalization": frozenset({"float16", "float32"}),
    "LSTM": frozenset({"float16", "float32"}),
    "GRU": frozenset({"float16", "float32"}),
    "RNN": frozenset({"float16", "float32"}),
}
"""The dtypes of composites that one kernel computes. Normalizations of float64 run as primitives: ONNX holds their
epsilon in float32."""
