"""The blocks of the introduction with the model of its first one."""

import numpy as np
import tensorflow as tf
from tensorflow.keras.datasets import mnist
from tensorflow.keras.utils import PyDataset, to_categorical

# What the introduction leaves open: training, validation and test data.
(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)


class Batches(PyDataset):
    """Arrays in batches of 32."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return -(-len(self.x) // 32)

    def __getitem__(self, index):
        part = slice(32 * index, 32 * index + 32)
        return self.x[part], self.y[part]


# Block 1
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense, Flatten

# Create a Sequential model
model = Sequential()

# Add layers to the model
model.add(Flatten(input_shape=(28, 28)))
model.add(Dense(128, activation='relu'))
model.add(Dense(10, activation='softmax'))

# Placeholders
train_dataset, val_dataset = Batches(x_train, y_train), Batches(x_test, y_test)

# Block 3
# Compile the model
model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])

# Train the model
model.fit(train_dataset, epochs=5, batch_size=32, validation_data=val_dataset)

# Block 4
from tensorflow.keras.callbacks import EarlyStopping

# Early stopping callback
early_stop = EarlyStopping(monitor='val_loss', patience=3)

# Train the model with the callback
model.fit(train_dataset, epochs=5, validation_data=val_dataset, callbacks=[early_stop])

# Placeholders
test_dataset = Batches(x_test, y_test)

# Block 5
# Evaluate the model on test data
test_loss, test_accuracy = model.evaluate(test_dataset)

# Placeholders
test_data = x_test

# Block 6
# Make predictions
predictions = model.predict(test_data)

# Block 7
# Save the model
model.save('my_model.h5')

# Load the model
loaded_model = tf.keras.models.load_model('my_model.h5')

# End of the blocks

# What the test looks at.
import json

again = loaded_model.predict(test_data)
result = {
    "accuracy": test_accuracy,
    "loss": test_loss,
    "shape": list(predictions.shape),
    "sums": [float(predictions.sum(1).min()), float(predictions.sum(1).max())],
    "difference": float(np.abs(again - predictions).max()),
    "layers": [type(layer).__name__ for layer in loaded_model.layers],
    "optimizer": type(loaded_model.optimizer).__name__,
}
print("RESULT", json.dumps(result))
