"""Random numbers, under Keras's names."""

from cornu.random.distributions import categorical, dropout, normal, randint, shuffle, truncated_normal, uniform
from cornu.random.gamma import beta, binomial, gamma
from cornu.random.seed_generator import SeedGenerator

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
