"""Optimizers: formulas step by step, programs, state, clipping, averages, errors. Keras's own are in tests/keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import ops, optimizers
from cornu.optimizers import schedules


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


def variable(value: Any, name: str = "w") -> Any:
    return cornu.Variable(np.asarray(value, "float32"), name=name)


def tensor(value: Any) -> Any:
    return ops.convert_to_tensor(np.asarray(value, "float32"))


def test_adam_by_the_formula() -> None:
    w = variable([1.0, -2.0])
    optimizer = optimizers.Adam(learning_rate=0.1, epsilon=1e-3)
    x, m, v = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for t in range(1, 6):
        g = np.array([0.5 * t, -1.0])
        optimizer.apply([tensor(g)], [w])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x = x - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-3)
        np.testing.assert_allclose(w.numpy(), x, rtol=1e-5)
    assert int(optimizer.iterations) == 5


def test_rmsprop_by_the_formula() -> None:
    w = variable([1.0])
    optimizer = optimizers.RMSprop(learning_rate=0.1, rho=0.8, epsilon=0.01)
    x, v = 1.0, 0.0
    for g in (2.0, -1.0, 0.5):
        optimizer.apply([tensor([g])], [w])
        v = 0.8 * v + 0.2 * g * g
        x -= 0.1 * g / np.sqrt(v + 0.01)
        np.testing.assert_allclose(w.numpy(), [x], rtol=1e-5)


def test_sgd_with_momentum_by_the_formula() -> None:
    for nesterov in (False, True):
        w = variable([1.0])
        optimizer = optimizers.SGD(0.1, momentum=0.5, nesterov=nesterov)
        x, m = 1.0, 0.0
        for g in (2.0, -1.0, 0.5):
            optimizer.apply([tensor([g])], [w])
            m = 0.5 * m - 0.1 * g
            x += 0.5 * m - 0.1 * g if nesterov else m
            np.testing.assert_allclose(w.numpy(), [x], rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(0.1, momentum=0.9),
        lambda: optimizers.Adam(0.1, weight_decay=0.1, clipnorm=1.0),
        lambda: optimizers.Adam(schedules.ExponentialDecay(0.1, 2, 0.5)),
        lambda: optimizers.RMSprop(0.1, centered=True, momentum=0.5),
        lambda: optimizers.Nadam(0.1),
        lambda: optimizers.Adam(0.1, gradient_accumulation_steps=2),
        lambda: optimizers.Adam(0.1, use_ema=True, ema_overwrite_frequency=2),
        lambda: optimizers.Muon(0.1),
        lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.1)),
    ],
)
def test_in_a_program_it_does_what_it_does_eagerly(make: Any) -> None:
    ends = []
    for traced in (False, True):
        weights = [variable(np.linspace(-1, 1, 6).reshape(2, 3)), variable([0.5, 1.0], "b")]
        optimizer = make()
        optimizer.build(weights)

        def step(factor: Any, optimizer: Any = optimizer, weights: Any = weights) -> Any:
            optimizer.apply([w.value * factor for w in weights], weights)
            return weights[0].value

        run = cornu.function(step) if traced else step
        for i in range(5):
            run(tensor(0.5 + 0.1 * i))
        ends.append([v.numpy() for v in [*weights, *optimizer.variables]])
    for eager, compiled in zip(*ends, strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-5, atol=1e-6)


def test_variables_have_keras_names_and_order() -> None:
    kernel, bias = variable([[1.0]], "kernel"), variable([1.0], "bias")
    kernel.path, bias.path = "model/dense/kernel", "model/dense/bias"
    optimizer = optimizers.Adam(amsgrad=True, name="adam")
    optimizer.build([kernel, bias])
    assert [v.path for v in optimizer.variables] == [
        "adam/iteration",
        "adam/learning_rate",
        "adam/model_dense_kernel_momentum",
        "adam/model_dense_kernel_velocity",
        "adam/model_dense_bias_momentum",
        "adam/model_dense_bias_velocity",
        "adam/model_dense_kernel_velocity_hat",
        "adam/model_dense_bias_velocity_hat",
    ]


def test_clipping_by_hand() -> None:
    grads = [[3.0, 4.0], [12.0]]
    for arguments, want in (
        ({"clipnorm": 1.0}, [[0.6, 0.8], [1.0]]),
        ({"clipvalue": 3.5}, [[3.0, 3.5], [3.5]]),
        ({"global_clipnorm": 6.5}, [[1.5, 2.0], [6.0]]),
        ({"global_clipnorm": 20.0}, grads),
    ):
        weights = [variable(np.zeros(2)), variable(np.zeros(1))]
        optimizers.SGD(1.0, **arguments).apply([tensor(g) for g in grads], weights)
        for w, g in zip(weights, want, strict=True):
            np.testing.assert_allclose(-w.numpy(), g, rtol=1e-6)
    w = variable([1.0])
    optimizers.SGD(1.0, clipnorm=1.0).apply([tensor([0.0])], [w])
    assert w.numpy().tolist() == [1.0]


def test_weight_decay_and_what_it_leaves_out() -> None:
    kernel, bias = variable([1.0], "kernel"), variable([1.0], "bias")
    optimizer = optimizers.SGD(0.5, weight_decay=0.2)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([tensor([0.0]), tensor([0.0])], [kernel, bias])
    np.testing.assert_allclose([kernel.numpy()[0], bias.numpy()[0]], [0.9, 1.0], rtol=1e-6)
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_list=[kernel])


def test_accumulated_gradients_are_averaged() -> None:
    w = variable([1.0])
    optimizer = optimizers.SGD(0.1, gradient_accumulation_steps=3)
    for g, want in ((1.0, 1.0), (2.0, 1.0), (6.0, 0.7), (3.0, 0.7), (0.0, 0.7), (0.0, 0.6)):
        optimizer.apply([tensor([g])], [w])
        np.testing.assert_allclose(w.numpy(), [want], rtol=1e-6)
    assert int(optimizer.iterations) == 2


def test_the_average_of_weights() -> None:
    w = variable([0.0])
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(3):
        optimizer.apply([tensor([-1.0])], [w])
    # Weights 1, 2, 3; averages 1, 1.5, 2.25.
    assert w.numpy().tolist() == [3.0]
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [2.25]


def test_a_constraint_is_applied_after_the_update() -> None:
    w = variable([1.0])
    w.constraint = cornu.constraints.NonNeg()
    optimizers.SGD(1.0).apply([tensor([5.0])], [w])
    assert w.numpy().tolist() == [0.0]


def test_loss_scaling_leaves_out_steps_that_overflow() -> None:
    w = variable([1.0])
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), initial_scale=8.0, dynamic_growth_steps=2)
    optimizer.build([w])
    assert float(optimizer.scale_loss(tensor(2.0))) == 16.0
    optimizer.apply([tensor([8.0])], [w])
    assert w.numpy().tolist() == [0.5]
    optimizer.apply([tensor([np.inf])], [w])
    assert w.numpy().tolist() == [0.5]
    assert float(optimizer.dynamic_scale.numpy()) == 4.0
    for _ in range(2):
        optimizer.apply([tensor([0.0])], [w])
    assert float(optimizer.dynamic_scale.numpy()) == 8.0
    assert int(optimizer.iterations) == 3


def test_without_side_effects() -> None:
    w = variable([1.0])
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    optimizer.build([w])
    own = [v.value for v in optimizer.variables]
    trained, own = optimizer.stateless_apply(own, [tensor([1.0])], [tensor([3.0])])
    assert float(trained[0][0]) == 2.5
    assert float(own[2][0]) == -0.5
    assert w.numpy().tolist() == [1.0]
    assert int(optimizer.iterations) == 0


def test_learning_rates_can_be_set_and_scheduled() -> None:
    w = variable([0.0])
    optimizer = optimizers.SGD(1.0)
    optimizer.apply([tensor([-1.0])], [w])
    optimizer.learning_rate = 0.25
    optimizer.apply([tensor([-1.0])], [w])
    assert w.numpy().tolist() == [1.25]
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([2], [2.0, 4.0])
    assert [v.name for v in optimizer.variables] == ["iteration"]
    optimizer.apply([tensor([-1.0])], [w])
    optimizer.apply([tensor([-1.0])], [w])
    assert w.numpy().tolist() == [1.25 + 2.0 + 4.0]
    with pytest.raises(TypeError, match="schedule"):
        optimizer.learning_rate = 0.1


def test_state_through_a_store() -> None:
    w = variable([1.0])
    optimizer = optimizers.Adam(0.1)
    optimizer.apply([tensor([1.0])], [w])
    store: dict[str, np.ndarray] = {}
    optimizer.save_own_variables(store)
    other = optimizers.Adam(0.5)
    other.build([w])
    other.load_own_variables(store)
    for a, b in zip(optimizer.variables, other.variables, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())
    with pytest.warns(UserWarning, match="keeps its state"):
        optimizers.SGD(0.1).load_own_variables(store)


def test_configs_return() -> None:
    for optimizer in (
        optimizers.Adam(0.5, clipnorm=1.0, name="a"),
        optimizers.SGD(schedules.CosineDecay(0.5, 10, warmup_target=0.6, warmup_steps=2), momentum=0.9, name="b"),
        optimizers.LossScaleOptimizer(optimizers.AdamW(0.25, name="inner"), name="c"),
        optimizers.Muon(0.5, exclude_layers=["head"], name="d"),
    ):
        found = optimizers.deserialize(optimizers.serialize(optimizer))
        assert type(found) is type(optimizer)
        assert optimizers.serialize(found) == optimizers.serialize(optimizer)


def test_get() -> None:
    assert isinstance(optimizers.get("adam"), optimizers.Adam)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)
    assert isinstance(optimizers.get(optimizers.Lion), optimizers.Lion)
    assert optimizers.get(None) is None
    with pytest.raises(ValueError, match=r"optimizer identifier: 'adamm'.*AdamW"):
        optimizers.get("adamm")
    with pytest.raises(ValueError, match="identifier: 3"):
        optimizers.get(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adam(1), "must be a float"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "only one of"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=1), "at least 2"),
        (lambda: optimizers.Adam(use_ema=True, ema_momentum=2.0), "ema_momentum"),
        (lambda: optimizers.Adam(lr=0.1), "'?lr'?"),  # type: ignore[call-arg]
        (lambda: optimizers.SGD(momentum=1), "float in"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay"),
        (lambda: optimizers.Ftrl(learning_rate_power=1.0), "learning_rate_power"),
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0), "inner"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), "one value more"),
    ],
)
def test_errors_of_arguments(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_errors_of_apply() -> None:
    w, other = variable([1.0]), variable([1.0], "stranger")
    optimizer = optimizers.SGD(0.1)
    with pytest.raises(ValueError, match="build"):
        optimizer.apply([tensor([1.0])])
    optimizer.build([w])
    with pytest.raises(ValueError, match="unknown variable stranger"):
        optimizer.apply([tensor([1.0])], [other])
    with pytest.raises(ValueError, match="no gradient for any"):
        optimizer.apply([None], [w])
    with pytest.raises(ValueError, match="got 2"):
        optimizer.apply([tensor([1.0])] * 2)


def test_missing_gradients_warn_and_leave_the_variable() -> None:
    a, b = variable([1.0], "a"), variable([1.0], "b")
    with pytest.warns(UserWarning, match="'b'"):
        optimizers.SGD(1.0).apply([tensor([1.0]), None], [a, b])
    assert a.numpy().tolist() == [0.0]
    assert b.numpy().tolist() == [1.0]


def test_muon_updates_are_nearly_orthogonal() -> None:
    w = variable(np.zeros((4, 6)))
    optimizer = optimizers.Muon(1.0, rms_rate=None, weight_decay=None, nesterov=False)
    gradient = np.random.default_rng(0).normal(size=(4, 6))
    optimizer.apply([tensor(gradient)], [w])
    singular = np.linalg.svd(-w.numpy(), compute_uv=False)
    assert singular.min() > 0.6
    assert singular.max() < 1.3


def test_an_update_takes_few_operations() -> None:
    """Scalars are computed once a step, and Adam needs twelve passes over a variable."""
    weights = [variable(np.ones((2, 3)), f"w{i}") for i in range(10)]
    optimizer = optimizers.Adam(0.1)
    optimizer.build(weights)
    counts = {}
    for used in (1, 10):

        def step(scale: Any, used: int = used) -> None:
            optimizer.apply([w.value * scale for w in weights[:used]], weights[:used])

        traced = cornu.function(step).traced(tensor(1.0))
        counts[used] = sum(node.op != "Constant" for node in traced.compiled.program.nodes)
    # Twelve of Adam's own and the product that stands for the gradient.
    assert counts[10] - counts[1] == 9 * 13


def test_a_subclass_written_for_keras() -> None:
    class Plain(optimizers.Optimizer):
        def __init__(self, learning_rate: float = 0.1, name: str = "plain", **kwargs: Any) -> None:
            super().__init__(learning_rate=learning_rate, name=name, **kwargs)

        def build(self, variables: Any) -> None:
            if self.built:
                return
            super().build(variables)
            self.sums = [self.add_variable_from_reference(v, name="sum") for v in variables]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            held = self.sums[self._get_variable_index(variable)]
            self.assign_add(held, gradient)
            self.assign_sub(variable, ops.multiply(learning_rate, held))

    w = variable([1.0])
    optimizer = Plain(0.5)
    optimizer.apply_gradients([(tensor([1.0]), w)])
    optimizer.apply_gradients(zip([tensor([1.0])], [w], strict=True))
    assert w.numpy().tolist() == [1.0 - 0.5 - 1.0]
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate", "w_sum"]
