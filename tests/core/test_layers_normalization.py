"""Normalizations: by formula, with free sizes, in 16 bits, exported, and what they refuse."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import onnx
import pytest
from cornu import layers, ops

R = np.random.RandomState(7)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with cornu.use_backend(request.param):
        yield


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


def close(found: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=tolerance, atol=tolerance)


def normal(x: np.ndarray, axes: Any, epsilon: float) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def built(layer: Any, shape: tuple[int | None, ...]) -> Any:
    """The layer with weights that are all drawn."""
    layer.build(shape)
    for weight in layer.weights:
        weight.assign(draw(*weight.shape))
    return layer


# -- layer and root mean square ----------------------------------------------------------------------------------------


def test_several_axes_in_any_order() -> None:
    layer = built(layers.LayerNormalization(axis=(3, 1), epsilon=0.1), (None, 4, None, 5))
    assert layer.gamma.shape == layer.beta.shape == (4, 5)
    x = draw(2, 4, 3, 5)
    gamma, beta = (np.asarray(weight)[:, None] for weight in layer.weights)
    close(layer(x), normal(x, (1, 3), 0.1) * gamma + beta)


@pytest.mark.parametrize(("axis", "shape"), [(1, (4,)), (-2, (3,)), ((1, 2), (4, 3)), ([-1, -3], (4, 5))])
def test_root_mean_square_over_axes_before_the_last(axis: Any, shape: tuple[int, ...]) -> None:
    layer = layers.RMSNormalization(axis=axis)
    layer.build((None, 4, 3, 5))
    assert layer.scale.shape == shape
    x = draw(2, 4, 3, 5)
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    close(layer(x), x / np.sqrt(np.square(x).mean(axes, keepdims=True) + 1e-6))


@pytest.mark.parametrize("kind", [layers.LayerNormalization, layers.RMSNormalization])
def test_it_is_one_node_for_every_size(kind: Any, tmp_path: Path) -> None:
    inputs = cornu.Input((None, 6), name="x")
    layer = kind()
    model = cornu.Model(inputs, layer(inputs))
    for weight in layer.weights:
        weight.assign(draw(6))
    for length in (1, 5):
        x = draw(3, length, 6)
        unit = normal(x, -1, 1e-3) if kind is layers.LayerNormalization else x / np.sqrt((x * x).mean(-1)[..., None])
        scale, *offset = (np.asarray(weight) for weight in layer.weights)
        close(model.predict(x, verbose=0), unit * scale + sum(offset), 1e-4)
    model.export(tmp_path / "model.onnx", verbose=False, opset_version=23)
    nodes = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert nodes == [kind.__name__]


def test_old_files_divide_by_the_deviation() -> None:
    with pytest.warns(UserWarning, match="RMSNormalization"):
        layer = layers.LayerNormalization(rms_scaling=True, scale=False)
    x = draw(3, 5)
    close(layer(x), x / np.sqrt(x.var(-1, keepdims=True) + 1e-3))
    assert [weight.path for weight in layer.weights] == [f"{layer.name}/gamma"]
    assert layer.get_config()["rms_scaling"] is True


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16"])
def test_sixteen_bits_are_computed_in_thirty_two(dtype: str) -> None:
    x = np.array([[1000.0, 2000.0, -60000.0]], np.float32)  # the square of a deviation is beyond float16
    for layer, wanted in (
        (layers.LayerNormalization(dtype=dtype), [0.690, 0.724, -1.414]),
        (layers.RMSNormalization(dtype=dtype), [0.02885, 0.0577, -1.7311]),
        (layers.GroupNormalization(1, dtype=dtype), [0.690, 0.724, -1.414]),
        (layers.UnitNormalization(dtype=dtype), [0.01666, 0.03331, -0.9993]),
    ):
        found = layer(x)
        assert found.dtype == layer.compute_dtype
        close(ops.cast(found, "float32"), [wanted], 1e-2)
        assert {weight.dtype for weight in layer.weights} <= {layer.variable_dtype}


# -- groups and length -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 2, 3, -1])
@pytest.mark.parametrize("axis", [1, -1])
def test_groups_with_free_sizes(groups: int, axis: int) -> None:
    shape = (None, None, 6) if axis == -1 else (6, None, None)
    layer = layers.GroupNormalization(groups, axis=axis, epsilon=0.01)
    inputs = cornu.Input(shape)
    model = cornu.Model(inputs, layer(inputs))
    gamma, beta = draw(6), draw(6)
    layer.set_weights([gamma, beta])
    assert layer.get_config()["groups"] == (6 if groups == -1 else groups)
    for height, width in ((2, 5), (1, 3)):
        x = draw(2, height, width, 6)
        each = 6 // layer.groups
        parts = [normal(x[..., i : i + each], (1, 2, 3), 0.01) for i in range(0, 6, each)]
        wanted = np.concatenate(parts, axis=-1) * gamma + beta
        order = (0, 1, 2, 3) if axis == -1 else (0, 3, 1, 2)
        close(model.predict(x.transpose(order), verbose=0), wanted.transpose(order), 1e-4)


def test_zeros_have_no_direction() -> None:
    x = np.zeros((1, 3), np.float32)
    for dtype in ("float32", "float16"):
        close(layers.UnitNormalization(dtype=dtype)(x), x)
    close(layers.UnitNormalization()(x + np.float32(1e-10)), np.full((1, 3), 1 / np.sqrt(3)))
    close(layers.UnitNormalization(axis=(1, 2))(np.full((2, 2, 2), 3.0, np.float32)), np.full((2, 2, 2), 0.5))


# -- batch -------------------------------------------------------------------------------------------------------------


def test_renormalization_step_by_step() -> None:
    clipping = {"rmin": 0.9, "rmax": 1.1, "dmax": 0.2}
    layer = layers.BatchNormalization(
        renorm=True, renorm_clipping=clipping, momentum=0.7, renorm_momentum=0.6, epsilon=0.01
    )
    layer.build((None, 3))
    names = [weight.path.rpartition("/")[2] for weight in layer.weights]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev"]
    held = {name: np.abs(draw(3)) + 0.5 for name in names}
    layer.set_weights(list(held.values()))
    for _ in range(3):
        x = draw(8, 3) * 2 + 1
        mean, std = x.mean(0), np.sqrt(x.var(0) + 0.01)
        r = np.clip(std / held["renorm_stddev"], 0.9, 1.1)
        d = np.clip((mean - held["renorm_mean"]) / held["renorm_stddev"], -0.2, 0.2)
        close(layer(x, training=True), ((x - mean) / std * r + d) * held["gamma"] + held["beta"], 1e-4)
        for name, rate, batch in (
            ("renorm_mean", 0.6, mean),
            ("renorm_stddev", 0.6, std),
            ("moving_mean", 0.7, mean),
            ("moving_stddev", 0.7, std),
        ):
            held[name] = held[name] * rate + batch * (1 - rate)
        held["moving_variance"] = held["moving_stddev"] ** 2 - 0.01
        for weight, wanted in zip(layer.get_weights(), held.values(), strict=True):
            close(weight, wanted)
    unit = (x - held["moving_mean"]) / np.sqrt(held["moving_variance"] + 0.01)
    close(layer(x, training=False), unit * held["gamma"] + held["beta"], 1e-4)


def test_renormalization_starts_from_the_moving_averages() -> None:
    layer = layers.BatchNormalization(
        renorm=True, moving_mean_initializer="ones", moving_variance_initializer=cornu.initializers.Constant(4.0)
    )
    layer.build((None, 2))
    assert [float(weight[0]) for weight in layer.weights] == [1.0, 0.0, 1.0, 4.0, 2.0, 1.0, 2.0]


def test_one_replica_is_synchronized() -> None:
    layer = layers.BatchNormalization(synchronized=True)
    assert layer.get_config()["synchronized"] is True
    assert layers.BatchNormalization.from_config(layer.get_config()).synchronized
    x = draw(6, 2)
    close(layer(x, training=True), normal(x, 0, 1e-3))


@pytest.mark.parametrize("renorm", [False, True])
def test_only_what_the_mask_keeps_counts(renorm: bool) -> None:
    layer = layers.BatchNormalization(renorm=renorm, momentum=0.5)
    x, mask = draw(2, 4, 3), np.array([[1, 1, 0, 0], [1, 0, 0, 0]], bool)
    layer(x, training=True, mask=mask)
    close(layer.moving_mean, x[mask].mean(0) * 0.5)


def test_a_frozen_layer_infers() -> None:
    layer = layers.BatchNormalization(renorm=True)
    layer.trainable = False
    x = draw(5, 2) * 3
    close(layer(x, training=True), x / np.sqrt(1 + 1e-3))
    assert np.all(layer.get_weights()[2] == 0)


# -- spectral ----------------------------------------------------------------------------------------------------------


def step(kernel: np.ndarray, u: np.ndarray, iterations: int) -> tuple[float, np.ndarray]:
    """The largest singular value by power iteration, and the next u."""
    for _ in range(iterations):
        v = u @ kernel.T
        v /= np.linalg.norm(v)
        u = v @ kernel
        u /= np.linalg.norm(u)
    return float((v @ kernel @ u.T)[0, 0]), u


def test_training_divides_by_the_spectral_norm() -> None:
    dense = layers.Dense(3)
    layer = layers.SpectralNormalization(dense, power_iterations=2)
    layer.build((None, 5))
    paths = [weight.path for weight in layer.weights]
    assert paths == [f"{layer.name}/{dense.name}/kernel", f"{layer.name}/vector_u", f"{layer.name}/{dense.name}/bias"]
    kernel, u, x = draw(5, 3), draw(1, 3), draw(4, 5)
    layer.set_weights([kernel, u, np.zeros(3)])
    close(layer(x), x @ kernel, 1e-4)
    close(layer.vector_u, u)
    sigma, u = step(kernel, u, 2)
    close(layer(x, training=True), x @ kernel / sigma, 1e-4)
    close(layer.vector_u, u)
    close(dense.kernel, kernel)
    for _ in range(20):
        layer.vector_u.assign(layer.normalized_weights()[0])
    assert np.linalg.norm(np.asarray(layer.normalized_weights()[1]), 2) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("eagerly", [False, True])
def test_the_gradient_goes_through_the_norm_but_not_through_its_vectors(eagerly: bool) -> None:
    layer = layers.SpectralNormalization(layers.Dense(3, use_bias=False))
    inputs = cornu.Input((5,))
    model = cornu.Model(inputs, layer(inputs))
    kernel, u, x, y = draw(5, 3), draw(1, 3), draw(4, 5), draw(4, 3)
    model.set_weights([kernel, u])
    model.compile(cornu.optimizers.SGD(1.0), "mse", run_eagerly=eagerly)
    model.train_on_batch(x, y)
    sigma, after = step(kernel, u, 1)
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    by_normal = 2 * x.T @ (x @ kernel / sigma - y) / y.size
    # d(W / sigma) with d sigma = v dW u^T
    gradient = by_normal / sigma - np.sum(by_normal * kernel) / sigma**2 * (v.T @ after)
    close(layer.kernel, kernel - gradient, 1e-4)
    close(layer.vector_u, after)


def test_embeddings_are_normalized_too(tmp_path: Path) -> None:
    layer = layers.SpectralNormalization(layers.Embedding(4, 3), power_iterations=30)
    inputs = cornu.Input((2,), dtype="int32")
    model = cornu.Model(inputs, layer(inputs))
    table, rows = draw(4, 3), np.array([[1, 3]])
    model.set_weights([table, draw(1, 3)])
    close(layer(rows, training=True), table[rows] / np.linalg.norm(table, 2), 1e-3)
    model.save(tmp_path / "model.keras")
    read = cornu.models.load_model(tmp_path / "model.keras")
    close(read.predict(rows, verbose=0), table[rows])
    assert read.layers[1].kernel is read.layers[1].layer.embeddings


# -- masks and errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        layers.LayerNormalization,
        lambda: layers.GroupNormalization(1),
        layers.UnitNormalization,
        layers.BatchNormalization,
    ],
)
def test_masks_pass(layer: Callable[[], Any]) -> None:
    masked = layers.Masking()(cornu.Input((3, 2)))
    assert layer()(masked)._keras_mask is masked._keras_mask


@pytest.mark.parametrize(
    "layer", [layers.RMSNormalization, lambda: layers.SpectralNormalization(layers.Dense(2))], ids=["rms", "spectral"]
)
def test_masks_end_as_in_keras(layer: Callable[[], Any]) -> None:
    masked = layers.Masking()(cornu.Input((3, 2)))
    with pytest.warns(UserWarning, match="does not support masking"):
        assert getattr(layer()(masked), "_keras_mask", None) is None


def called(layer: Any, *shape: int | None) -> Any:
    return layer(cornu.Input(shape))


BatchNormalization, GroupNormalization = layers.BatchNormalization, layers.GroupNormalization
ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "layer: no axis": (lambda: layers.LayerNormalization(axis="a"), TypeError, "LayerNormalization.*'a'"),
    "layer: out of range": (lambda: called(layers.LayerNormalization(axis=5), 3), ValueError, "axis=.5.*None, 3"),
    "layer: twice": (lambda: called(layers.LayerNormalization(axis=(1, -1)), 3), ValueError, "different axes"),
    "layer: free": (lambda: called(layers.LayerNormalization(), 3, None), ValueError, "axis -1.*fixed size"),
    "rms: no axis": (lambda: layers.RMSNormalization(axis=[]), TypeError, "RMSNormalization"),
    "rms: free": (lambda: called(layers.RMSNormalization(axis=1), None, 3), ValueError, "axis 1.*fixed size"),
    "unit: no axis": (lambda: layers.UnitNormalization(axis=1.5), TypeError, "UnitNormalization.*1.5"),
    "unit: out of range": (lambda: called(layers.UnitNormalization(axis=4), 3), ValueError, "4"),
    "group: none": (lambda: GroupNormalization(0), ValueError, "groups.*got 0"),
    "group: no divisor": (lambda: called(GroupNormalization(2), 4, 3), ValueError, r"groups \(2\).*channels \(3\)"),
    "group: too many": (lambda: called(GroupNormalization(), 4, 3), ValueError, r"groups \(32\).*channels \(3\)"),
    "group: free": (lambda: called(GroupNormalization(1), 4, None), ValueError, "fixed size"),
    "group: axes": (lambda: GroupNormalization(1, axis=(1, 2)), TypeError, "axis.*integer"),
    "group: batch": (lambda: GroupNormalization(1, axis=0)(draw(2, 3)), ValueError, "the batch"),
    "batch: bounds": (lambda: BatchNormalization(renorm_clipping={"rmaxx": 1}), ValueError, "rmaxx"),
    "batch: order": (lambda: BatchNormalization(renorm_clipping={"rmin": 2, "rmax": 1}), ValueError, "rmin <= rmax"),
    "batch: dmax": (lambda: BatchNormalization(renorm_clipping={"dmax": -1}), ValueError, "dmax >= 0"),
    "batch: free": (lambda: called(BatchNormalization(), 3, None), ValueError, "fixed size"),
    "spectral: iterations": (
        lambda: layers.SpectralNormalization(layers.Dense(2), 0),
        ValueError,
        "power_iterations.*got 0",
    ),
    "spectral: no layer": (lambda: layers.SpectralNormalization("dense"), ValueError, "must be a layer, got 'dense'"),
    "spectral: no kernel": (
        lambda: called(layers.SpectralNormalization(layers.ReLU(name="r")), 4),
        ValueError,
        "ReLU 'r' has neither a `kernel` nor `embeddings`",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_is_wrong(name: str) -> None:
    make, kind, match = ERRORS[name]
    with warnings.catch_warnings(), pytest.raises(kind, match=match):
        make()
