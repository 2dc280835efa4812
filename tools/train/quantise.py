"""The integer form of a network, and its exact evaluation.

Input: x = pixel, 0 to 255, standing for x / 255.
Layer: acc = W x + b in wide integers; W = round(w 2^k) in `bits` bits, one k for the whole matrix.
Hidden activation: y = clamp((acc + 2^(s-1)) >> s, 0, 2^bits - 1).
The last layer's acc are the logits; only their order is used.

k is the largest one at which every weight fits. s is the one whose logits on the calibration
images come nearest to those of the float network. Neither ever sees a test image.
"""

from dataclasses import dataclass

import numpy as np

INPUT_SCALE = 1 / 255


@dataclass(frozen=True)
class Layer:
    """`scale_in` is the real value of one unit of the layer's input; `shift` is None in the last layer."""

    weights: np.ndarray
    bias: np.ndarray
    weight_log_scale: int
    scale_in: float
    shift: int | None

    @property
    def acc_scale(self):
        return self.scale_in * 2.0**-self.weight_log_scale

    @property
    def scale_out(self):
        return self.acc_scale * 2.0 ** (self.shift or 0)


def round_half_up(x):
    return np.floor(x + 0.5)


def weight_log_scale(weights, bits):
    """The largest k at which round(w 2^k) lies in [-2^(bits-1), 2^(bits-1) - 1] for every w."""
    weights = weights.astype(np.float64)
    k = bits - 1 - int(np.floor(np.log2(np.abs(weights).max()))) + 1
    while True:
        rounded = round_half_up(weights * 2.0**k)
        if rounded.min() >= -(2 ** (bits - 1)) and rounded.max() <= 2 ** (bits - 1) - 1:
            return k
        k -= 1


def accumulate(layer, x):
    """W x + b. In float64, whose sums here are exact integers: they stay far below 2^53."""
    acc = x.astype(np.float64) @ layer.weights.T.astype(np.float64) + layer.bias
    assert np.abs(acc).max() < 2.0**52
    return acc.astype(np.int64)


def activate(acc, shift, bits):
    half = (1 << shift) >> 1
    return np.clip((acc + half) >> shift, 0, 2**bits - 1)


def run(layers, x, bits):
    """Logits (accumulators of the last layer) for integer inputs x, [n, inputs]."""
    for layer in layers[:-1]:
        x = activate(accumulate(layer, x), layer.shift, bits)
    return accumulate(layers[-1], x)


def run_float(weights, biases, x):
    """Float logits for real inputs x; hidden layers are followed by ReLU."""
    for i, (w, b) in enumerate(zip(weights, biases)):
        x = x @ w.T + b
        if i < len(weights) - 1:
            x = np.maximum(x, 0)
    return x


def integer_layer(w, b, bits, scale_in, k=None):
    k = weight_log_scale(w, bits) if k is None else k
    limit = 2 ** (bits - 1)
    rounded = np.clip(round_half_up(w.astype(np.float64) * 2.0**k), -limit, limit - 1)
    bias = round_half_up(b.astype(np.float64) / scale_in * 2.0**k)
    return Layer(rounded.astype(np.int64), bias.astype(np.int64), k, scale_in, None)


def quantise(weights, biases, calibration, bits=8, log_scales=None):
    """Integer layers of a float network (lists of [out, in] and [out]).

    `calibration`: integer inputs, taken from the training set.
    """
    weights = [w.astype(np.float64) for w in weights]
    biases = [b.astype(np.float64) for b in biases]
    target = run_float(weights, biases, calibration * INPUT_SCALE)
    layers, x, scale = [], calibration, INPUT_SCALE
    for i in range(len(weights)):
        k = None if log_scales is None else log_scales[i]
        layer = integer_layer(weights[i], biases[i], bits, scale, k)
        if i < len(weights) - 1:
            acc = accumulate(layer, x)
            # From "nothing saturates" downwards; five bits less is certainly too few.
            most = max(int(acc.max()), 1).bit_length()
            best = None
            for shift in range(max(most - bits, 0), max(most - bits - 5, -1), -1):
                y = activate(acc, shift, bits)
                scale_out = layer.acc_scale * 2.0**shift
                logits = run_float(weights[i + 1 :], biases[i + 1 :], y * scale_out)
                error = float(((logits - target) ** 2).mean())
                if best is None or error < best[0]:
                    best = (error, shift, y, scale_out)
            _, shift, x, scale = best
            layer = Layer(layer.weights, layer.bias, layer.weight_log_scale, layer.scale_in, shift)
        layers.append(layer)
    return layers
