"""Learning rates that depend on the step: functions of the iteration count, traced into the train step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.backend.config import floatx
from cornu.ir.types import is_integer


class LearningRateSchedule:
    """Base of the schedules: a subclass maps the number of steps taken to a learning rate.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5 ** ops.cast(step, "float32")
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate.

        Args:
            step: How many steps were taken, an integer scalar.

        Returns:
            A float scalar.

        Raises:
            TypeError: If a subclass does not override it.
        """
        raise TypeError(f"Learning rate schedule {type(self).__name__} must override `__call__(step)`.")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments.

        Raises:
            TypeError: If a subclass that is to be saved does not override it.
        """
        raise TypeError(f"Learning rate schedule {type(self).__name__} must override `get_config()` to be saved.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """A schedule from its constructor's arguments."""
        return cls(**config)


def _steps(step: Any) -> Any:
    return ops.cast(step, floatx())


def _check_steps(kind: str, name: str, value: float) -> None:
    if value <= 0:
        raise ValueError(f"{kind}: `{name}` must be positive, got {value}.")


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate · decay_rate ^ (step / decay_steps)`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: How many steps one factor `decay_rate` takes.
        decay_rate: The factor.
        staircase: Whether the exponent is rounded down.
        name: A name.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:
        >>> float(ExponentialDecay(1.0, 10, 0.25)(5))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        _check_steps("ExponentialDecay", "decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Any:
        progress = _steps(step) / self.decay_steps
        progress = ops.floor(progress) if self.staircase else progress
        return self.initial_learning_rate * ops.power(self.decay_rate, progress)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]`, i being the number of boundaries that the step exceeds.

    Args:
        boundaries: Increasing step numbers.
        values: Rates, one more than boundaries.
        name: A name.

    Raises:
        ValueError: If the numbers do not fit.

    Example:
        >>> rate = PiecewiseConstantDecay([10], [1.0, 0.5])
        >>> float(rate(10)), float(rate(11))
        (1.0, 0.5)
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: expected one value more than boundaries, got {len(values)} values and "
                f"{len(boundaries)} boundaries."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = ops.convert_to_tensor(step)
        whole = is_integer(step.dtype)
        rate = ops.convert_to_tensor(self.values[0], dtype=floatx())
        for boundary, before, after in zip(self.boundaries, self.values, self.values[1:], strict=False):
            passed = ops.greater(step, int(boundary) if whole else boundary)
            rate = rate + ops.cast(passed, floatx()) * (after - before)
        return rate

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


class PolynomialDecay(LearningRateSchedule):
    """`(initial - end) · (1 - step / decay_steps) ^ power + end`, constant after `decay_steps`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: When the end is reached.
        end_learning_rate: The rate there.
        power: The exponent; 1 is a line.
        cycle: Whether to start again over a longer way, with the next multiple of `decay_steps`.
        name: A name.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:
        >>> float(PolynomialDecay(1.0, 10, 0.5)(5))
        0.75
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        _check_steps("PolynomialDecay", "decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Any:
        progress = _steps(step) / self.decay_steps
        longer = ops.maximum(ops.ceil(progress), 1.0) if self.cycle else 1.0
        progress = ops.minimum(progress / longer, 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * ops.power(1.0 - progress, self.power) + self.end_learning_rate

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate · step / decay_steps)`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: The unit of time.
        decay_rate: How strongly the rate falls per unit.
        staircase: Whether time is rounded down.
        name: A name.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Example:
        >>> float(InverseTimeDecay(1.0, 10, 2.0)(5))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        _check_steps("InverseTimeDecay", "decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Any:
        time = _steps(step) / self.decay_steps
        time = ops.floor(time) if self.staircase else time
        return self.initial_learning_rate / (1.0 + self.decay_rate * time)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class CosineDecay(LearningRateSchedule):
    """`rate · ((1 - alpha) · (1 + cos(pi · step / decay_steps)) / 2 + alpha)`, after an optional linear warm-up.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: When, counted from the end of the warm-up, the lowest rate is reached.
        alpha: The lowest rate as a part of the highest.
        name: A name.
        warmup_target: The rate that the warm-up reaches; None leaves it out.
        warmup_steps: How long it takes.

    Raises:
        ValueError: If `decay_steps` is not positive.

    Source: Loshchilov and Hutter 2016.

    Example:
        >>> round(float(CosineDecay(1.0, 10)(5)), 4)
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        _check_steps("CosineDecay", "decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        step = _steps(step)
        if self.warmup_target is None:
            return self._decay(step, self.initial_learning_rate)
        decayed = self._decay(step - self.warmup_steps, self.warmup_target)
        if not self.warmup_steps:
            return decayed
        rise = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        warming = step * rise + self.initial_learning_rate
        return ops.where(ops.less(step, float(self.warmup_steps)), warming, decayed)

    def _decay(self, step: Any, start: float) -> Any:
        progress = ops.minimum(step / self.decay_steps, 1.0)
        cosine = 0.5 * (1.0 + ops.cos(math.pi * progress))
        return start * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decays one after another, each `t_mul` times as long and starting `m_mul` times as high.

    Args:
        initial_learning_rate: The rate at step 0.
        first_decay_steps: The length of the first decay.
        t_mul: Factor of the length.
        m_mul: Factor of the height.
        alpha: The lowest rate as a part of the initial one.
        name: A name.

    Raises:
        ValueError: If `first_decay_steps` is not positive.

    Source: Loshchilov and Hutter 2016.

    Example:
        >>> round(float(CosineDecayRestarts(1.0, 10)(10)), 4)
        1.0
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        _check_steps("CosineDecayRestarts", "first_decay_steps", first_decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Any:
        restarts, progress = self._phase(_steps(step) / self.first_decay_steps)
        height = 0.5 * ops.power(self._m_mul, restarts)
        cosine = height * (1.0 + ops.cos(math.pi * progress))
        return self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)

    def _phase(self, time: Any) -> tuple[Any, Any]:
        """How many decays are over, and how much of the present one; `time` counts first decays."""
        factor = self._t_mul
        if factor == 1.0:
            restarts = ops.floor(time)
            return restarts, time - restarts
        restarts = ops.floor(ops.log(1.0 - time * (1.0 - factor)) / math.log(factor))
        length = ops.power(factor, restarts)
        return restarts, (time - (1.0 - length) / (1.0 - factor)) / length

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
