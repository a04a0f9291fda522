"""The ONNX Runtime backend's fast forms mean what they replace, and compute it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from cornu.backend.contract import CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward
from cornu.ir.dim import symbol
from cornu.ir.interpret import evaluate
from cornu.ir.passes import prepare
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from cornu.ir.verify import verify
from cornu_onnxruntime import OnnxRuntimeBackend
from cornu_onnxruntime.lowering import lower
from cornu_onnxruntime.lowering.probe import block_size
from cornu_onnxruntime.sized import with_sizes
from programs import assert_same, draw, f32

pytestmark = pytest.mark.usefixtures("passes_on")
BLOCK = 16


@pytest.fixture(scope="module")
def backend() -> OnnxRuntimeBackend:
    return OnnxRuntimeBackend()


def names(program: Program) -> list[str]:
    return [str(node.attributes["name"]) if node.op == "Call" else node.op for node in program.nodes]


def gradients(forward: Callable[..., Value], *types: TensorType, weights: Sequence[int] = ()) -> Program:
    """The program of a function's value and of its gradients for some inputs, with a cotangent as the last input."""
    b = Builder("gradients")
    inputs = [b.input(type, f"x{i}") for i, type in enumerate(types)]
    y = forward(b, *inputs)
    g = b.input(b.resolve_type(y.type), "g")
    found = backward(b, {y: g}, [inputs[i] for i in weights or range(len(inputs))])
    return b.finish([y, *(value for value in found if value is not None)])


def check(
    backend: OnnxRuntimeBackend,
    program: Program,
    sizes: Mapping[str, int] | None = None,
    holds: Sequence[str] = (),
    arrays: Sequence[np.ndarray] | None = None,
    tolerance: float = 5e-5,
) -> Program:
    """Checks the lowered program's meaning and ONNX Runtime's results against the reference interpreter's."""
    ready = prepare(program, backend)
    sized = with_sizes(ready, dict(sizes)) if sizes else ready
    lowered = lower(sized, BLOCK)
    verify(lowered)
    for name in holds:
        assert name in names(lowered), f"no {name} among {names(lowered)}"
    given = draw(program, sizes or {}) if arrays is None else list(arrays)
    expected = evaluate(program, given)
    assert_same(evaluate(lowered, given), expected, tolerance)
    executable = backend.compile(ready, CompileOptions())
    results = executable([backend.from_numpy(array, "") for array in given])
    assert_same([backend.to_numpy(buffer) for buffer in results], expected, tolerance)
    return lowered


def conv(strides: int = 1, pads: tuple[int, int] = (0, 0), dilations: int = 1, group: int = 1) -> Callable[..., Value]:
    def forward(b: Builder, x: Value, w: Value) -> Value:
        if any(pads):
            before, after = (0, 0, pads[0], pads[0]), (0, 0, pads[1], pads[1])
            x = b.Pad(x, before=before, after=after, value=0.0, mode="constant")
        y: Value = b.Conv(x, w, strides=(strides,) * 2, dilations=(dilations,) * 2, group=group)
        return y

    return forward


# -- the layout ----------------------------------------------------------------------------------------------------


def test_block_size_is_one_that_processors_have() -> None:
    assert block_size() in (None, 4, 8, 16)


def test_without_blocks_nothing_of_that_domain_is_written(backend: OnnxRuntimeBackend) -> None:
    program = gradients(conv(), f32(16, 16, 6, 6), f32(16, 16, 3, 3))
    assert not any(name.startswith("ort.Blocked") for name in names(lower(prepare(program, backend), 0)))


def test_other_providers_get_plain_operators() -> None:
    import onnxruntime

    others = [name for name in onnxruntime.get_available_providers() if name != "CPUExecutionProvider"]
    if not others:
        pytest.skip("this build of ONNX Runtime has the CPU provider only")
    program = gradients(conv(), f32(16, 16, 6, 6), f32(16, 16, 3, 3))
    assert "ConvWeightGrad" in names(prepare(program, OnnxRuntimeBackend()))
    assert "ConvWeightGrad" not in names(prepare(program, OnnxRuntimeBackend(providers=others[:1])))


# -- convolutions --------------------------------------------------------------------------------------------------

