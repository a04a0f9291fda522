"""Operations on images: the functions of Keras's `keras.ops.image`."""

from cornu.ops.image.resizing import resize, scale_and_translate

__all__ = ["resize", "scale_and_translate"]
