"""The configuration of Cornu: the backend in use and the defaults of layers."""

from cornu.backend.config import (
    backend,
    disable_interactive_logging,
    enable_interactive_logging,
    epsilon,
    floatx,
    image_data_format,
    is_interactive_logging_enabled,
    set_backend,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    use_backend,
)
from cornu.dtype_policies import dtype_policy, set_dtype_policy
from cornu.saving.scopes import enable_unsafe_deserialization
from cornu.training.limits import max_epochs, max_steps_per_epoch, set_max_epochs, set_max_steps_per_epoch

__all__ = [
    "backend",
    "disable_interactive_logging",
    "dtype_policy",
    "enable_interactive_logging",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_interactive_logging_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "use_backend",
]
