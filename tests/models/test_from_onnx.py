"""ONNX files as models: called, trained, saved, exported, and the way out of Cornu and back."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import onnx
import pytest
from cornu import layers, ops
from cornu.ir.onnx import OnnxImportError
from cornu.models import OnnxModel, from_onnx
from draw import register
from onnx import ModelProto, TensorProto, helper, numpy_helper

FIXTURES = sorted((Path(__file__).parents[1] / "keras" / "fixtures").glob("model_*.zip"))
RNG = np.random.default_rng(3)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def info(name: str, shape: Sequence[Any], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def proto(
    nodes: Sequence[tuple[Any, ...]],
    inputs: dict[str, Sequence[Any]],
    outputs: Sequence[str],
    constants: dict[str, np.ndarray],
    opset: int = 18,
) -> ModelProto:
    """A model of nodes `(op, inputs, outputs, attributes)`."""
    made = [helper.make_node(op, i.split(), o.split(), name=op, **dict(*rest)) for op, i, o, *rest in nodes]
    graph = helper.make_graph(
        made,
        "g",
        [info(name, shape) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


W, B = floats(4, 3), floats(3)


def dense() -> ModelProto:
    nodes = [("MatMul", "x layer/w", "h"), ("Add", "h layer/b", "y")]
    return proto(nodes, {"x": ["n", 4]}, ["y"], {"layer/w": W, "layer/b": B})


def two_by_two() -> ModelProto:
    """Two inputs of one batch, a third that nothing reads, and two outputs."""
    nodes = [("MatMul", "a w", "h"), ("Add", "h b", "sum"), ("Mul", "h b", "product")]
    shapes = {"b": ["n", 3], "unused": ["n"], "a": ["n", 4]}
    return proto(nodes, shapes, ["sum", "product"], {"w": W})


# -- calling -------------------------------------------------------------------------------------------------------


def test_weights_have_the_names_of_the_file_and_the_model_predicts() -> None:
    model = from_onnx(dense(), name="plain")
    assert isinstance(model, (OnnxModel, cornu.Model))
    assert {weight.path: weight.numpy().tolist() for weight in model.weights} == {
        "layer/w": W.tolist(),
        "layer/b": B.tolist(),
    }
    assert all(weight.trainable for weight in model.weights)
    for batch in (1, 5):
        x = floats(batch, 4)
        for found in (model(x), model.predict(x, verbose=0), model({"x": x}), model([x])):
            np.testing.assert_allclose(np.asarray(found), x @ W + B, rtol=1e-5)
    assert (model.name, model.input_names, model.output_names) == ("plain", ["x"], ["y"])
    assert (model.input_shape, model.output_shape, model.count_params()) == ((None, 4), (None, 3), 15)


def test_several_inputs_and_outputs() -> None:
    model = from_onnx(two_by_two())
    a, b, unused = floats(2, 4), floats(2, 3), floats(2)
    assert model.input_names == ["b", "unused", "a"]
    for given in ([b, unused, a], (b, unused, a), {"a": a, "b": b, "unused": unused}):
        total, product = model(given)
        np.testing.assert_allclose(np.asarray(total), a @ W + b, rtol=1e-5)
        np.testing.assert_allclose(np.asarray(product), (a @ W) * b, rtol=1e-5)
    total, product = model.predict({"b": b, "a": a, "unused": unused}, verbose=0)
    np.testing.assert_allclose(product, (a @ W) * b, rtol=1e-5)
    assert [type(part) for part in (total, product)] == [np.ndarray] * 2


def test_errors_name_input_expected_and_actual() -> None:
    model = from_onnx(two_by_two(), name="m")
    a, b, unused = floats(2, 4), floats(2, 3), floats(2)
    with pytest.raises(ValueError, match=r'Input "a" of model "m".*expected shape=\(n, 4\), found shape=\(2, 5\)'):
        model([b, unused, floats(2, 5)])
    with pytest.raises(ValueError, match=r'Input "a".*found shape=\(2, 1, 4\)'):
        model([b, unused, a[:, None]])
    with pytest.raises(ValueError, match=r"misses the inputs \['unused'\]"):
        model({"a": a, "b": b})
    with pytest.raises(ValueError, match=r"expects 3 input\(s\) \['b', 'unused', 'a'\], got 2"):
        model([b, a])
    with pytest.raises(ValueError, match=r'Input "a": expected shape=\(n, 4\), axis 0 is `n`: sizes 3 and 2 differ'):
        model([b, unused, floats(3, 4)])


def test_sizes_that_the_file_fixes() -> None:
    model = from_onnx(proto([("MatMul", "x w", "y")], {"x": [2, 4]}, ["y"], {"w": W}))
    assert model.predict(floats(2, 4), verbose=0).shape == (2, 3)
    with pytest.raises(ValueError, match=r"expected shape=\(2, 4\), found shape=\(3, 4\)"):
        model.predict(floats(3, 4), verbose=0)
    assert model(cornu.Input((4,))).shape == (2, 3)


def test_sizes_that_are_expressions_of_others() -> None:
    nodes = [("Concat", "x x", "twice", {"axis": 1}), ("Add", "twice z", "y")]
    model = from_onnx(proto(nodes, {"x": ["n", "m"], "z": ["n", "2*m"]}, ["y"], {}))
    x, z = floats(2, 3), floats(2, 6)
    np.testing.assert_allclose(np.asarray(model([x, z])), np.concatenate([x, x], 1) + z, rtol=1e-6)
    with pytest.raises(ValueError, match='Input "z"'):
        model([x, floats(2, 5)])


def test_it_is_a_layer_in_other_models() -> None:
    inner = from_onnx(dense())
    x = cornu.Input((6,))
    outer = cornu.Model(x, layers.Dense(2)(ops.tanh(inner(layers.Dense(4)(x)))))
    assert any(weight is inner.weights[0] for weight in outer.trainable_weights)
    before = inner.weights[0].numpy()
    outer.compile("sgd", "mse")
    outer.fit(floats(8, 6), floats(8, 2), verbose=0)
    assert not np.array_equal(inner.weights[0].numpy(), before)
    inner.trainable = False
    assert not any(weight is inner.weights[0] for weight in outer.trainable_weights)


def test_layers_follow_it() -> None:
    """As with a pretrained base: a new head on its symbolic output."""
    base = from_onnx(dense())
    model = cornu.Model(base.input, layers.Dense(2)(base.output))
    assert model.predict(floats(3, 4), verbose=0).shape == (3, 2)
    assert model.input_names == ["x"]


def test_gradients_on_a_tape() -> None:
    model, x = from_onnx(dense()), floats(5, 4)
    with cornu.GradientTape() as tape:
        loss = ops.sum(model(x) ** 2)
    by_w, by_b = tape.gradient(loss, model.trainable_variables)
    y = x @ W + B
    np.testing.assert_allclose(np.asarray(by_w), 2 * x.T @ y, rtol=1e-4)
    np.testing.assert_allclose(np.asarray(by_b), 2 * y.sum(0), rtol=1e-4)


# -- what is a weight ----------------------------------------------------------------------------------------------


def test_what_is_no_weight() -> None:
    mask = np.array([0, -np.inf, 0], "float32")
    constants = {"w": W, "half": np.array(0.5, "float32"), "mask": mask, "shape": np.array([-1, 3]), "table": B}
    nodes = [
        ("MatMul", "x w", "h"),
        ("Mul", "h half", "i"),
        ("Reshape", "i shape", "j"),
        ("Add", "j mask", "k"),
        ("Add", "k table", "y"),
    ]
    built = proto(nodes, {"x": ["n", 4]}, ["y"], constants)
    assert [weight.path for weight in from_onnx(built).weights] == ["w", "table"]
    assert [weight.path for weight in from_onnx(built, constants=["table"]).weights] == ["w"]
    with pytest.raises(OnnxImportError, match=r"no constants \['tabel'\]"):
        from_onnx(built, constants=["tabel"])


def test_statistics_are_not_trained_even_where_a_file_shares_constants() -> None:
    ones, zeros = np.ones(3, "float32"), np.zeros(3, "float32")
    nodes = [
        ("Identity", "ones", "scale"),
        ("BatchNormalization", "x scale zeros zeros ones", "h"),
        ("Add", "h zeros", "y"),
    ]
    model = from_onnx(proto(nodes, {"x": ["n", 3]}, ["y"], {"ones": ones, "zeros": zeros}))
    assert {weight.path: weight.trainable for weight in model.weights} == {
        "scale": True,
        "zeros": True,
        "ones": False,
        "zeros/statistic": False,
    }
    model.compile("sgd", "mse")
    model.fit(floats(8, 3), floats(8, 3), verbose=0)
    assert [np.array_equal(weight.numpy(), weight.numpy().round()) for weight in model.weights] == [False] * 2 + [
        True
    ] * 2


def test_the_model_that_is_given_stays_as_it_is() -> None:
    nodes = [("BatchNormalization", "x a b b a", "y")]
    built = proto(nodes, {"x": ["n", 3]}, ["y"], {"a": np.ones(3, "float32"), "b": np.zeros(3, "float32")})
    before = built.SerializeToString(deterministic=True)
    model = from_onnx(built)
    model.compile("sgd", "mse")
    model.fit(floats(4, 3), floats(4, 3), verbose=0)
    assert built.SerializeToString(deterministic=True) == before


# -- training, saving, exporting -----------------------------------------------------------------------------------


def test_it_learns() -> None:
    model, x = from_onnx(dense()), floats(64, 4)
    goal = x @ floats(4, 3)
    model.compile(cornu.optimizers.Adam(0.1), "mse", metrics=["mae"])
    history = model.fit(x, goal, epochs=60, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.01 * history["loss"][0]
    assert set(history) == {"loss", "mae"}


IN_A_NEW_PROCESS = """
import sys, numpy as np, cornu
model = cornu.saving.load_model(sys.argv[1])
np.save(sys.argv[2], model.predict(np.load(sys.argv[3]), verbose=0))
model.train_on_batch(np.load(sys.argv[3]), np.ones((5, 3), "float32"))
assert [w.path for w in model.weights] == ["layer/w", "layer/b"], model.weights
assert int(model.optimizer.iterations) == 3
"""


def test_it_is_saved_and_loaded_in_a_new_process(tmp_path: Path) -> None:
    model, x = from_onnx(dense()), floats(5, 4)
    model.compile(cornu.optimizers.Adam(0.1), "mse")
    model.fit(x, floats(5, 3), epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", x)
    paths = [str(tmp_path / name) for name in ("m.keras", "y.npy", "x.npy")]
    subprocess.run([sys.executable, "-c", IN_A_NEW_PROCESS, *paths], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0), rtol=1e-6)


@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".keras"])
def test_files_of_every_kind(tmp_path: Path, ending: str) -> None:
    model, path = from_onnx(dense()), tmp_path / f"m{ending}"
    model.weights[0].assign(W + 1)
    if ending == ".weights.h5":
        model.save_weights(path)
        other = from_onnx(dense())
        other.load_weights(path)
    else:
        model.save(path)
        other = cornu.saving.load_model(path)
    np.testing.assert_array_equal(other.weights[0].numpy(), W + 1)


def test_the_config_holds_the_graph_without_its_weights() -> None:
    large = floats(400, 300)
    model = from_onnx(proto([("MatMul", "x w", "y")], {"x": ["n", 400]}, ["y"], {"w": large}))
    config = model.get_config()
    assert len(json.dumps(config)) < 2000
    other = OnnxModel.from_config(config)
    assert (other.weights[0].path, other.weights[0].shape) == ("w", (400, 300))
    assert other.weights[0].numpy().std() > 0  # new weights, as of a clone
    copy = cornu.models.clone_model(model)
    copy.set_weights(model.get_weights())
    x = floats(2, 400)
    np.testing.assert_allclose(copy.predict(x, verbose=0), x @ large, rtol=1e-4, atol=1e-4)


def test_a_clone_starts_normalizations_at_one() -> None:
    constants = {name: floats(3) ** 2 for name in ("scale", "offset", "mean", "variance")}
    nodes = [("BatchNormalization", "x scale offset mean variance", "y")]
    copy = cornu.models.clone_model(from_onnx(proto(nodes, {"x": ["n", 3]}, ["y"], constants)))
    assert {weight.path: set(weight.numpy().tolist()) for weight in copy.weights} == {
        "scale": {1.0},
        "offset": {0.0},
        "mean": {0.0},
        "variance": {1.0},
    }


def test_a_hostile_graph_in_a_saved_model_is_refused(tmp_path: Path) -> None:
    import base64

    path = tmp_path / "m.keras"
    from_onnx(dense()).save(path)
    bomb = proto([("ConstantOfShape", "s", "y")], {"x": ["n"]}, ["y"], {"s": np.array([10**12])})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    for graph, message in (
        (base64.b64encode(bomb.SerializeToString()).decode(), "1000000000000 elements"),
        ("not base 64", "base 64"),
        (base64.b64encode(b"nothing").decode(), "not an ONNX model"),
        (7, "base 64"),
    ):
        config["config"].update(graph=graph, weights=[])
        members["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        with pytest.raises((TypeError, ValueError), match=message):
            cornu.saving.load_model(path)


def test_exported_again_it_has_the_same_inputs_outputs_and_weights(tmp_path: Path) -> None:
    model = from_onnx(two_by_two())
    model.export(tmp_path / "again.onnx", verbose=False)
    graph = onnx.load(tmp_path / "again.onnx").graph
    assert [item.name for item in graph.input] == ["b", "unused", "a"]
    assert [item.name for item in graph.output] == ["sum", "product"]
    assert [dim.dim_param or dim.dim_value for dim in graph.input[2].type.tensor_type.shape.dim] == ["n", 4]
    assert [(tensor.name, list(tensor.dims)) for tensor in graph.initializer] == [("w", [4, 3])]
    given = [floats(2, 3), floats(2), floats(2, 4)]
    for found, expected in zip(from_onnx(tmp_path / "again.onnx")(given), model(given), strict=True):
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-6)


# -- out and back --------------------------------------------------------------------------------------------------


class InInference(cornu.Model):
    """A model as the file holds it: statistics fixed, nothing dropped, while it trains."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs, training=False)


