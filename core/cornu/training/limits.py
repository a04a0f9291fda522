"""Upper limits on training for the whole process: for trying a long script out."""

from __future__ import annotations

_LIMITS: dict[str, int | None] = {"epochs": None, "steps": None}


def max_epochs() -> int | None:
    """The most epochs that any `fit` runs, or None."""
    return _LIMITS["epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Sets the most epochs that any `fit` runs.

    Args:
        max_epochs: A positive number; None, 0 or less for no limit.
    """
    _LIMITS["epochs"] = max_epochs if max_epochs is not None and max_epochs > 0 else None


def max_steps_per_epoch() -> int | None:
    """The most steps that any epoch of `fit`, `evaluate` or `predict` runs, or None."""
    return _LIMITS["steps"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Sets the most steps that any epoch of `fit`, `evaluate` or `predict` runs.

    Args:
        max_steps_per_epoch: A positive number; None, 0 or less for no limit.
    """
    _LIMITS["steps"] = max_steps_per_epoch if max_steps_per_epoch is not None and max_steps_per_epoch > 0 else None


def limited_epochs(epochs: int) -> int:
    """The epochs asked for, or the limit if that is less."""
    limit = max_epochs()
    return epochs if limit is None else min(epochs, limit)
