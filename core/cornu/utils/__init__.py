"""Helpers around models: seeds, labels, sequences, data sets, names, progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cornu.lazy import lazy_names

if TYPE_CHECKING:
    from cornu.random.global_seed import set_random_seed
    from cornu.utils.arrays import normalize, pad_sequences, to_categorical
    from cornu.utils.datasets import PyDataset, Sequence, split_dataset
    from cornu.utils.io_utils import (
        disable_interactive_logging,
        enable_interactive_logging,
        is_interactive_logging_enabled,
    )
    from cornu.utils.naming import get_uid
    from cornu.utils.progbar import Progbar

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Progbar": "cornu.utils.progbar",
        "PyDataset": "cornu.utils.datasets",
        "Sequence": "cornu.utils.datasets",
        "disable_interactive_logging": "cornu.utils.io_utils",
        "enable_interactive_logging": "cornu.utils.io_utils",
        "get_uid": "cornu.utils.naming",
        "is_interactive_logging_enabled": "cornu.utils.io_utils",
        "normalize": "cornu.utils.arrays",
        "pad_sequences": "cornu.utils.arrays",
        "set_random_seed": "cornu.random.global_seed",
        "split_dataset": "cornu.utils.datasets",
        "to_categorical": "cornu.utils.arrays",
    },
)

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_uid",
    "is_interactive_logging_enabled",
    "normalize",
    "pad_sequences",
    "set_random_seed",
    "split_dataset",
    "to_categorical",
]
