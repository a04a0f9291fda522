"""What the environment and the configuration files ask for. Reading only: nothing here writes a file."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cornu.backend.manager import backend_names

FLOAT_TYPES = ("float32", "float64", "float16", "bfloat16")
IMAGE_DATA_FORMATS = ("channels_last", "channels_first")
SWITCH = ("on", "off")

_KEYS = ("backend", "floatx", "epsilon", "image_data_format", "passes", "cache", "options")


@dataclass(frozen=True)
class Settings:
    """The configuration of this process before any call changes it.

    Args:
        backend: The backend asked for; empty if none is, and then the one of highest priority is meant.
        origin: What asked for it, for errors.
        floatx: The default float type.
        epsilon: The fuzz factor.
        image_data_format: The default order of an image's axes.
        passes: Whether programs are optimised: `"off"` leaves what is needed to be right, for finding defects.
        cache: Whether backends may keep compiled forms of programs on disk.
        options: Default options by backend name.
    """

    backend: str = ""
    origin: str = ""
    floatx: str = "float32"
    epsilon: float = 1e-7
    image_data_format: str = "channels_last"
    passes: str = "on"
    cache: str = "on"
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_settings() -> Settings:
    """Reads the environment, the nearest pyproject.toml upward and `$CORNU_HOME/cornu.json`, in falling precedence.

    Raises:
        ValueError: A file cannot be parsed or holds a value that is not allowed; the message names the file.

    Example:
        pyproject.toml:

            [tool.cornu]
            backend = "onnxruntime"
            [tool.cornu.options.onnxruntime]
            threads = 2
    """
    settings: dict[str, Any] = {"options": {}}
    for origin, values in (_home_file(), _project_file()):  # the later one wins
        _merge(settings, values, origin)
    if chosen := os.environ.get("CORNU_BACKEND"):
        settings.update(backend=chosen, origin="the environment variable CORNU_BACKEND")
    elif (chosen := os.environ.get("KERAS_BACKEND")) and chosen in backend_names():
        # It may be set for real Keras and name one of Keras's own backends, so an unknown name is no error.
        settings.update(backend=chosen, origin="the environment variable KERAS_BACKEND")
    for key, variable in (("passes", "CORNU_PASSES"), ("cache", "CORNU_CACHE")):
        if value := os.environ.get(variable):
            _merge(settings, {key: value}, f"the environment variable {variable}")
    return Settings(**settings)


def home() -> Path | None:
    """The folder of files that belong to the user: `$CORNU_HOME` or `~/.cornu`; None for a user without a home."""
    try:
        return Path(os.environ.get("CORNU_HOME") or Path.home() / ".cornu")
    except RuntimeError:
        return None


def check_floatx(value: object) -> str:
    """Returns a float type's name unchanged.

    Args:
        value: The name.

    Raises:
        ValueError: It is none of the float types.
    """
    return _one_of("floatx", value, FLOAT_TYPES)


def check_epsilon(value: object) -> float:
    """Returns a fuzz factor as a float.

    Args:
        value: A positive number.

    Raises:
        ValueError: It is not a positive number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"epsilon must be a positive number, not {value!r}.")
    return float(value)


def check_image_data_format(value: object) -> str:
    """Returns an image data format unchanged.

    Args:
        value: The format.

    Raises:
        ValueError: It is neither `"channels_last"` nor `"channels_first"`.
    """
    return _one_of("image_data_format", value, IMAGE_DATA_FORMATS)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def _check_backend(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"backend must be a backend's name, not {value!r}.")
    return value


_CHECKS: dict[str, Callable[[object], object]] = {
    "backend": _check_backend,
    "floatx": check_floatx,
    "epsilon": check_epsilon,
    "image_data_format": check_image_data_format,
    "passes": partial(_one_of, "passes", allowed=SWITCH),
    "cache": partial(_one_of, "cache", allowed=SWITCH),
}


def _merge(settings: dict[str, Any], values: Mapping[str, Any], origin: str) -> None:
    for key, check in _CHECKS.items():
        if key in values:
            try:
                settings[key] = check(values[key])
            except ValueError as error:
                raise ValueError(f"{origin}: {error}") from None
    if "backend" in values:
        settings["origin"] = origin
    tables = values.get("options", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ValueError(f"{origin}: options must be one table per backend, such as options.numpy, not {tables!r}.")
    for name, table in tables.items():
        settings["options"][name] = {**settings["options"].get(name, {}), **table}


def _project_file() -> tuple[str, Mapping[str, Any]]:
    here = Path.cwd()
    path = next((p for p in (d / "pyproject.toml" for d in (here, *here.parents)) if p.is_file()), None)
    if path is None:
        return "", {}
    origin = f"[tool.cornu] in {path}"
    try:
        tools = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"Cannot read {origin}: {error}") from error
    values = tools.get("cornu", {})
    if unknown := sorted(set(values) - set(_KEYS)):
        raise ValueError(f"{origin} has unknown keys: {', '.join(unknown)}. Known are: {', '.join(_KEYS)}.")
    return origin, values


def _home_file() -> tuple[str, Mapping[str, Any]]:
    folder = home()
    if folder is None or not (path := folder / "cornu.json").is_file():
        return "", {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"Cannot read {path}: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold an object, not {values!r}.")
    # Unknown keys are let be: the file may be a copy of keras.json, which has some that mean nothing here.
    return str(path), values
