"""The backend in use and the defaults that layers read: float type, fuzz factor, image data format.

The backend is settled when it is first needed: by `set_backend`, else by the environment, the configuration files or
the installed priorities (`cornu.backend.settings`). `use_backend` overrides it for a block, in its own context only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cornu.backend import manager
from cornu.backend.contract import Backend
from cornu.backend.settings import (
    Settings,
    check_epsilon,
    check_floatx,
    check_image_data_format,
    home,
    read_settings,
)


@dataclass(frozen=True)
class _Selection:
    name: str
    backend: Backend
    device: str


class _Process:
    """What is settled for the whole process; `None` where nothing has been asked for yet."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.settings: Settings | None = None
        self.selection: _Selection | None = None
        self.floatx: str | None = None
        self.epsilon: float | None = None
        self.image_data_format: str | None = None
        self.interactive = True


_process = _Process()
_override: ContextVar[_Selection | None] = ContextVar("cornu_backend", default=None)


def current_backend() -> Backend:
    """Returns the live backend that programs run on in this context.

    Raises:
        ValueError: The configuration names a backend that is not installed.
        BackendLoadError: The configured backend, or with none configured every backend, cannot be loaded.
    """
    return _current().backend


def current_device() -> str:
    """Returns the device in use, in the backend's own spelling; `""` is the backend's default."""
    return _current().device


def backend() -> str:
    """Returns the name of the backend in use.

    Example:
        >>> cornu.config.backend()
        'onnxruntime'
    """
    return _current().name


def set_backend(name: str, *, device: str = "", **options: Any) -> None:
    """Selects the backend of the whole process; it may be called at any time.

    Inside a `use_backend` block the block's backend stays in use until the block ends.

    Args:
        name: An installed backend, as `cornu backends` lists them.
        device: The device to run on, in the backend's own spelling; empty for its default.
        options: Options of the backend; they override those of `[tool.cornu.options.<name>]` one by one.

    Raises:
        ValueError: No backend of that name is installed; the message lists those that are.
        BackendLoadError: It is installed but cannot be loaded; the message holds the real reason.

    Example:
        >>> cornu.config.set_backend("onnxruntime", providers=["CPUExecutionProvider"])
    """
    _process.selection = _select(name, device, options)


def use_backend(name: str, *, device: str = "", **options: Any) -> AbstractContextManager[Backend]:
    """Selects a backend for a `with` block, in this thread or task only; blocks may be nested.

    Args:
        name: An installed backend.
        device: The device to run on, in the backend's own spelling; empty for its default.
        options: Options of the backend; they override those of `[tool.cornu.options.<name>]` one by one.

    Raises:
        ValueError: No backend of that name is installed; the message lists those that are.
        BackendLoadError: It is installed but cannot be loaded; the message holds the real reason.

    Example:
        >>> with cornu.use_backend("numpy"):
        ...     expected = model.predict(x)
    """
    return _using(_select(name, device, options))  # selected here, so that a wrong name fails at the call


@contextmanager
def _using(selection: _Selection) -> Iterator[Backend]:
    token = _override.set(selection)
    try:
        yield selection.backend
    finally:
        _override.reset(token)


def _current() -> _Selection:
    selection = _override.get() or _process.selection
    if selection is None:
        with _process.lock:
            if _process.selection is None:
                _process.selection = _configured()
            selection = _process.selection
    return selection


def _select(name: str, device: str, options: dict[str, Any]) -> _Selection:
    merged = {**_settings().options.get(name, {}), **options}
    configured = str(merged.pop("device", ""))  # the core's own option: the backend sees a device with each call
    return _Selection(name, manager.get_backend(name, **merged), device or configured)


def _configured() -> _Selection:
    settings = _settings()
    if settings.backend:
        try:
            return _select(settings.backend, "", {})
        except Exception as error:
            error.add_note(f"the backend {settings.backend!r} was asked for by {settings.origin}")
            raise
    devices = {name: str(options.get("device", "")) for name, options in settings.options.items()}
    rest = {n: {k: v for k, v in options.items() if k != "device"} for n, options in settings.options.items()}
    name, started = manager.start_default(rest)
    return _Selection(name, started, devices.get(name, ""))


def _settings() -> Settings:
    with _process.lock:
        if _process.settings is None:
            _process.settings = read_settings()
        return _process.settings


def reset() -> None:
    """Forgets what was set and read, so that the next use reads the configuration anew; meant for tests."""
    global _process
    _process = _Process()


def floatx() -> str:
    """Returns the default float type, `"float32"` unless it was configured."""
    return _process.floatx or _settings().floatx


def set_floatx(value: str) -> None:
    """Sets the default float type.

    Args:
        value: `"float32"`, `"float64"`, `"float16"` or `"bfloat16"`.

    Raises:
        ValueError: It is none of these.
    """
    _process.floatx = check_floatx(value)


def epsilon() -> float:
    """Returns the fuzz factor that keeps divisions and logarithms finite, 1e-7 unless it was configured."""
    return _process.epsilon or _settings().epsilon


def set_epsilon(value: float) -> None:
    """Sets the fuzz factor.

    Args:
        value: A positive number.

    Raises:
        ValueError: It is not a positive number.
    """
    _process.epsilon = check_epsilon(value)


def image_data_format() -> str:
    """Returns the default order of an image's axes, `"channels_last"` unless it was configured."""
    return _process.image_data_format or _settings().image_data_format


def set_image_data_format(data_format: str) -> None:
    """Sets the default order of an image's axes.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: It is neither.
    """
    _process.image_data_format = check_image_data_format(data_format)


def passes_are_on() -> bool:
    """Tells whether programs are optimised, which the setting `passes` decides."""
    return _settings().passes == "on"


def cache_directory() -> Path | None:
    """Returns the folder for compiled programs, which may not exist yet; None where the setting `cache` is off."""
    folder = home()
    return None if folder is None or _settings().cache == "off" else folder / "cache"


def enable_interactive_logging() -> None:
    """Makes `fit`, `evaluate` and `predict` show their progress as a line that is rewritten."""
    _process.interactive = True


def disable_interactive_logging() -> None:
    """Makes progress go to `logging` instead of the terminal, as a log file wants it."""
    _process.interactive = False


def is_interactive_logging_enabled() -> bool:
    """Tells whether progress is shown as a line that is rewritten."""
    return _process.interactive
