"""Draws of optimizers: twenty steps on plain variables, with gradients that depend on the weights."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from cornu_conformance.layer_draws.drawn import floats

from training_draws.drawn import Choices, Draw, plain, some
from training_draws.schedules import schedule

STEPS = 20
BETAS: Choices = {"beta_1": (0.5, 0.8), "beta_2": (0.9, 0.99), "epsilon": (1e-3, 1e-5)}
OPTIMIZERS: dict[str, tuple[float, Choices]] = {
    "SGD": (0.1, {"momentum": (0.5, 0.9), "nesterov": (True, False)}),
    "Adam": (0.05, {**BETAS, "amsgrad": (True, False)}),
    "AdamW": (0.05, {**BETAS, "amsgrad": (True, False)}),
    "RMSprop": (
        0.02,
        {"rho": (0.5, 0.8), "momentum": (0.5, 0.9), "epsilon": (1e-3,), "centered": (True, False)},
    ),
    "Adagrad": (0.5, {"initial_accumulator_value": (0.01, 0.5), "epsilon": (1e-3,)}),
    "Adadelta": (1.0, {"rho": (0.5, 0.9), "epsilon": (1e-3, 1e-5)}),
    "Adamax": (0.05, BETAS),
    "Nadam": (0.05, BETAS),
    "Ftrl": (
        0.1,
        {
            "learning_rate_power": (-0.5, -0.3),
            "initial_accumulator_value": (0.1, 0.5),
            "l1_regularization_strength": (0.01,),
            "l2_regularization_strength": (0.1,),
            "l2_shrinkage_regularization_strength": (0.05,),
            "beta": (0.2,),
        },
    ),
    "Lion": (0.05, {"beta_1": (0.5, 0.8), "beta_2": (0.9,)}),
    "Lamb": (0.05, BETAS),
    "Adafactor": (
        0.1,
        {
            "beta_2_decay": (-0.5, -0.9),
            "epsilon_2": (1e-2,),
            "clip_threshold": (0.5, 2.0),
            "relative_step": (True, False),
        },
    ),
    "Muon": (
        0.05,
        {
            "adam_beta_1": (0.8,),
            "adam_beta_2": (0.9,),
            "adam_weight_decay": (0.02, None),
            "epsilon": (1e-5,),
            "adam_lr_ratio": (0.5,),
            "momentum": (0.5,),
            "ns_steps": (3,),
            "nesterov": (True, False),
            "rms_rate": (None, 0.4),
            "muon_a": (3.0,),
        },
    ),
    "ScheduleFreeAdamW": (0.05, {**BETAS, "warmup_steps": (5,)}),
}
COMMON: Choices = {"weight_decay": (0.01, 0.1), "loss_scale_factor": (8.0,), "gradient_accumulation_steps": (2, 3)}


def settings(draw: random.Random) -> dict[str, Any]:
    """The arguments that all optimizers have."""
    found = some(draw, COMMON) if draw.random() < 0.6 else {}
    clipping = draw.choice((None, None, "clipnorm", "clipvalue", "global_clipnorm"))
    if clipping is not None:
        found[clipping] = draw.choice((0.1, 0.5))
    if draw.random() < 0.3:
        found |= {"use_ema": True, "ema_momentum": draw.choice((0.5, 0.9))}
        found |= some(draw, {"ema_overwrite_frequency": (3,)})
    return found


def steps(k: Any, draw: random.Random, optimizer: Any) -> dict[str, Any]:
    """Weights on the way, and the state at the end."""
    first = [floats(draw, 3, 4), floats(draw, 4)]
    noise = [[floats(draw, *array.shape, scale=0.5) for array in first] for _ in range(STEPS)]
    variables = [k.Variable(array, name=name) for array, name in zip(first, ("kernel", "bias"), strict=True)]
    history = []
    for step in noise:
        # They depend on the weights, so that an error in one step shows in all later ones.
        grads = [np.asarray(v) * np.float32(0.3) + added for v, added in zip(variables, step, strict=True)]
        optimizer.apply([k.ops.convert_to_tensor(grad) for grad in grads], variables)
        history.append([np.asarray(v) for v in variables])
    optimizer.finalize_variable_values(variables)
    return {
        "history": [history[step] for step in (0, 1, 4, 9, STEPS - 1)],
        "final": [np.asarray(v) for v in variables],
        "state": [[_named(v.name), v] for v in optimizer.variables],
        "rate": optimizer.learning_rate,
        "config": optimizer.get_config(),
    }


def _named(name: str) -> str:
    # Keras leaves one variable of Nadam unnamed, so that its name is a number of the process.
    return "u_product" if name.startswith("variable") else name


def _optimizer(name: str) -> Draw:
    rate, choices = OPTIMIZERS[name]

    def run(k: Any, draw: random.Random) -> Any:
        arguments = {**some(draw, choices), **settings(draw)}
        arguments["learning_rate"] = schedule(k, draw) if draw.random() < 0.3 else rate * draw.choice((0.5, 1.0))
        optimizer = getattr(k.optimizers, name)(**arguments, name="o")
        if arguments.get("weight_decay") and draw.random() < 0.5:
            optimizer.exclude_from_weight_decay(var_names=["bias"])
        return plain(steps(k, draw, optimizer))

    return run


def loss_scale(k: Any, draw: random.Random) -> Any:
    inner = k.optimizers.SGD(0.1, momentum=draw.choice((0.0, 0.5)), name="inner")
    optimizer = k.optimizers.LossScaleOptimizer(
        inner, initial_scale=draw.choice((4.0, 64.0)), dynamic_growth_steps=draw.choice((3, 100)), name="o"
    )
    variable = k.Variable(floats(draw, 4), name="kernel")
    optimizer.build([variable])
    scales = []
    for _ in range(STEPS):
        scaled = np.asarray(optimizer.scale_loss(k.ops.convert_to_tensor(floats(draw, 4))))
        scaled = np.full_like(scaled, np.inf) if draw.random() < 0.15 else scaled
        # On JAX, Keras's own branches work without side effects only.
        before = [k.ops.convert_to_tensor(np.asarray(v)) for v in (variable, *optimizer.variables)]
        found, state = optimizer.stateless_apply(before[1:], [k.ops.convert_to_tensor(scaled)], before[:1])
        for v, value in zip((variable, *optimizer.variables), (*found, *state), strict=True):
            v.assign(value)
        scales.append(np.asarray(optimizer.dynamic_scale))
    names = [[v.name, v] for v in optimizer.variables]
    return plain({"weights": variable, "scales": scales, "state": names, "config": optimizer.get_config()})


DRAWS = {**{name: _optimizer(name) for name in OPTIMIZERS}, "LossScaleOptimizer": loss_scale}
