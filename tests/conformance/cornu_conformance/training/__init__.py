"""Models that the training level trains, and the numbers that real Keras got for them."""
