"""What the modules of the operators share."""

DOMAIN = "cornu.kernels"
"""The domain of the custom operators in a model."""
