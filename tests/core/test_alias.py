"""`import keras` and `tensorflow.keras` leading to Cornu, for a while."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import alias
from cornu.cli import main


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """No test leaves the names behind."""
    yield
    alias.uninstall()


@pytest.fixture
def active() -> Iterator[None]:
    with alias.active():
        yield


def run_code(code: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "script"}
    exec(code, namespace)
    return namespace


# -- what leads where -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("active")
@pytest.mark.parametrize(
    ("code", "name", "path"),
    [
        ("import keras; x = keras.layers.Dense", "layers", "Dense"),
        ("from keras.layers import Dense as x", "layers", "Dense"),
        ("from keras import layers; x = layers.Dense", "layers", "Dense"),
        ("import keras.layers as l; x = l.Dense", "layers", "Dense"),
        ("from tensorflow.keras.layers import Dense as x", "layers", "Dense"),
        ("import tensorflow as tf; x = tf.keras.layers.Dense", "layers", "Dense"),
        ("from tensorflow import keras; x = keras.layers.Dense", "layers", "Dense"),
        ("import tensorflow.keras as k; x = k.Model", "models", "Model"),
        ("import tf_keras; x = tf_keras.Sequential", "models", "Sequential"),
        ("from tensorflow.python.keras.layers import Dense as x", "layers", "Dense"),
        ("from keras.optimizers.schedules import ExponentialDecay as x", "optimizers.schedules", "ExponentialDecay"),
        ("from tensorflow.keras.optimizers.legacy import Adam as x", "optimizers", "Adam"),
        ("from keras.datasets import mnist; x = mnist.load_data", "datasets.mnist", "load_data"),
        ("from keras.datasets.mnist import load_data as x", "datasets.mnist", "load_data"),
        ("from keras.preprocessing.sequence import pad_sequences as x", "utils", "pad_sequences"),
        ("from keras.utils.np_utils import to_categorical as x", "utils", "to_categorical"),
        ("from keras.layers.core import Dropout as x", "layers", "Dropout"),
        ("from keras.mixed_precision import set_global_policy as x", "dtype_policies", "set_dtype_policy"),
        ("from tensorflow.keras.mixed_precision import Policy as x", "dtype_policies", "DTypePolicy"),
        ("from keras.backend import floatx as x", "config", "floatx"),
        ("from tensorflow.keras import backend as K; x = K.square", "ops", "square"),
        ("import tensorflow as tf; x = tf.GradientTape", "", "GradientTape"),
        ("import tensorflow as tf; x = tf.random.set_seed", "utils", "set_random_seed"),
    ],
)
def test_names(code: str, name: str, path: str) -> None:
    from importlib import import_module

    home = import_module(f"cornu.{name}" if name else "cornu")
    assert run_code(code)["x"] is getattr(home, path)


@pytest.mark.usefixtures("active")
def test_everything_of_a_module() -> None:
    namespace = run_code("from keras.layers import *\nfrom tensorflow.keras.losses import *")
    assert set(cornu.layers.__all__) | set(cornu.losses.__all__) <= set(namespace)
    assert not {name for name, value in namespace.items() if isinstance(value, ModuleType)}


@pytest.mark.usefixtures("active")
def test_an_alias_shows_keras_s_names_only() -> None:
    import keras

    assert {"layers", "Model", "backend", "datasets", "preprocessing", "__version__"} <= set(dir(keras))
    assert not {"plugins", "ir", "alias", "tracing", "primitives"} & set(dir(keras))
    for name in ("plugins", "ir", "tracing", "lazy"):
        assert not hasattr(keras, name)
    assert "mnist" in dir(keras.datasets)


@pytest.mark.usefixtures("active")
def test_versions_can_be_compared() -> None:
    import keras
    import tensorflow as tf

    for version in (keras.__version__, tf.__version__, keras.version()):
        number, _, local = version.partition("+")
        assert local == f"cornu.{cornu.__version__}"
        assert tuple(map(int, number.split("."))) >= (2, 0, 0)
    assert keras.__version__.startswith("3.")
    assert tf.float32 == "float32"


@pytest.mark.usefixtures("active")
def test_the_old_functions_of_the_backend() -> None:
    from tensorflow.keras import backend as K

    x = K.constant([[1.0, 2.0], [3.0, 4.0]])
    assert K.eval(K.mean(x, axis=0)).tolist() == [2.0, 3.0]
    assert float(K.sum(K.square(x))) == 30.0
    assert K.eval(K.clip(x, 2.0, 3.0)).tolist() == [[2.0, 2.0], [3.0, 3.0]]
    assert K.int_shape(x) == (2, 2)
    assert (K.ndim(x), K.dtype(x), K.count_params(x)) == (2, "float32", 4)
    assert K.eval(K.pow(x, 2)).tolist() == [[1.0, 4.0], [9.0, 16.0]]
    assert K.eval(K.permute_dimensions(x, (1, 0))).tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert K.eval(K.flatten(x)).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert K.int_shape(K.batch_flatten(K.ones((2, 3, 4)))) == (2, 12)
    assert K.constant(1, shape=(2,), dtype="int32").numpy().tolist() == [1, 1]
    v = K.variable([1.0, 2.0])
    K.set_value(v, [3.0, 4.0])
    assert K.get_value(v).tolist() == [3.0, 4.0]
    assert K.eval(K.random_normal((3,), seed=1)).shape == K.eval(K.random_uniform((3,), maxval=2.0)).shape
    assert K.epsilon() == cornu.config.epsilon()
    batches = K.batch_dot(K.ones((2, 3, 4)), K.ones((2, 4, 5)), axes=(2, 1))
    assert K.eval(batches).tolist() == np.full((2, 3, 5), 4.0).tolist()
    assert K.eval(K.batch_dot(x, x, axes=1)).tolist() == [[5.0], [25.0]]
    with pytest.raises(AttributeError, match=r"Cornu has no tensorflow\.keras\.backend\.learning_phase"):
        _ = K.learning_phase
    assert set(dir(K)) <= {name for name in dir(K) if hasattr(K, name)}


@pytest.mark.usefixtures("active")
def test_models_are_cornu_s_and_are_saved_as_keras_s(tmp_path: Path) -> None:
    code = """
