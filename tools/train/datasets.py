"""MNIST and CIFAR-10 as arrays of bytes, shaped [image, channel, row, column]."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CIFAR_RECORD = 1 + 3 * 32 * 32


class DataError(Exception):
    """A data file is missing or is not what it should be."""


@dataclass(frozen=True)
class Set:
    """Images (uint8, [n, channel, row, column]) and their labels (uint8, [n])."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return Set(self.images[index], self.labels[index])


def read_idx(path):
    """Reads an IDX file of unsigned bytes."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; `tools/fetch-mnist` fetches the MNIST files") from error
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise DataError(f"{path}: not an IDX file of unsigned bytes (begins with {raw[:4].hex()})")
    rank = raw[3]
    header = 4 + 4 * rank
    shape = np.frombuffer(raw[4:header], ">u4").astype(int)
    if len(shape) != rank or len(raw) != header + shape.prod():
        raise DataError(f"{path}: has {len(raw)} bytes, its header announces {header} + {shape.prod()}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def write_idx(path, array):
    """Writes unsigned bytes as an IDX file."""
    assert array.dtype == np.uint8
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    Path(path).write_bytes(header + array.tobytes())


def read_mnist(directory, part):
    """`part` is `train` or `t10k`, as in the file names."""
    images = read_idx(Path(directory) / f"{part}-images-idx3-ubyte")
    labels = read_idx(Path(directory) / f"{part}-labels-idx1-ubyte")
    if len(images) != len(labels):
        raise DataError(f"{directory}: {len(images)} {part} images but {len(labels)} labels")
    return Set(images[:, None], labels)


def read_cifar(directory, part):
    """`part` is `train` (every data_batch_*.bin there is) or `test` (test_batch.bin).

    The bytes keep their place: 1024 red, 1024 green, 1024 blue, row by row.
    """
    pattern = {"train": "data_batch_*.bin", "test": "test_batch.bin"}[part]
    paths = sorted(Path(directory).glob(pattern))
    if not paths:
        raise DataError(f"{directory}: no {pattern}; name the folder of CIFAR-10's binary version")
    records = []
    for path in paths:
        raw = np.fromfile(path, np.uint8)
        if len(raw) == 0 or len(raw) % CIFAR_RECORD:
            raise DataError(f"{path}: {len(raw)} bytes is not a whole number of records of {CIFAR_RECORD}")
        records.append(raw.reshape(-1, CIFAR_RECORD))
    records = np.concatenate(records)
    if records[:, 0].max() > 9:
        raise DataError(f"{directory}: a label is {records[:, 0].max()}, expected 0 to 9")
    return Set(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].copy())


def pool(images, pooling):
    """Mean of each `pooling` x `pooling` block, in integers; the result is again 0 to 255.

    For 2: (a + b + c + d + 2) >> 2.
    """
    if pooling == 1:
        return images
    n, channels, rows, columns = images.shape
    blocks = images.reshape(n, channels, rows // pooling, pooling, columns // pooling, pooling)
    area = pooling * pooling
    return ((blocks.sum((3, 5), dtype=np.uint32) + area // 2) // area).astype(np.uint8)


def pixels(images, pooling):
    """The network's integer input: pooled, flattened, 0 to 255."""
    return pool(images, pooling).reshape(len(images), -1)


def first_of_each_class(labels, count):
    """Indices of the first `count` images of each class, in the order of the set."""
    chosen = [np.flatnonzero(labels == label)[:count] for label in range(10)]
    return np.sort(np.concatenate(chosen))


def augment(images, shift, flip, rng):
    """Moves each image by up to `shift` pixels each way and mirrors half of them if `flip`.

    What moves in is the border of the image repeated (for a digit, that is the background).
    """
    rows, columns = images.shape[2:]
    padded = np.pad(images, ((0, 0), (0, 0), (shift, shift), (shift, shift)), mode="edge")
    moved = np.empty_like(images)
    side = 2 * shift + 1
    place = rng.integers(0, side * side, len(images))
    for p in range(side * side):
        index = np.flatnonzero(place == p)
        y, x = divmod(p, side)
        moved[index] = padded[index, :, y : y + rows, x : x + columns]
    if flip:
        index = np.flatnonzero(rng.random(len(images)) < 0.5)
        moved[index] = moved[index, :, :, ::-1]
    return moved
