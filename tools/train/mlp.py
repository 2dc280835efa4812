"""A multi-layer perceptron with ReLU, trained by AdamW, first in floating point, then quantisation-aware."""

import numpy as np

from datasets import augment, pixels
from quantise import INPUT_SCALE, quantise

BITS = 8
# Examples that calibrate the fake quantisation; taken from the front of the training set.
CALIBRATION = 2000


def initialise(dims, rng):
    """He initialisation: weights [out, in], biases zero."""
    weights = [
        (rng.standard_normal((o, i)) * np.sqrt(2 / i)).astype(np.float32) for i, o in zip(dims, dims[1:])
    ]
    return weights, [np.zeros(o, np.float32) for o in dims[1:]]


class FakeQuantisation:
    """Rounds weights and activations in the forward pass as the integer form will.

    The gradient passes as if nothing were rounded, and stops where an activation is clamped.
    """

    def __init__(self, weights, biases, calibration):
        top = 2.0 ** (BITS - 1) - 1
        self.log_scales = [fitting_log_scale(w) for w in weights]
        self.limits = [np.float32(top * 2.0**-k) for k in self.log_scales]
        layers = quantise(weights, biases, calibration, BITS, self.log_scales)
        self.units = [np.float32(layer.scale_out) for layer in layers[:-1]]

    def clip(self, weights):
        for w, limit in zip(weights, self.limits):
            np.clip(w, -limit, limit, out=w)

    def round_weights(self, weights):
        return [
            np.rint(w * np.float32(2.0**k)) * np.float32(2.0**-k) for w, k in zip(weights, self.log_scales)
        ]

    def activate(self, i, z):
        unit, top = self.units[i], 2**BITS - 1
        y = np.floor(z / unit + np.float32(0.5))
        return np.clip(y, 0, top) * unit, (z > 0) & (y <= top)


def fitting_log_scale(w):
    """The k whose clipping and rounding to `BITS` bits together disturb w least."""
    top = 2 ** (BITS - 1) - 1
    first = int(np.floor(np.log2(top / np.abs(w).max())))

    def disturbance(k):
        return ((np.clip(np.rint(w * 2.0**k), -top, top) * 2.0**-k - w) ** 2).sum()

    return min(range(first, first + 3), key=disturbance)


def gradients(weights, biases, x, labels, dropout, fake, rng):
    """Gradients of the mean cross-entropy, by weights then biases."""
    last = len(weights) - 1
    used = fake.round_weights(weights) if fake else weights
    inputs, masks = [x], []
    for i in range(last + 1):
        z = inputs[-1] @ used[i].T + biases[i]
        if i == last:
            break
        y, mask = fake.activate(i, z) if fake else (np.maximum(z, 0), z > 0)
        mask = mask.astype(np.float32)
        if dropout:
            keep = (rng.random(z.shape, np.float32) >= dropout) / np.float32(1 - dropout)
            y, mask = y * keep, mask * keep
        inputs.append(y)
        masks.append(mask)
    g = np.exp(z - z.max(1, keepdims=True))
    g /= g.sum(1, keepdims=True)
    g[np.arange(len(labels)), labels] -= 1
    g /= len(labels)
    by_weights, by_biases = [None] * (last + 1), [None] * (last + 1)
    for i in range(last, -1, -1):
        by_weights[i] = g.T @ inputs[i]
        by_biases[i] = g.sum(0)
        if i:
            g = (g @ used[i]) * masks[i - 1]
    return by_weights + by_biases


class AdamW:
    """Decays weights (matrices) only; updates in place."""

    def __init__(self, parameters, weight_decay):
        self.parameters = parameters
        self.weight_decay = weight_decay
        self.mean = [np.zeros_like(p) for p in parameters]
        self.square = [np.zeros_like(p) for p in parameters]
        self.step_count = 0

    def step(self, gradients, rate, beta1=0.9, beta2=0.999):
        self.step_count += 1
        correction1 = 1 - beta1**self.step_count
        correction2 = np.sqrt(1 - beta2**self.step_count)
        for p, g, m, v in zip(self.parameters, gradients, self.mean, self.square):
            m *= np.float32(beta1)
            m += np.float32(1 - beta1) * g
            g *= g
            v *= np.float32(beta2)
            v += np.float32(1 - beta2) * g
            if p.ndim == 2:
                p *= np.float32(1 - rate * self.weight_decay)
            p -= np.float32(rate * correction2 / correction1) * m / (np.sqrt(v) + np.float32(1e-8))


def run_epochs(recipe, data, weights, biases, epochs, rate, view, fake, rng, after_epoch):
    """`view` turns pixels / 255 into what the first layer is given."""
    optimiser = AdamW(weights + biases, recipe.weight_decay)
    steps = epochs * (len(data) // recipe.batch)
    for epoch in range(epochs):
        images = augment(data.images, recipe.shift, recipe.flip, rng)
        x = view(pixels(images, recipe.pooling).astype(np.float32) * np.float32(INPUT_SCALE))
        order = rng.permutation(len(data))
        for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
            rows = order[start : start + recipe.batch]
            g = gradients(weights, biases, x[rows], data.labels[rows], recipe.dropout, fake, rng)
            cosine = 0.5 * (1 + np.cos(np.pi * optimiser.step_count / steps))
            optimiser.step(g, rate * cosine)
            if fake:
                fake.clip(weights)
        after_epoch(epoch + 1)


def train(recipe, data, seed, report):
    """Weights ([out, in]) and biases of the float network, for inputs pixel / 255.

    The weights are multiples of 2^-k in the range of int8, one k for each layer.
    Calls `report(line, weights, biases)` after each epoch.
    """
    rng = np.random.default_rng(seed)
    weights, biases = initialise(recipe.dims, rng)
    gain, offset = np.float32(recipe.gain), np.float32(recipe.offset)

    def folded():
        """The same network without the view of the input that the first phase trains on."""
        first = weights[0] * gain
        return [first, *weights[1:]], [biases[0] - offset * first.sum(1), *biases[1:]]

    run_epochs(
        recipe, data, weights, biases, recipe.epochs, recipe.rate, lambda x: (x - offset) * gain, None, rng,
        lambda epoch: report(f"epoch {epoch}/{recipe.epochs}", *folded()),
    )  # fmt: skip
    weights, biases = folded()
    fake = FakeQuantisation(weights, biases, pixels(data.images[:CALIBRATION], recipe.pooling))
    fake.clip(weights)
    run_epochs(
        recipe, data, weights, biases, recipe.fine_epochs, recipe.fine_rate, lambda x: x, fake, rng,
        lambda epoch: report(f"fine {epoch}/{recipe.fine_epochs}", fake.round_weights(weights), biases),
    )  # fmt: skip
    return fake.round_weights(weights), biases
