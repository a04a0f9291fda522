"""The configs of legacy `.h5` files, translated from and to the form of `.keras` files.

Layers there are `{"class_name", "config"}` without a module; Keras 2 also spelt some arguments otherwise. Everything
else in Cornu knows one form only, today's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.saving.legacy_calls import upgrade_calls
from cornu.saving.names import FUNCTIONAL_MODULE, OPERATION_MODULE, find_anywhere, find_class
from cornu.saving.registry import get_registered_object

Config = dict[str, Any]
Custom = Mapping[str, Any]

_GRAPHS = {"Sequential": "keras", "Functional": FUNCTIONAL_MODULE, "Model": FUNCTIONAL_MODULE}
_HOMES = {
    "_initializer": "keras.initializers",
    "_regularizer": "keras.regularizers",
    "_constraint": "keras.constraints",
}

# Arguments of Keras 2 that have no meaning any more, with the values at which they changed nothing.
_GONE: dict[str, dict[str, tuple[Any, ...]]] = {
    "Embedding": {"input_length": ()},
    "LSTM": {"time_major": (False,), "implementation": ()},
    "GRU": {"time_major": (False,), "implementation": ()},
    "SimpleRNN": {"time_major": (False,), "implementation": ()},
    "DepthwiseConv1D": {"groups": (1,)},
    "DepthwiseConv2D": {"groups": (1,)},
    "SeparableConv1D": {
        "groups": (1,), "kernel_initializer": (), "kernel_regularizer": (None,), "kernel_constraint": (None,)
    },
    "SeparableConv2D": {
        "groups": (1,), "kernel_initializer": (), "kernel_regularizer": (None,), "kernel_constraint": (None,)
    },
    "Conv1DTranspose": {"groups": (1,)},
    "Conv2DTranspose": {"groups": (1,)},
    "Conv3DTranspose": {"groups": (1,)},
}  # fmt: skip
_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}


# -- reading -----------------------------------------------------------------------------------------------------


def upgrade_model(config: Any, custom_objects: Custom | None = None) -> Config:
    """A model's config in today's form.

    Args:
        config: The config of a `.h5` file, or of a `.keras` file of Keras 2.
        custom_objects: Classes of yours that it names.

    Raises:
        ValueError: If it does not describe a model, or names an unknown layer.
    """
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise ValueError(f"The file's model config does not describe a model: {str(config)[:200]}")
    return _layer(config, custom_objects or {})


def _layer(config: Config, custom: Custom) -> Config:
    name = config["class_name"]
    inner = config["config"]
    if isinstance(inner, list):  # a Sequential model before Keras 2.2.3
        inner = {"name": name.lower(), "layers": inner}
    upgraded = {**config, **(_identity(name, inner, custom) if "module" not in config else {})}
    is_graph = "layers" in inner and (name in _GRAPHS or "input_layers" in inner)
    upgraded["config"] = _graph(inner, custom) if is_graph else _arguments(name, inner, custom)
    return upgraded


def _identity(name: str, inner: Config, custom: Custom) -> Config:
    """Module, class name and registered name for a class name alone."""
    if get_registered_object(name, custom) is not None:
        return {"module": None, "class_name": name, "registered_name": name}
    if name in _GRAPHS:
        name = "Functional" if name == "Model" else name
        return {"module": _GRAPHS[name], "class_name": name, "registered_name": None}
    is_layer = name == "InputLayer" or "trainable" in inner
    if is_layer and find_class("keras.layers", name) is not None:
        return {"module": "keras.layers", "class_name": name, "registered_name": None}
    # Keras 3 writes operations (`x * 2.0`) here with a class name that a layer may have too.
    if find_class(OPERATION_MODULE + "numpy", name) is not None:
        return {"module": OPERATION_MODULE + "numpy", "class_name": name, "registered_name": name}
    found = ("keras.layers", None) if find_class("keras.layers", name) else find_anywhere(name)
    if not found:
        raise ValueError(
            f"Unknown layer {name!r}. If it is yours, decorate it with `@register_keras_serializable()` or pass it in "
            "`custom_objects`."
        )
    return {"module": found[0], "class_name": name, "registered_name": None}


def _graph(inner: Config, custom: Custom) -> Config:
    layers = [_layer(layer, custom) for layer in inner["layers"]]
    for layer, old in zip(layers, inner["layers"], strict=True):
        # Before Keras 2.2 a Sequential inside a Functional model had its name only outside its config.
        if "name" in old and isinstance(old["config"], list):
            layer["config"]["name"] = old["name"]
    upgraded = {**_common(inner, custom), "layers": layers}
    upgraded.setdefault("name", None)
    return upgrade_calls(upgraded)


def _arguments(name: str, inner: Config, custom: Custom) -> Config:
    upgraded = _common(inner, custom)
    if name == "InputLayer" and "batch_input_shape" in upgraded:
        upgraded["batch_shape"] = upgraded.pop("batch_input_shape")
    for old, new in _RENAMED.get(name, {}).items():
        if old in upgraded:
            upgraded[new] = upgraded.pop(old)
    for key, harmless in _GONE.get(name, {}).items():
        if key in upgraded and (not harmless or upgraded[key] in harmless):
            del upgraded[key]
    axis = upgraded.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        upgraded["axis"] = int(axis[0])
    return upgraded


def _common(inner: Config, custom: Custom) -> Config:
    """Arguments with the objects among them given their modules."""
    return {key: _argument(key, value, custom) for key, value in inner.items() if key != "layers"}


def _argument(key: str, value: Any, custom: Custom) -> Any:
    if not isinstance(value, dict) or "class_name" not in value or "config" not in value:
        return value
    if key == "dtype" and value["class_name"] in ("Policy", "PolicyV1"):
        return {"module": "keras", "class_name": "DTypePolicy", "config": value["config"], "registered_name": None}
    if key in ("layer", "cell", "backward_layer", "forward_layer"):
        return _layer(value, custom)
    home = next((home for ending, home in _HOMES.items() if key.endswith(ending)), None)
    if home is None:
        return value
    upgraded = {**value}
    if "module" not in value:
        known = get_registered_object(value["class_name"], custom) is not None
        upgraded["module"] = None if known else home
        upgraded["registered_name"] = value["class_name"] if known else None
    if home == "keras.initializers" and isinstance(value["config"], dict):
        # Keras 2 initializers were also told a dtype, which is the variable's business.
        upgraded["config"] = {name: item for name, item in value["config"].items() if name != "dtype"}
    return upgraded


# -- writing -----------------------------------------------------------------------------------------------------


def downgrade_model(config: Config) -> Config:
    """A model's config in the form of `.h5` files: layers by class name alone.

    Operations keep their module, unlike in the files of Keras 3: with it they load there, without it they do not.

    Args:
        config: What `serialize_keras_object` returned for the model.
    """
    module = config.get("module") or ""
    if module.startswith(OPERATION_MODULE):
        return config
    inner = config["config"]
    if "layers" in inner and (config["class_name"] in _GRAPHS or "input_layers" in inner):
        inner = {**inner, "layers": [downgrade_model(layer) for layer in inner["layers"]]}
    kept: Config = {key: config[key] for key in ("name", "inbound_nodes") if key in config}
    return {"class_name": config.get("registered_name") or config["class_name"], "config": inner, **kept}
