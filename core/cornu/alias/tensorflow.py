"""The little of `tensorflow` that means the same in Keras, and what to use for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_DTYPES = (
    "bfloat16", "bool", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "uint16", "uint32",
    "uint64", "uint8",
)  # fmt: skip

# Some hold nothing: they exist so that the advice can be about the name that is wanted of them.
_MODULES = frozenset({f"tensorflow{below}" for below in ("", ".linalg", ".math", ".nn", ".python", ".random")})

# The longest prefix counts.
_KERAS = ("tensorflow.python.keras", "tensorflow.keras", "tf_keras", "keras")

# TensorFlow's name → what does its work here.
_INSTEAD = {
    "data": "NumPy arrays, a generator or a keras.utils.PyDataset, which fit, evaluate and predict take",
    "io": "Python's own files, keras.utils.get_file and keras.utils.load_img",
    "image": "keras.ops and the image layers of keras.layers",
    "nn": "keras.ops, or the functions of keras.activations",
    "math": "keras.ops",
    "linalg": "keras.ops",
    "random": "keras.random",
    "constant": "keras.ops.convert_to_tensor",
    "Variable": "keras.Variable",
    "Tensor": "keras.KerasTensor for symbolic tensors, keras.ops.is_tensor to ask",
    "concat": "keras.ops.concatenate",
    "reduce_sum": "keras.ops.sum",
    "reduce_mean": "keras.ops.mean",
    "reduce_max": "keras.ops.max",
    "reduce_min": "keras.ops.min",
    "reduce_prod": "keras.ops.prod",
    "reduce_all": "keras.ops.all",
    "reduce_any": "keras.ops.any",
    "reduce_logsumexp": "keras.ops.logsumexp",
    "gather": "keras.ops.take",
    "pow": "keras.ops.power",
    "range": "keras.ops.arange",
    "clip_by_value": "keras.ops.clip",
    "clip_by_global_norm": "the argument global_clipnorm of the optimizer",
    "distribute": "one process; data-parallel training is not here yet",
    "saved_model": "model.save('model.keras'), or model.export('model.onnx') to serve it",
    "lite": "model.export('model.onnx') and an ONNX runtime for the device",
    "summary": "keras.callbacks.TensorBoard",
    "train": "keras.callbacks.ModelCheckpoint and model.save_weights",
    "config": "keras.config, and cornu.config.set_backend for the device",
    "compat": "keras; TensorFlow 1 has no counterpart",
    "print": "print",
    "debugging": "assert, or raise an error of your own",
    "errors": "Python's own exceptions",
    "py_function": "a layer or loss in keras.ops",
    "numpy_function": "a layer or loss in keras.ops",
    "test": "pytest or unittest",
    "Module": "keras.layers.Layer",
    "while_loop": "keras.ops.while_loop",
    "autodiff": "tf.GradientTape",
}


def keras_path(fullname: str) -> str | None:
    """Keras's name, without `keras.`, of a module that was imported under another; None for what is TensorFlow's own.

    Args:
        fullname: The module's name.

    Example:
        >>> keras_path("tensorflow.keras.layers"), keras_path("keras"), keras_path("tensorflow.data")
        ('layers', '', None)
    """
    for prefix in _KERAS:
        if fullname == prefix or fullname.startswith(prefix + "."):
            return fullname[len(prefix) + 1 :]
    return None


def is_module(fullname: str) -> bool:
    """Whether there is such a module, Keras's below TensorFlow included.

    Args:
        fullname: The module's name.
    """
    return fullname in _MODULES or fullname in _KERAS


def lookup(fullname: str) -> Any:
    """What a name of TensorFlow means here.

    Args:
        fullname: The name with its module, such as `tensorflow.random.set_seed`.

    Raises:
        LookupError: It means nothing here.
    """
    name = fullname.partition(".")[2]
    if name in _DTYPES:
        return name
    return _MEANINGS[name]()


def _version() -> str:
    from cornu import __version__

    return f"2.21.0+cornu.{__version__}"


def _tape() -> Any:
    from cornu import GradientTape

    return GradientTape


def _function() -> Any:
    from cornu import function

    return function


def _set_seed() -> Any:
    from cornu.utils import set_random_seed

    return set_random_seed


_MEANINGS: dict[str, Callable[[], Any]] = {
    "__version__": _version,
    "GradientTape": _tape,
    "function": _function,
    "random.set_seed": _set_seed,
}


def listing(module: str) -> list[str]:
    """The names that a module of TensorFlow has here.

    Args:
        module: The module's name.
    """
    prefix = module.partition(".")[2]
    known = [*_MEANINGS, *_DTYPES, "keras", "random"]
    inside = [name[len(prefix) + 1 :] if prefix else name for name in known if name.startswith(prefix)]
    return sorted(name for name in inside if name and "." not in name)


def advice(fullname: str) -> str:
    """What to say about a name of TensorFlow that is not Keras's.

    Args:
        fullname: The name with its module, such as `tensorflow.data`.

    Example:
        >>> advice("tensorflow.reduce_mean")
        'tf.reduce_mean is TensorFlow's own and not Keras's, so Cornu does not have it: use keras.ops.mean.'
    """
    name = fullname.partition(".")[2]
    instead = _instead(name)
    hint = f": use {instead}." if instead else "."
    return f"tf.{name} is TensorFlow's own and not Keras's, so Cornu does not have it{hint}"


def _instead(name: str) -> str:
    from cornu import ops

    parts = name.split(".")
    if name in _INSTEAD:
        return _INSTEAD[name]
    if parts[0] in ("math", "nn", "linalg") and parts[-1] in _INSTEAD:
        return _INSTEAD[parts[-1]]
    if hasattr(ops, parts[-1]) and (len(parts) == 1 or parts[0] in ("math", "nn", "linalg")):
        return f"keras.ops.{parts[-1]}"
    return _INSTEAD.get(parts[0], "")