SHAPES: dict[str, tuple[Callable[..., Value], tuple[int, ...], tuple[int, ...]]] = {
    "plain": (conv(), (16, 16, 7, 6), (32, 16, 3, 3)),
    "same": (conv(pads=(1, 1)), (16, 32, 6, 7), (16, 32, 3, 3)),
    "uneven_pads": (conv(pads=(0, 1)), (16, 16, 6, 6), (16, 16, 2, 2)),
    "strided": (conv(strides=2), (16, 16, 9, 9), (16, 16, 3, 3)),
    "strided_with_rest": (conv(strides=2, pads=(0, 1)), (16, 16, 8, 8), (32, 16, 3, 3)),
    "strided_with_unused_end": (conv(strides=3), (16, 16, 12, 11), (16, 16, 3, 3)),
    "dilated": (conv(dilations=2), (16, 16, 8, 9), (16, 16, 3, 3)),
    "long_kernel": (conv(pads=(2, 2)), (16, 16, 5, 5), (16, 16, 5, 3)),
    "channels_to_fill": (conv(), (16, 28, 6, 6), (28, 28, 3, 3)),
    "too_many_channels_to_fill": (conv(), (16, 20, 6, 6), (24, 20, 3, 3)),
    "few_channels": (conv(), (16, 3, 6, 6), (16, 3, 3, 3)),
    "few_filters": (conv(), (16, 16, 6, 6), (5, 16, 3, 3)),
    "odd_filters": (conv(), (16, 16, 6, 6), (13, 16, 3, 3)),
    "batch_of_1": (conv(pads=(1, 1)), (1, 16, 6, 6), (16, 16, 3, 3)),
    "batch_of_12": (conv(), (12, 16, 6, 6), (16, 16, 3, 3)),
    "batch_of_23": (conv(), (23, 16, 6, 6), (16, 16, 3, 3)),
    "pointwise": (conv(), (16, 16, 5, 5), (32, 16, 1, 1)),
    "pointwise_strided": (conv(strides=2), (16, 16, 6, 5), (32, 16, 1, 1)),
    "grouped": (conv(group=2, pads=(1, 1)), (16, 32, 5, 5), (32, 16, 3, 3)),
}


@pytest.mark.parametrize("case", SHAPES)
def test_convolution_and_its_gradients(backend: OnnxRuntimeBackend, case: str) -> None:
    forward, x, w = SHAPES[case]
    check(backend, gradients(forward, f32(*x), f32(*w)))


def test_convolution_in_blocks(backend: OnnxRuntimeBackend) -> None:
    forward, x, w = SHAPES["same"]
    lowered = check(backend, gradients(forward, f32(*x), f32(*w)), holds=["ort.BlockedConv"])
    assert names(lowered).count("ort.BlockedConv") == 3
    assert not {"Conv", "ConvTranspose", "ConvWeightGrad"}.intersection(names(lowered))


@pytest.mark.parametrize(
    ("case", "count"), [("channels_to_fill", 3), ("too_many_channels_to_fill", 1), ("batch_of_1", 2)]
)
def test_blocks_are_filled_up_where_it_pays(backend: OnnxRuntimeBackend, case: str, count: int) -> None:
    forward, x, w = SHAPES[case]
    lowered = lower(prepare(gradients(forward, f32(*x), f32(*w)), backend), BLOCK)
    assert names(lowered).count("ort.BlockedConv") == count


def test_strided_input_gradient_leaves_out_what_is_cut_off(backend: OnnxRuntimeBackend) -> None:
    forward, x, w = SHAPES["strided_with_rest"]
    check(backend, gradients(forward, f32(*x), f32(*w)), holds=["ort.ConvTranspose", "ort.BlockedConv"])


def test_convolution_of_a_symbolic_batch_and_size(backend: OnnxRuntimeBackend) -> None:
    batch, size = symbol("batch"), symbol("size")
    program = gradients(conv(pads=(1, 1)), f32(batch, 16, size, size + 1), f32(16, 16, 3, 3))
    for sizes in ({"batch": 16, "size": 5}, {"batch": 7, "size": 4}):
        check(backend, program, sizes, holds=["ort.BlockedConv"] if sizes["batch"] == 16 else [])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float16", 2e-2)])
def test_other_dtypes_go_the_usual_way(backend: OnnxRuntimeBackend, dtype: str, tolerance: float) -> None:
    x, w, bias = TensorType(dtype, (2, 16, 7, 6)), TensorType(dtype, (4, 16, 3, 3)), TensorType(dtype, (4,))
    check(backend, gradients(pooled(2, 2, True, True), x, w, bias), tolerance=tolerance)


def test_constant_weights_are_left_to_the_runtime(backend: OnnxRuntimeBackend) -> None:
    b = Builder("frozen")
    x = b.input(f32(16, 16, 6, 6), "x")
    w = b.constant(np.random.default_rng(1).standard_normal((16, 16, 3, 3)).astype(np.float32))
    lowered = check(backend, b.finish([b.Conv(x, w, strides=(1, 1), dilations=(1, 1), group=1)]))
    assert "Conv" in names(lowered)


