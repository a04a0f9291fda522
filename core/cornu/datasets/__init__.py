"""Small data sets to try a model on."""

from cornu.datasets import digits as digits