from tensorflow import keras
class Twice(keras.layers.Layer):
    def call(self, x):
        return x * 2
model = keras.Sequential([keras.Input((2,)), Twice(), keras.layers.Dense(1)])
"""
    model = run_code(code)["model"]
    assert isinstance(model, cornu.Model)
    assert model.layers[1].get_config()["units"] == 1
    assert cornu.layers.serialize(model.layers[1])["module"] == "keras.layers"


# -- what is not there ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("active")
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("tf.data.Dataset", "tf.data is TensorFlow's own and not Keras's, so Cornu does not have it: use NumPy arrays"),
        ("tf.reduce_mean", "use keras.ops.mean."),
        ("tf.math.reduce_sum", "tf.math.reduce_sum is TensorFlow's own .* use keras.ops.sum."),
        ("tf.math.exp", "use keras.ops.exp."),
        ("tf.nn.softmax", "use keras.ops.softmax."),
        ("tf.matmul", "use keras.ops.matmul."),
        ("tf.nn.no_such_thing", "use keras.ops, or the functions of keras.activations."),
        ("tf.constant", "use keras.ops.convert_to_tensor."),
        ("tf.distribute.MirroredStrategy", "use one process"),
        ("tf.no_such_thing", "tf.no_such_thing is TensorFlow's own and not Keras's, so Cornu does not have it.$"),
        ("keras.layers.Dens", "Cornu has no keras.layers.Dens. Did you mean Dense"),
        ("keras.src.layers", "keras.src is Keras's private code; use the public name"),
        ("keras.nothing_like_it_at_all", "Cornu has no keras.nothing_like_it_at_all.$"),
    ],
)
def test_messages(code: str, message: str) -> None:
    with pytest.raises(AttributeError, match=message):
        run_code(f"import tensorflow as tf, keras\n{code}")
    module, _, name = code.replace("tf.", "tensorflow.", 1).rpartition(".")
    with pytest.raises(ImportError, match=message.split(" .* ")[-1]):
        run_code(f"from {module} import {name}")


@pytest.mark.usefixtures("active")
def test_scripts_may_ask_first() -> None:
    namespace = run_code("""
