"""Trains the networks in models/ and checks their 8-bit form.

  train [NAME...] [--cifar DIR]                 train (if none is named: every MNIST model, with
                                                --cifar every model), write models/NAME.onnx and
                                                its entry in models/models.json
  train quantise-check [NAME...] [--cifar DIR]  accuracy of the float network and of its integer form
                                                on the 10,000 test images; exit code 1 if they differ
                                                by more than 0.1 percentage points
  train digits                                  write the small sets of digits in data/
  train test                                    the tests of these scripts
"""

import argparse
import hashlib
import json
import os
import shlex
import sys
from pathlib import Path

import numpy as np

import datasets
import mlp
import onnx_file
from datasets import DataError
from quantise import INPUT_SCALE, quantise, run, run_float
from recipes import RECIPES

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
DATA = ROOT / "data"
INDEX = MODELS / "models.json"

# The last images of the training set: never trained on, looked at when a recipe is chosen.
VALIDATION = {"mnist": 5000, "cifar": 2000}
CALIBRATION_PER_CLASS = 50
DIGITS_PER_CLASS = 10
LARGEST_DIFFERENCE = 0.001


class Data:
    """The two datasets, read when first asked for."""

    def __init__(self, cifar):
        self.cifar = cifar
        self.sets = {}

    def get(self, dataset, part):
        if (dataset, part) not in self.sets:
            self.sets[dataset, part] = self.read(dataset, part)
        return self.sets[dataset, part]

    def read(self, dataset, part):
        if dataset == "mnist":
            return datasets.read_mnist(DATA / "mnist", {"train": "train", "test": "t10k"}[part])
        if self.cifar is None:
            raise DataError("a CIFAR-10 model needs --cifar DIR, the folder of CIFAR-10's binary version")
        return datasets.read_cifar(self.cifar, part)

    def train(self, dataset):
        return self.get(dataset, "train")[: -VALIDATION[dataset]]

    def validation(self, dataset):
        return self.get(dataset, "train")[-VALIDATION[dataset] :]

    def test(self, dataset):
        return self.get(dataset, "test")

    def calibration(self, dataset):
        """The first images of each class of the training set; for MNIST these are in data/."""
        train = self.train(dataset)
        return train[datasets.first_of_each_class(train.labels, CALIBRATION_PER_CLASS)]


def float_prediction(weights, biases, x):
    """In float32, as an ONNX runtime computes it."""
    return run_float(weights, biases, x.astype(np.float32) * np.float32(INPUT_SCALE)).argmax(1)


def accuracy(prediction, labels):
    return int((prediction == labels).sum()) / len(labels)


def train_model(recipe, seed, data):
    validation = data.validation(recipe.dataset)
    x = datasets.pixels(validation.images, recipe.pooling)

    def report(line, weights, biases):
        value = accuracy(float_prediction(weights, biases, x), validation.labels)
        print(f"{recipe.name}: {line}, validation {100 * value:.2f} %", file=sys.stderr, flush=True)

    weights, biases = mlp.train(recipe, data.train(recipe.dataset), seed, report)
    path = MODELS / f"{recipe.name}.onnx"
    onnx_file.save(path, recipe.name, weights, biases, recipe.trans_b)
    write_entry(recipe, path, seed, data)


def command_line(recipe):
    cifar = "--cifar DIR " if recipe.dataset == "cifar" else ""
    return f"tools/train/train {cifar}{recipe.name}"