@pytest.mark.parametrize("channels", [3, 16])
def test_bias_goes_into_the_convolution(backend: OnnxRuntimeBackend, channels: int) -> None:
    def forward(b: Builder, x: Value, w: Value, bias: Value) -> Value:
        y = b.Conv(x, w, strides=(1, 1), dilations=(1, 1), group=1)
        total: Value = b.Add(b.Reshape(bias, shape=(1, 16, 1, 1)), y)
        return total

    program = gradients(forward, f32(16, channels, 6, 6), f32(16, channels, 3, 3), f32(16))
    lowered = check(backend, program)
    assert "Add" not in names(lowered)


# -- pooling -------------------------------------------------------------------------------------------------------


def pooled(kernel: int, strides: int, relu: bool = False, weighted: bool = False) -> Callable[..., Value]:
    def forward(b: Builder, x: Value, *w: Value) -> Value:
        if weighted:
            x = b.Conv(x, w[0], strides=(1, 1), dilations=(1, 1), group=1)
            x = b.Add(x, b.Reshape(w[1], shape=(1, w[1].shape[0], 1, 1)))
        if relu:
            x = b.Relu(x)
        y: Value = b.MaxPool(x, kernel_shape=(kernel,) * 2, strides=(strides,) * 2, dilations=(1, 1))
        return y

    return forward


def ties(shape: tuple[int, ...]) -> np.ndarray:
    """Few different numbers, so that windows hold their maximum more than once, and negative ones among them."""
    return np.random.default_rng(3).integers(-2, 2, shape).astype(np.float32)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("kernel", "strides"), [(2, 2), (3, 3), (3, 2), (2, 1)])
@pytest.mark.parametrize("size", [(6, 6), (7, 8)])
def test_maxima_with_ties(
    backend: OnnxRuntimeBackend, kernel: int, strides: int, relu: bool, size: tuple[int, int]
) -> None:
    program = gradients(pooled(kernel, strides, relu), f32(2, 3, *size))
    g = np.random.default_rng(4).standard_normal(program.inputs[1].shape).astype(np.float32)
    check(backend, program, arrays=[ties((2, 3, *size)), g])


def test_relu_and_its_mask_come_after_the_maximum(backend: OnnxRuntimeBackend) -> None:
    lowered = lower(prepare(gradients(pooled(2, 2, relu=True), f32(2, 3, 6, 6)), backend))
    (relu,) = (node for node in lowered.nodes if node.op == "Relu")
    assert relu.outputs[0].shape == (2, 3, 3, 3)


def test_pooled_convolution_of_odd_size(backend: OnnxRuntimeBackend) -> None:
    program = gradients(pooled(2, 2, True, True), f32(16, 16, 9, 8), f32(16, 16, 3, 3), f32(16))
    lowered = check(backend, program, holds=["ort.BlockedConv"])
    assert "Pad" not in names(lowered), "the last row, which no window covers, is not computed at all"


# -- normalization -------------------------------------------------------------------------------------------------


def normalized(layers: int, **config: Any) -> Program:
    """Some batch normalizations of one input by the same scale and offset, as layers without weights have them."""
    import cornu
    from cornu import composites

    def step(x: Any) -> Any:
        scale, offset = cornu.ops.ones((3,)), cornu.ops.zeros((3,))
        found: list[Any] = []
        for i in range(layers):
            found += composites.batch_normalization_training(x * (i + 1.0), scale, offset, 1e-3 * (i + 1))
        return found

    return cornu.function(step).traced(np.zeros((4, 3, 5, 5), np.float32)).compiled.program


@pytest.mark.parametrize("layers", [1, 3])
def test_normalizations_do_not_overwrite_each_other(backend: OnnxRuntimeBackend, layers: int) -> None:
    lowered = check(backend, normalized(layers), holds=["ort.BatchNormalization"])
    statistics = [
        v for node in lowered.nodes if "BatchNorm" in str(node.attributes.get("name")) for v in node.inputs[3:]
    ]
    assert len(set(statistics)) == 2 * layers


# -- sums ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [(0,), (0, 1), (0, 1, 2), (0, 2, 3), (1, 3), (3,), (0, 1, 2, 3), (0, 2)])
def test_sums(backend: OnnxRuntimeBackend, axes: tuple[int, ...], keepdims: bool) -> None:
    b = Builder("sum")
    x = b.input(f32(20, 3, 4, 5), "x")
    check(backend, b.finish([b.ReduceSum(x, axes=axes, keepdims=keepdims)]))
