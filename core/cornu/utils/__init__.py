"""Helpers around models: seeds, labels, sequences, data sets, names, progress."""

from __future__ import annotations

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

__all__ = [
    "Progbar", "PyDataset", "Sequence", "disable_interactive_logging", "enable_interactive_logging", "get_uid",
    "is_interactive_logging_enabled", "normalize", "pad_sequences", "set_random_seed", "split_dataset",
    "to_categorical",
]  # fmt: skip