def write_entry(recipe, path, seed, data):
    """Puts the model into models.json, in the order of recipes.py."""
    weights, biases = onnx_file.load(path)
    test = data.test(recipe.dataset)
    prediction = float_prediction(weights, biases, datasets.pixels(test.images, recipe.pooling))
    _, channels, rows, columns = test.images.shape
    trained_with = {
        "command": command_line(recipe),
        "seed": seed,
        "images": len(data.train(recipe.dataset)),
        "epochs": recipe.epochs,
        "fine_epochs": recipe.fine_epochs,
        "numpy": np.__version__,
    }
    entry = {
        "name": recipe.name,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "dims": list(recipe.dims),
        "parameters": recipe.parameters,
        "dataset": {"mnist": "MNIST", "cifar": "CIFAR-10"}[recipe.dataset],
        "input": {
            "width": columns // recipe.pooling,
            "height": rows // recipe.pooling,
            "channels": channels,
            "pooling": recipe.pooling,
        },
        "test_images": len(test),
        "float_accuracy": accuracy(prediction, test.labels),
        "trained_with": trained_with,
    }
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {"models": []}
    entries = {old["name"]: old for old in index["models"]} | {recipe.name: entry}
    index["models"] = [entries[name] for name in RECIPES if name in entries]
    temporary = INDEX.with_suffix(".json.partial")
    temporary.write_text(json.dumps(index, indent=2) + "\n")
    os.replace(temporary, INDEX)


def quantise_check(recipe, bits, data):
    """Prints one row of the table; whether the two accuracies agree."""
    weights, biases = onnx_file.load(MODELS / f"{recipe.name}.onnx")
    calibration = datasets.pixels(data.calibration(recipe.dataset).images, recipe.pooling)
    layers = quantise(weights, biases, calibration, bits)
    test = data.test(recipe.dataset)
    x = datasets.pixels(test.images, recipe.pooling)
    in_float = float_prediction(weights, biases, x)
    in_integers = run(layers, x, bits).argmax(1)
    correct = [int((p == test.labels).sum()) for p in (in_float, in_integers)]
    scales = " ".join(str(layer.weight_log_scale) for layer in layers)
    shifts = " ".join(str(layer.shift) for layer in layers[:-1])
    percent = [100 * c / len(test) for c in correct]
    print(
        f"{recipe.name:22} {percent[0]:8.2f} {percent[1]:8.2f} {correct[1] - correct[0]:+10d}"
        f" {int((in_float != in_integers).sum()):12d}   {scales:9} {shifts}",
        flush=True,
    )
    return abs(correct[1] - correct[0]) <= LARGEST_DIFFERENCE * len(test)


def write_digits(data):
    test = data.test("mnist")
    chosen = test[datasets.first_of_each_class(test.labels, DIGITS_PER_CLASS)]
    calibration = data.calibration("mnist")
    for name, images in ((f"digits-{len(chosen)}", chosen), (f"calibration-{len(calibration)}", calibration)):
        datasets.write_idx(DATA / f"{name}-images.idx3-ubyte", images.images[:, 0])
        datasets.write_idx(DATA / f"{name}-labels.idx1-ubyte", images.labels)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--cifar", metavar="DIR", type=Path, help="folder of data_batch_*.bin and test_batch.bin")
    parser.add_argument("--seed", type=int, default=1, help="of the training (default 1)")
    parser.add_argument("--bits", type=int, default=8, choices=range(2, 17), metavar="N",
                        help="width of weights and activations in quantise-check (default 8)")
    options = parser.parse_intermixed_args(arguments)
    options.command = "train"
    if options.words and options.words[0] in ("quantise-check", "digits"):
        options.command = options.words.pop(0)
    unknown = [name for name in options.words if name not in RECIPES]
    if unknown:
        parser.error(f"no such model: {shlex.join(unknown)}; there are {', '.join(RECIPES)}")
    wanted = options.words or [
        name for name, recipe in RECIPES.items() if recipe.dataset == "mnist" or options.cifar
    ]
    options.recipes = [RECIPES[name] for name in wanted]
    return options


def main():
    options = parse(sys.argv[1:])
    data = Data(options.cifar)
    try:
        if options.command == "digits":
            write_digits(data)
        elif options.command == "train":
            for recipe in options.recipes:
                train_model(recipe, options.seed, data)
        else:
            print(f"{'model':22} {'float %':>8} {'int %':>8} {'difference':>10} {'disagreement':>12}   k         s")
            # A list, not a generator: every row is printed even after one that fails.
            if not all([quantise_check(recipe, options.bits, data) for recipe in options.recipes]):
                sys.exit(f"error: an integer network differs from its float form by more than {LARGEST_DIFFERENCE:.1%}")
    except (DataError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
