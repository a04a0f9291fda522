"""A backend of Cornu that runs programs on JAX. Importing it does not import JAX; making a `JaxBackend` does."""

from cornu_jax.backend import JaxBackend

__all__ = ["JaxBackend"]
