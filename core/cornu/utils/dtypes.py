"""Dtype arguments as Keras takes them: a name, an abbreviation, a NumPy dtype or a dtype policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.backend.config import floatx
from cornu.ir.types import dtype_name

_SHORT = {"float": None, "int": "int32", "bool": "bool"}
_POLICIES = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


def resolve_dtype(dtype: Any) -> str:
    """The plain name of a dtype; None and "float" are the configured float type, a policy is its compute type.

    Raises:
        TypeError: If there is no such dtype.
    """
    dtype = getattr(dtype, "compute_dtype", dtype)
    if dtype is None or dtype is float:
        return floatx()
    if isinstance(dtype, dict):
        return resolve_dtype(dtype["config"]["name"])
    if isinstance(dtype, str):
        dtype = _POLICIES.get(dtype, dtype)
        if dtype in _SHORT:
            return _SHORT[dtype] or floatx()
        return dtype_name(dtype)
    if dtype is int:
        return "int32"
    return dtype_name(np.dtype(dtype))
