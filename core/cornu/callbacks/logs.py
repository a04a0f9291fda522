"""Metrics as callbacks see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.tracing.tensor import is_tensor


def pythonify_logs(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Metrics as Python floats, in the order of their names; nested dicts are spread out.

    Example:
        >>> pythonify_logs({"loss": np.float32(0.5), "inner": {"accuracy": 1}})
        {'accuracy': 1.0, 'loss': 0.5}
    """
    plain: dict[str, Any] = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, dict):
            plain.update(pythonify_logs(value))
        else:
            plain[name] = _float(value)
    return plain


def _float(value: Any) -> Any:
    array = np.asarray(value) if is_tensor(value) or isinstance(value, (np.ndarray, np.generic)) else value
    if isinstance(array, np.ndarray):
        return float(array) if array.ndim == 0 else array
    return float(array) if isinstance(array, (bool, int, float)) else array
