"""What is trained, and how. Every number here was chosen on the validation images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """`epochs` in floating point, then `fine_epochs` with the 8-bit form in the forward pass."""

    name: str
    dims: tuple[int, ...]
    dataset: str = "mnist"
    pooling: int = 1
    # PyTorch's Gemm layout (transB = 1, weights [out, in]) or Keras's ([in, out]).
    trans_b: bool = True
    epochs: int = 40
    fine_epochs: int = 10
    batch: int = 128
    rate: float = 2e-3
    fine_rate: float = 3e-4
    weight_decay: float = 2e-2
    dropout: float = 0.0
    shift: int = 1
    flip: bool = False
    # Training sees (x - offset) * gain; both are folded into the first layer before fine-tuning.
    offset: float = 0.0
    gain: float = 1.0

    @property
    def parameters(self):
        return sum(i * o + o for i, o in zip(self.dims, self.dims[1:]))


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("mnist-196-25-10", (196, 25, 10), pooling=2, rate=4e-3),
        Recipe("mnist-196-24-14-10", (196, 24, 14, 10), pooling=2, trans_b=False, rate=4e-3),
        Recipe("mnist-784-56-10", (784, 56, 10)),
        Recipe("mnist-784-128-10", (784, 128, 10)),
        Recipe("mnist-784-256-128-10", (784, 256, 128, 10), dropout=0.2),
        Recipe(
            "cifar-3072-256-10",
            (3072, 256, 10),
            dataset="cifar",
            epochs=45,
            fine_epochs=6,
            rate=5e-4,
            fine_rate=1e-4,
            weight_decay=1e-1,
            dropout=0.3,
            shift=3,
            flip=True,
            offset=0.5,
            gain=4.0,
        ),
    )
}