import tensorflow as tf
has_data = hasattr(tf, "data")
try:
    from keras.layers import NoSuchLayer
except ImportError:
    NoSuchLayer = None
""")
    assert namespace["has_data"] is False
    assert namespace["NoSuchLayer"] is None


# -- coming and going -----------------------------------------------------------------------------------------------


def test_what_was_imported_before_comes_back() -> None:
    real = {name: ModuleType(name) for name in ("keras", "keras.layers", "tensorflow")}
    before = {name: sys.modules.get(name) for name in real}
    sys.modules.update(real)
    try:
        with alias.active():
            import keras

            assert keras is not real["keras"]
            assert keras.layers.Dense is cornu.layers.Dense
            with alias.active():  # inside, it changes nothing
                pass
            assert sys.modules["keras"] is keras
        assert {name: sys.modules[name] for name in real} == real
        assert "keras.models" not in sys.modules
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


def test_an_error_inside_takes_the_names_away() -> None:
    finders = list(sys.meta_path)
    with pytest.raises(ZeroDivisionError), alias.active():
        run_code("import keras\n1 / 0")
    assert sys.meta_path == finders
    assert not any(name.partition(".")[0] in ("keras", "tensorflow") for name in sys.modules)


def test_install_and_uninstall() -> None:
    assert not alias.is_installed()
    alias.install()
    alias.install()
    assert alias.is_installed()
    with alias.active():
        pass
    assert alias.is_installed()  # the block did not install it
    import keras

    assert keras.Model is cornu.Model
    alias.uninstall()
    alias.uninstall()
    assert not alias.is_installed()
    assert "keras" not in sys.modules


def test_cornu_itself_is_not_touched() -> None:
    specification = cornu.__spec__, cornu.__name__, cornu.layers.__name__
    with alias.active():
        run_code("import keras.layers, tensorflow.keras")
    assert (cornu.__spec__, cornu.__name__, cornu.layers.__name__) == specification
    assert importlib.metadata.version("pytest")


# -- the command ----------------------------------------------------------------------------------------------------


def write(path: Path, code: str) -> str:
    path.write_text(code, encoding="utf-8")
    return str(path)


def test_run_is_what_python_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "helper.py").write_text("from tensorflow.keras.layers import Dense\nname = Dense.__module__\n")
    script = write(
        tmp_path / "script.py",
        "import sys, helper, keras\nprint(__name__, sys.argv[1:], helper.name, keras.Model.__name__, __file__)\n",
    )
    before = list(sys.path), list(sys.argv)
    assert main(["run", script, "--epochs", "3", "--help"]) == 0
    assert capsys.readouterr().out == f"__main__ ['--epochs', '3', '--help'] cornu.layers.core.dense Model {script}\n"
    assert (sys.path, sys.argv) == before
    assert not alias.is_installed()
    sys.modules.pop("helper")


def test_run_shows_the_script_s_own_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = write(tmp_path / "script.py", "def f():\n    raise RuntimeError('oh')\nf()\n")
    assert main(["run", script]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f'Traceback (most recent call last):\n  File "{script}", line 3, in <module>')
    assert shown.rstrip().endswith("RuntimeError: oh")
    assert main(["run", write(tmp_path / "wrong.py", "def f(:\n")]) == 1
    assert "SyntaxError" in capsys.readouterr().err


def test_run_gives_the_script_s_status(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", write(tmp_path / "script.py", "raise SystemExit(7)\n")])
    assert caught.value.code == 7
    assert not alias.is_installed()


def test_run_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "nothing.py")]) == 2
    assert "cornu: There is no script" in capsys.readouterr().err
    assert main(["run", "--backend", "tpu", write(tmp_path / "script.py", "")]) == 2
    assert "cornu: Unknown backend 'tpu'" in capsys.readouterr().err


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_run_chooses_the_backend(tmp_path: Path, backend: str) -> None:
    script = write(tmp_path / "script.py", "from keras import backend as K\nprint(K.backend())\n")
    command = [sys.executable, "-m", "cornu.cli", "run", "--backend", backend, script]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == f"{backend}\n"