def steps(model: Any, x: Any, y: Any, optimizer: Callable[[], Any]) -> Any:
    model.compile(optimizer(), "mse")
    for _ in range(3):
        model.train_on_batch(x, y)
    found = model.predict(x, verbose=0)
    return found if isinstance(found, list) else [found]


def agrees(model: Any, x: Any, folder: Path, optimizer: Callable[[], Any]) -> OnnxModel:
    """Three steps here and three after export and import give the same."""
    model.export(folder / "m.onnx", verbose=False)
    imported = from_onnx(folder / "m.onnx")
    before = model.predict(x, verbose=0)
    before = before if isinstance(before, list) else [before]
    goals = [y + floats(*y.shape) for y in before]
    goal = goals if len(goals) > 1 else goals[0]
    stayed = steps(InInference(model), x, goal, optimizer)
    travelled = steps(imported, x, goal, optimizer)
    for found, expected, old in zip(travelled, stayed, before, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        assert not np.allclose(expected, old, rtol=1e-3)
    return imported


def sgd() -> Any:
    return cornu.optimizers.SGD(0.05, momentum=0.9)


def mlp() -> tuple[Any, Any]:
    parts = [cornu.Input((4,)), layers.Dense(6, "gelu"), layers.LayerNormalization(), layers.Dense(3, "softmax")]
    return cornu.Sequential(parts), floats(7, 4)


def cnn() -> tuple[Any, Any]:
    model = cornu.Sequential(
        [
            cornu.Input((8, 8, 3)),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )
    mean, variance = model.layers[1].moving_mean, model.layers[1].moving_variance
    mean.assign(floats(4) / 4)
    variance.assign(floats(4) ** 2 + 0.5)
    return model, floats(6, 8, 8, 3)


def recurrent() -> tuple[Any, Any]:
    x = cornu.Input((5, 3))
    y = layers.LSTM(4)(layers.Bidirectional(layers.GRU(3, return_sequences=True))(x))
    return cornu.Model(x, layers.Dense(2)(y)), floats(6, 5, 3)


def attention() -> tuple[Any, Any]:
    x = cornu.Input((5, 8))
    y = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    return cornu.Model(x, layers.Dense(2)(layers.Flatten()(y))), floats(6, 5, 8)


@pytest.mark.parametrize("build", [mlp, cnn, recurrent, attention])
@pytest.mark.parametrize("trained", [False, True])
def test_out_and_back(build: Callable[[], Any], trained: bool, tmp_path: Path) -> None:
    model, x = build()
    if trained:
        model.compile("adam", "mse")
        model.fit(x, floats(len(x), *model.output_shape[1:]), epochs=2, verbose=0)
    imported = agrees(model, x, tmp_path, sgd)
    for kind in ("trainable_weights", "non_trainable_weights"):  # those of two directions are one
        counts = [sum(weight.numpy().size for weight in getattr(owner, kind)) for owner in (imported, model)]
        assert counts[0] == counts[1]
    imported.save(tmp_path / "m.keras")
    agrees(cornu.saving.load_model(tmp_path / "m.keras"), x, tmp_path, sgd)


@pytest.mark.parametrize("build", [mlp, recurrent])
def test_out_and_back_with_adam(build: Callable[[], Any], tmp_path: Path) -> None:
    model, x = build()
    agrees(model, x, tmp_path, lambda: cornu.optimizers.Adam(0.01))


def saved_by_keras(path: Path, folder: Path) -> tuple[Any, Any]:
    """A recorded file of real Keras as a model here, and inputs."""
    with zipfile.ZipFile(path) as archive:
        (folder / "model.keras").write_bytes(archive.read("model.keras"))
        with np.load(io.BytesIO(archive.read("arrays.npz"))) as stored:
            inputs = [stored[f"x{i}"] for i in range(len(stored)) if f"x{i}" in stored]
    return cornu.saving.load_model(folder / "model.keras", compile=False), inputs if len(inputs) > 1 else inputs[0]


def penalised(model: Any) -> bool:
    """Whether losses or constraints belong to the layers: a file of ONNX has none."""
    return any(variable.regularizer or variable.constraint for variable in model.weights) or any(
        getattr(layer, "activity_regularizer", None) for layer in model._flatten_layers()
    )


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_what_keras_saved_goes_out_and_back(path: Path, tmp_path: Path) -> None:
    register(cornu)  # what a user's own layers of the fixtures are here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, x = saved_by_keras(path, tmp_path)
    if penalised(model):
        pytest.skip("its layers add to the loss, which the file does not hold")
    model.trainable = True
    agrees(model, x, tmp_path, lambda: cornu.optimizers.SGD(0.02, momentum=0.9))


def test_an_input_layer_starts_from_a_tensor_that_is_given() -> None:
    tensor = cornu.KerasTensor((None, 3), name="x")
    assert cornu.Input(tensor=tensor) is tensor
    assert cornu.Model(tensor, layers.Dense(2)(tensor)).input_names == ["x"]


class Constant(cornu.layers.Layer):
    """A layer whose weight is called as constants are."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), name="constant", initializer="ones")

    def call(self, x: Any) -> Any:
        return x * self.scale + cornu.ops.convert_to_tensor(np.array([1.0, 2.0, 3.0], "float32"))


def test_the_file_says_which_constants_are_weights(tmp_path: Path) -> None:
    model = cornu.Sequential([cornu.Input((3,), name="x"), Constant(name="scaled")], name="m")
    model.export(tmp_path / "m.onnx", verbose=False)
    read = cornu.models.from_onnx(tmp_path / "m.onnx")
    assert [weight.path for weight in read.trainable_weights] == ["m/scaled/constant"]
    assert read.non_trainable_weights == []
