"""Random numbers, under Keras's names."""

from cornu.random.distributions import categorical, dropout, normal, randint, shuffle, truncated_normal, uniform
from cornu.random.seed_generator import SeedGenerator

__all__ = ["SeedGenerator", "categorical", "dropout", "normal", "randint", "shuffle", "truncated_normal", "uniform"]
