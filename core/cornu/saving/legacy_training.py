"""How a model was compiled, as legacy `.h5` files say it, translated from and to today's compile config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.saving.names import find_class, find_function
from cornu.saving.registry import get_registered_object

Config = dict[str, Any]
Custom = Mapping[str, Any]

_SETTINGS = ("loss_weights", "run_eagerly", "steps_per_execution", "jit_compile")
# Arguments of Keras 2 optimizers without a meaning here; `decay` becomes a schedule.
_OPTIMIZER_GONE = ("is_legacy_optimizer", "jit_compile", "decay", "lr")

_WRAPPERS = ("MeanMetricWrapper", "LossFunctionWrapper")


# -- reading -----------------------------------------------------------------------------------------------------


def upgrade_training(config: Config, custom_objects: Custom | None = None) -> Config:
    """A compile config in today's form.

    Args:
        config: The `training_config` of a `.h5` file.
        custom_objects: Classes and functions of yours that it names.

    Raises:
        ValueError: If it has no optimizer.
    """
    custom = custom_objects or {}
    if not isinstance(config, dict) or "optimizer_config" not in config:
        raise ValueError("The file's training config does not name an optimizer.")
    return {
        "optimizer": upgrade_optimizer(config["optimizer_config"], custom),
        "loss": _nested("keras.losses", config.get("loss"), custom),
        "metrics": _nested("keras.metrics", config.get("metrics"), custom),
        "weighted_metrics": _nested("keras.metrics", config.get("weighted_metrics"), custom),
        **{key: config[key] for key in _SETTINGS if key in config},
    }


def upgrade_optimizer(config: Config, custom_objects: Custom | None = None) -> Config:
    """An optimizer's config in today's form.

    Args:
        config: Class name and config, with Keras 2's arguments perhaps.
        custom_objects: Classes of yours that it may name.
    """
    inner = dict(config["config"])
    rate = inner.get("learning_rate", inner.get("lr"))
    decay = inner.get("decay") or 0.0
    for key in _OPTIMIZER_GONE:
        inner.pop(key, None)
    if isinstance(rate, dict) and "module" not in rate:
        rate = {**rate, "module": "keras.optimizers.schedules", "registered_name": None}
    if decay and isinstance(rate, (int, float)):
        rate = _decayed(rate, decay)
    if rate is not None:
        inner["learning_rate"] = rate
    return _identified("keras.optimizers", {**config, "config": inner}, custom_objects or {})


def _decayed(rate: float, decay: float) -> Config:
    """Keras 2's `decay`: rate / (1 + decay · step)."""
    config = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay, "staircase": False}
    return {
        "module": "keras.optimizers.schedules",
        "class_name": "InverseTimeDecay",
        "config": config,
        "registered_name": None,
    }


def _nested(home: str, config: Any, custom: Custom) -> Any:
    if isinstance(config, dict) and "class_name" in config:
        return _loss_or_metric(home, config, custom)
    if isinstance(config, dict):
        return {key: _nested(home, value, custom) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_nested(home, item, custom) for item in config]
    if isinstance(config, str) and get_registered_object(config, custom) is not None:
        # These files hold functions by name, those of users too.
        return {"module": None, "class_name": "function", "config": config, "registered_name": config}
    return config


def _loss_or_metric(home: str, config: Config, custom: Custom) -> Any:
    name = config["class_name"]
    if get_registered_object(name, custom) is None and (name in _WRAPPERS or find_class(home, name) is None):
        # Keras 2 wrapped functions: the wrapper's config names what it wraps.
        wrapped = config.get("config") or {}
        if isinstance(wrapped.get("fn"), str) or name not in _WRAPPERS:
            return wrapped.get("fn") or wrapped.get("name") or name
        return _identified(home, config, custom)
    inner = {key: value for key, value in (config.get("config") or {}).items() if key != "fn"}
    if inner.get("reduction") == "auto":
        inner["reduction"] = "sum_over_batch_size"
    return _identified(home, {**config, "config": inner}, custom)


def _identified(home: str, config: Config, custom: Custom) -> Config:
    if "module" in config:
        return config
    name = config["class_name"]
    known = get_registered_object(name, custom) is not None
    return {**config, "module": None if known else home, "registered_name": name if known else None}


# -- writing -----------------------------------------------------------------------------------------------------


def downgrade_training(config: Config) -> Config:
    """A compile config in the form of `.h5` files.

    Args:
        config: The `compile_config` that `serialize_keras_object` wrote.
    """
    kept = {key: _plain(value) for key, value in config.items() if key != "optimizer"}
    if "loss" in kept:
        kept["loss"] = _spelt_out(kept["loss"])
    return {**kept, "optimizer_config": _plain(config["optimizer"])}


def _spelt_out(loss: Any) -> Any:
    """Losses by their full names: Keras 3 does not find `mse` again in its own files."""
    if isinstance(loss, str):
        found = find_function("keras.losses", loss)
        return loss if found is None else found.__name__
    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _spelt_out(value) for key, value in loss.items()}
    return [_spelt_out(item) for item in loss] if isinstance(loss, list) else loss


def _plain(config: Any) -> Any:
    """Objects as class name and config, functions as their names."""
    if isinstance(config, dict) and config.get("class_name") == "function":
        return config["config"]
    if isinstance(config, dict) and "class_name" in config:
        registered = config.get("registered_name")
        return {"class_name": registered or config["class_name"], "config": config["config"]}
    if isinstance(config, dict):
        return {key: _plain(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_plain(item) for item in config]
    return config
