"""Where programs are run: the contract, the installed backends, and which of them is in use.

Keras's few names of `keras.backend` are here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cornu.lazy import lazy_names

if TYPE_CHECKING:
    from cornu.backend.config import (
        backend,
        epsilon,
        floatx,
        image_data_format,
        set_epsilon,
        set_floatx,
        set_image_data_format,
    )
    from cornu.backend.dtypes import is_float_dtype, is_int_dtype
    from cornu.ops.dtypes import result_type
    from cornu.utils.naming import get_uid
    from cornu.utils.session import clear_session, is_keras_tensor, standardize_dtype

_CONFIG = "cornu.backend.config"
_NAMES = {
    "backend": _CONFIG,
    "clear_session": "cornu.utils.session",
    "epsilon": _CONFIG,
    "floatx": _CONFIG,
    "get_uid": "cornu.utils.naming",
    "image_data_format": _CONFIG,
    "is_float_dtype": "cornu.backend.dtypes",
    "is_int_dtype": "cornu.backend.dtypes",
    "is_keras_tensor": "cornu.utils.session",
    "result_type": "cornu.ops.dtypes",
    "set_epsilon": _CONFIG,
    "set_floatx": _CONFIG,
    "set_image_data_format": _CONFIG,
    "standardize_dtype": "cornu.utils.session",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)

__all__ = [
    "backend", "clear_session", "epsilon", "floatx", "get_uid", "image_data_format", "is_float_dtype", "is_int_dtype",
    "is_keras_tensor", "result_type", "set_epsilon", "set_floatx", "set_image_data_format", "standardize_dtype",
]  # fmt: skip
