"""Bad input is refused early, by an error that names the layer or argument, what is expected and what was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu import layers, losses, metrics, ops, optimizers

X, Y = np.ones((6, 3), "float32"), np.ones((6, 1), "float32")


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with keras.use_backend("numpy"):
        yield


def model(compiled: bool = True, **arguments: Any) -> keras.Model:
    made = keras.Sequential([keras.Input((3,), name="numbers"), layers.Dense(1, name="last")], name="net")
    if compiled:
        made.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    return made


def two_outputs(**arguments: Any) -> keras.Model:
    x = keras.Input((3,), name="x")
    made = keras.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(2, name="b")(x)], name="pair")
    made.compile("sgd", **arguments)
    return made


def two_inputs() -> keras.Model:
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    made = keras.Model([left, right], layers.Concatenate()([left, right]), name="join")
    made.compile("sgd", "mse")
    return made


def unbuilt(compiled: bool = False) -> keras.Model:
    made = keras.Sequential([layers.Dense(2, name="only")], name="open")
    if compiled:
        made.compile("sgd", "mse")
    return made


class Silent(keras.Model):
    """Defines no `call`."""


class Forgetful(layers.Layer):
    def __init__(self) -> None:
        pass

    def call(self, inputs: Any) -> Any:
        return inputs


class Lossless(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


def nan_loss() -> None:
    made = model()
    made.fit(X, Y * np.nan, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN(raise_error=True)])


def add_named_twice() -> None:
    keras.Sequential([layers.Dense(1, name="same"), layers.Dense(1, name="same")])


def add_input_late() -> None:
    made = model(compiled=False)
    made.add(keras.Input((3,)))


def disconnected() -> None:
    keras.Model(keras.Input((3,), name="given"), layers.Dense(1)(keras.Input((3,), name="other")))


def set_wrong_weights() -> None:
    model().set_weights([np.ones((2, 2)), np.ones(1)])


def set_few_weights() -> None:
    model().set_weights([np.ones((3, 1))])


def assign_wrong_shape() -> None:
    keras.Variable(np.zeros((2, 3)), name="table").assign(np.zeros((3, 2)))


def unbuilt_optimizer() -> None:
    optimizer = optimizers.SGD(0.1)
    optimizer.build([keras.Variable([1.0], name="known")])
    optimizer.apply([ops.ones((1,))], [keras.Variable([1.0], name="stranger")])


def load_other_weights(tmp: str) -> None:
    path = f"{tmp}/w.weights.h5"
    model().save_weights(path)
    other = keras.Sequential([keras.Input((3,)), layers.Dense(5, name="last")], name="net")
    other.load_weights(path)


Case = tuple[str, Callable[[], Any], type[BaseException], tuple[str, ...]]

CASES: list[Case] = [
    # What a layer is called on.
    ("rank of a convolution", lambda: layers.Conv2D(2, 3, name="conv")(np.ones((1, 8, 8), "float32")), ValueError,
     ("conv", "ndim=4", "ndim=3", r"\(1, 8, 8\)")),
    ("rank of a pooling", lambda: layers.MaxPooling2D(name="pool")(np.ones((1, 8), "float32")), ValueError,
     ("pool", "ndim=4", "ndim=2")),
    ("rank of a dense", lambda: layers.Dense(2, name="dull")(np.ones(3, "float32")), ValueError,
     ("dull", "min_ndim=2", "ndim=1")),
    ("size of the last axis", lambda: model().layers[0](np.ones((2, 4), "float32")), ValueError,
     ("last", "axis -1", "value 3", r"\(2, 4\)")),
    ("channels of a convolution", lambda: _built_conv()(np.ones((1, 8, 8, 4), "float32")), ValueError,
     ("conv", "axis -1", "value 3", r"\(1, 8, 8, 4\)")),
    ("unknown channels", lambda: layers.Dense(2, name="dull")(keras.Input((None,))),
     ValueError, ("dull", "axis -1", r"\(None, None\)")),
    ("merging different shapes", lambda: layers.Add(name="sum")([np.ones((2, 3)), np.ones((2, 4))]), ValueError,
     ("sum", r"\(2, 3\)|\(3,\)", r"\(2, 4\)|\(4,\)")),
    ("merging nothing", lambda: layers.Add(name="sum")([]), ValueError, ("sum", "list|at least")),
    ("merging no list", lambda: layers.Add(name="sum")(X), ValueError, ("sum", "list")),
    ("concatenating different shapes",
     lambda: layers.Concatenate(axis=1, name="cat")([np.ones((2, 3, 4)), np.ones((2, 3, 5))]), ValueError,
     ("cat", r"\(2, 3, 4\)", r"\(2, 3, 5\)")),
    ("reshape that does not fit", lambda: layers.Reshape((2, 2), name="form")(X), ValueError,
     ("form", "Reshape", r"\(3,\)", r"\(2, 2\)")),
    ("kernel larger than the image", lambda: layers.Conv2D(1, 5, name="conv")(np.ones((1, 3, 3, 1), "float32")),
     ValueError, ("conv", "5|kernel", "3")),
    ("tokens that are no integers", lambda: layers.Embedding(4, 2, name="words")("text"),
     (ValueError, TypeError, AttributeError),
     ("words", "text")),
    ("a list in the place of a tensor", lambda: layers.Dense(2, name="dull")([X, X]),
     ValueError, ("dull", "1 input", "2")),
    ("nothing", lambda: layers.Dense(2, name="dull")(None), ValueError, ("dull", "input 0|tensor", "None")),
    ("an object", lambda: layers.Dense(2, name="dull")(object()), ValueError, ("dull", "tensor", "object")),
    ("an unknown argument of call", lambda: layers.Dense(2, name="dull")(X, speed=3), TypeError, ("dull", "speed")),
    # How layers are made.
    ("negative units", lambda: layers.Dense(-2), ValueError, ("units", "positive", "-2")),
    ("units that are no integer", lambda: layers.Dense("many"), ValueError, ("units", "positive integer", "many")),
    ("no filters", lambda: layers.Conv2D(0, 3), ValueError, ("filters", "0")),
    ("an even tuple for two axes", lambda: layers.Conv2D(2, (3, 3, 3)),
     ValueError, ("kernel_size", "2", r"\(3, 3, 3\)")),
    ("unknown padding", lambda: layers.Conv2D(2, 3, padding="half"), ValueError, ("padding", "valid", "same", "half")),
    ("strides and dilation", lambda: layers.Conv2D(2, 3, strides=2, dilation_rate=2), ValueError,
     ("strides", "dilation_rate")),
    ("filters and groups", lambda: layers.Conv2D(3, 3, groups=2), ValueError, ("filters|groups", "3", "2")),
    ("a rate above 1", lambda: layers.Dropout(1.5), ValueError, ("rate", "1.5", "0", "1")),
    ("unknown data format", lambda: layers.Conv2D(2, 3, data_format="nchw"), ValueError,
     ("data_format", "channels_first", "nchw")),
    ("an unknown argument", lambda: layers.Dense(2, colour="red"), (ValueError, TypeError), ("Dense", "colour")),
    ("a name with a slash", lambda: layers.Dense(2, name="a/b"), ValueError, ("Dense", "name", "a/b")),
    ("an input without a shape", lambda: keras.Input(), ValueError, ("shape",)),
    ("an input with two shapes", lambda: keras.Input((3,), batch_shape=(None, 3)), ValueError,
     ("shape", "batch_shape", "not both")),
    ("no super().__init__", lambda: Forgetful()(X), RuntimeError, ("Forgetful", r"super\(\).__init__\(\)")),
    ("a weight without a size", lambda: layers.Layer(name="l").add_weight(shape=(None, 2), name="w"), ValueError,
     ("w", r"\(None, 2\)")),
    # Names of things.
    ("an unknown activation", lambda: layers.Dense(2, activation="rleu"), ValueError, ("activation", "rleu", "relu")),
    ("an unknown initializer", lambda: layers.Dense(2, kernel_initializer="glorot"), ValueError,
     ("initializer", "glorot", "glorot_uniform")),
    ("an unknown regularizer", lambda: layers.Dense(2, kernel_regularizer="l7"),
     ValueError, ("regularizer", "l7", "l2")),
    ("an unknown constraint", lambda: layers.Dense(2, kernel_constraint="tight"), ValueError,
     ("constraint", "tight", "unit_norm|UnitNorm")),
    ("an unknown optimizer", lambda: model(optimizer="adamm"), ValueError, ("optimizer", "adamm", "Adam")),
    ("an unknown loss", lambda: model(loss="mes").fit(X, Y, verbose=0), ValueError, ("loss", "mes", "mse")),
    ("an unknown metric", lambda: model(metrics=["acuracy"]).fit(X, Y, verbose=0), ValueError,
     ("metric", "acuracy", "accuracy|Accuracy")),
    ("an unknown dtype", lambda: layers.Dense(2, dtype="float31"), ValueError, ("float31", "float32")),
    ("an unknown backend", lambda: keras.config.set_backend("tensorflow"), ValueError, ("tensorflow", "numpy")),
    ("an unknown layer name", lambda: model().get_layer("first"), ValueError, ("first", "last")),
    ("a layer that is not there", lambda: model().get_layer(index=7), ValueError, ("net", "1", "7")),
    ("no way to find a layer", lambda: model().get_layer(), ValueError, ("name", "index")),
    ("an unknown reduction", lambda: losses.MeanSquaredError(reduction="median"), ValueError,
     ("reduction", "median", "sum")),
    # Building models.
    ("a Sequential of functions", lambda: keras.Sequential([lambda x: x]), ValueError, ("Sequential", "layer|Layer")),
    ("a Sequential of numbers", lambda: keras.Sequential([3]), ValueError, ("Layer", "3", "int")),
    ("layers of one name", add_named_twice, ValueError, ("same", "unique")),
    ("a second input", add_input_late, ValueError, ("net", "[Ii]nput")),
    ("an empty model", lambda: keras.Sequential(name="empty").build((None, 3)), ValueError, ("empty", "no layers")),
    ("popping an empty model", lambda: keras.Sequential(name="empty").pop(), ValueError, ("empty", "no layers")),
    ("inputs that are arrays", lambda: keras.Model(X, Y), ValueError, ("inputs", "KerasTensors")),
    ("outputs of something else", disconnected, ValueError, ("other", "not among")),
    ("a model without call", lambda: Silent(name="silent")(X), TypeError, ("Silent", "call")),
    ("numbers of a symbolic tensor", lambda: np.asarray(keras.Input((2,), name="x")), TypeError, ("x", "symbolic")),
    ("the truth of a symbolic tensor", lambda: bool(keras.Input((2,), name="x") > 0), TypeError,
     ("symbolic", "where|cond")),
    ("the output of an unbuilt model", lambda: unbuilt().output, AttributeError, ("open", "built")),
    ("counting unbuilt weights", lambda: layers.Dense(2, name="dull").count_params(), ValueError, ("dull", "built")),
    ("drawing an unbuilt model", lambda: keras.utils.plot_model(unbuilt()), ValueError, ("open", "built")),
    ("a shape that is none", lambda: unbuilt().build("wide"), ValueError, ("open", "shape", "wide")),
    # Calling models.
    ("the wrong width", lambda: model().predict(np.ones((2, 4)), verbose=0), ValueError,
     ("net|last", r"\(None, 3\)|value 3", r"\(2, 4\)|\(None, 4\)")),
    ("the wrong rank", lambda: model().predict(np.ones((2, 3, 3)), verbose=0), ValueError,
     ("numbers", r"\(None, 3\)", r"\(2, 3, 3\)|\(None, 3, 3\)")),
    ("one input of two", lambda: two_inputs().predict(X, verbose=0),
     ValueError, ("join", "2 input", "left", "right", "1")),
    ("inputs by wrong names", lambda: two_inputs().predict({"left": X, "wrong": X}, verbose=0), ValueError,
     ("join", "right", "wrong")),
    ("inputs of different lengths", lambda: two_inputs().predict([X, X[:4, :2]], verbose=0), ValueError,
     ("same number", "6", "4")),
    # Training.
    ("fit before compile", lambda: model(compiled=False).fit(X, Y), ValueError, ("compile", "net", "fit")),
    ("evaluate before compile", lambda: model(compiled=False).evaluate(X, Y), ValueError, ("compile", "evaluate")),
    ("train_on_batch before compile", lambda: model(compiled=False).train_on_batch(X, Y), ValueError,
     ("compile", "train_on_batch")),
    ("no loss", lambda: model(loss=None).fit(X, Y, verbose=0), ValueError, ("net", "loss", "compile")),
    ("no targets", lambda: model().fit(X, verbose=0), ValueError, ("target", "last|net|mse|mean_squared_error")),
    ("targets of another length", lambda: model().fit(X, Y[:4], verbose=0), ValueError,
     ("same number of samples", "'x' sizes: 6", "'y' sizes: 4")),
    ("weights of another length", lambda: model().fit(X, Y, sample_weight=np.ones(3), verbose=0), ValueError,
     ("sample_weight", "3", "6")),
    ("targets of another shape",
     lambda: two_outputs(loss=["mse", "categorical_crossentropy"]).fit(X, [Y, np.ones((6, 4))], verbose=0), ValueError,
     (r"2\)", r"4\)")),
    ("no samples", lambda: model().fit(X[:0], Y[:0], verbose=0), ValueError, ("empty",)),
    ("no batches", lambda: model().fit(iter([]), verbose=0), ValueError, ("empty", "batch")),
    ("nothing to evaluate", lambda: model().evaluate(iter([]), verbose=0), ValueError, ("empty", "batch")),
    ("nothing to predict", lambda: model().predict(iter([]), verbose=0), ValueError, ("empty", "batch")),
    ("targets beside a generator", lambda: model().fit(iter([(X, Y)]), Y, verbose=0),
     ValueError, ("y", "list_iterator")),
    ("text", lambda: model().fit(np.array(["a", "b"]), Y[:2], verbose=0), ValueError, ("numbers", "U1")),
    ("objects", lambda: model().fit(np.array([{}, {}]), Y[:2], verbose=0), ValueError, ("numbers", "object")),
    ("no data", lambda: model().fit(None, verbose=0), ValueError, ("x",)),
    ("a number", lambda: model().fit(3, verbose=0), ValueError, ("x=3", "int")),
    ("a batch of four parts", lambda: model().fit(iter([(X, Y, Y, Y)]), verbose=0),
     ValueError, ("sample_weight", "4 parts", r"\(6, 3\)")),
    ("a batch size of 0", lambda: model().fit(X, Y, batch_size=-1, verbose=0), ValueError,
     ("batch_size", "positive", "-1")),
    ("a split of everything", lambda: model().fit(X, Y, validation_split=1.0, verbose=0), ValueError,
     ("validation_split", "between 0 and 1", "1.0")),
    ("a split of a generator", lambda: model().fit(iter([(X, Y)]), validation_split=0.5, verbose=0), ValueError,
     ("validation_split", "arrays")),
    ("a split of too little", lambda: model().fit(X[:1], Y[:1], validation_split=0.5, verbose=0), ValueError,
     ("validation_split=0.5", "1 samples")),
    ("class weights of two outputs",
     lambda: two_outputs(loss="mse").fit(X, [Y, np.ones((6, 2))], class_weight={0: 1.0}, verbose=0), ValueError,
     ("class_weight", "single output")),
    ("losses for unknown outputs", lambda: two_outputs(loss={"a": "mse", "c": "mse"}).fit(X, [Y, Y], verbose=0),
     (ValueError, KeyError), ("loss", "a", "b", "c")),
    ("too few targets", lambda: two_outputs(loss="mse").fit(X, [Y], verbose=0),
     ValueError, ("[Tt]arget", r"\[\*, \*\]")),
    ("loss weights that do not fit",
     lambda: two_outputs(loss=["mse", "mse"], loss_weights=[1.0]).fit(X, [Y, Y], verbose=0),
     ValueError, ("loss_weights", "2", "1")),
    ("metrics for unknown outputs", lambda: two_outputs(loss="mse", metrics={"c": "mae"}).fit(X, [Y, Y], verbose=0),
     ValueError, ("metrics", "c", "a", "b")),
    ("metrics that are no list", lambda: model(metrics="mae").fit(X, Y, verbose=0),
     ValueError, ("metrics", "list", "mae")),
    ("steps of no number", lambda: model(steps_per_execution=0), ValueError, ("steps_per_execution", "positive", "0")),
    ("epochs of no number", lambda: model().fit(X, Y, epochs="ten", verbose=0), (ValueError, TypeError),
     ("epochs", "ten")),
    ("class numbers too large",
     lambda: keras.utils.to_categorical([0, 5], num_classes=3), ValueError, ("3", "5")),
    ("a loss that is no number", nan_loss, RuntimeError, ("loss", "nan")),
    # State.
    ("weights of another shape", set_wrong_weights, ValueError, ("net", "kernel", r"\(3, 1\)", r"\(2, 2\)")),
    ("too few weights", set_few_weights, ValueError, ("net", "2", "1")),
    ("a value of another shape", assign_wrong_shape, ValueError, ("table", r"\(2, 3\)", r"\(3, 2\)")),
    ("a variable that an optimizer does not know", unbuilt_optimizer, (ValueError, KeyError), ("stranger",)),
    ("a learning rate of no number", lambda: optimizers.SGD("fast"), ValueError, ("learning_rate", "fast")),
    ("two kinds of clipping", lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0),
     ValueError, ("clipnorm", "clipvalue")),
    ("an unknown argument of an optimizer", lambda: optimizers.Adam(beta=0.9), ValueError, ("Adam", "beta")),
    ("thresholds out of range", lambda: metrics.Precision(thresholds=[1.5]), ValueError, ("thresholds", "1.5")),
    ("a metric of different shapes", lambda: metrics.MeanSquaredError()(np.ones((2, 3)), np.ones((2, 4))), ValueError,
     ("mean_squared_error", r"\(2, 3\)", r"\(2, 4\)")),
    ("a loss of different shapes", lambda: losses.MeanSquaredError()(np.ones((2, 3)), np.ones((2, 4))), ValueError,
     ("mean_squared_error", r"\(2, 3\)", r"\(2, 4\)")),
    ("metrics of another shape", lambda: model(metrics=["mae"]).fit(X, np.ones((6, 4, 3)), verbose=0), ValueError,
     ("mae|mse|mean_squared_error", "4")),
    # Files.
    ("a file that is not there", lambda: keras.models.load_model("nowhere/model.keras"), (ValueError, OSError),
     ("nowhere/model.keras",)),
    ("an unknown ending", lambda: model().save("model.zip"), ValueError, ("model.zip", r"\.keras")),
    ("weights under a model's ending", lambda: model().save_weights("model.keras"), ValueError,
     ("model.keras", r"\.weights\.h5")),
    ("a config of nothing", lambda: layers.deserialize({"class_name": "Dnse", "config": {}}), (ValueError, TypeError),
     ("Dnse",)),
    ("an unknown format", lambda: model().export("model", format="tflite"), ValueError, ("tflite", "onnx")),
]  # fmt: skip


def _built_conv() -> Any:
    conv = layers.Conv2D(2, 3, name="conv")
    conv.build((None, 8, 8, 3))
    return conv


@pytest.mark.parametrize(("act", "error", "parts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_error(act: Callable[[], Any], error: type[BaseException], parts: tuple[str, ...]) -> None:
    with pytest.raises(error) as caught:
        act()
    for part in parts:
        assert caught.match(rf"\b{part}\b" if part.isalnum() else part)


def test_weights_of_another_model(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match=r"last.*\(3, 5\).*\(3, 1\)"):
        load_other_weights(str(tmp_path))


def test_there_are_enough() -> None:
    names = [case[0] for case in CASES]
    assert len(set(names)) == len(names) >= 60
