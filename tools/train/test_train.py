import tempfile
import unittest
from pathlib import Path

import numpy as np

import datasets
import mlp
import onnx_file
import quantise
from recipes import Recipe


class Datasets(unittest.TestCase):
    def test_pooling_rounds_the_mean_half_up(self):
        cases = [((0, 0, 0, 0), 0), ((0, 0, 0, 1), 0), ((0, 0, 1, 1), 1), ((255, 255, 255, 255), 255), ((1, 2, 3, 4), 3)]
        for (a, b, c, d), expected in cases:
            image = np.array([[[[a, b], [c, d]]]], np.uint8)
            self.assertEqual(datasets.pool(image, 2).item(), expected)
            self.assertEqual((a + b + c + d + 2) >> 2, expected)

    def test_pooling_keeps_the_place(self):
        image = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4) * 4
        self.assertEqual(datasets.pixels(image, 2).tolist(), [[10, 18, 42, 50]])

    def test_idx_round_trip(self):
        array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x"
            datasets.write_idx(path, array)
            self.assertEqual(path.read_bytes()[:16].hex(), "00000803" "00000002" "00000003" "00000004")
            np.testing.assert_array_equal(datasets.read_idx(path), array)
            path.write_bytes(path.read_bytes()[:-1])
            with self.assertRaises(datasets.DataError):
                datasets.read_idx(path)

    def test_cifar_keeps_planes(self):
        record = np.concatenate([[7], np.repeat([1, 2, 3], 1024)]).astype(np.uint8)
        with tempfile.TemporaryDirectory() as folder:
            record.tofile(Path(folder) / "data_batch_1.bin")
            record.tofile(Path(folder) / "data_batch_2.bin")
            data = datasets.read_cifar(folder, "train")
            self.assertEqual(data.labels.tolist(), [7, 7])
            np.testing.assert_array_equal(datasets.pixels(data.images, 1)[0], record[1:])
            with self.assertRaises(datasets.DataError):
                datasets.read_cifar(folder, "test")

    def test_first_of_each_class_is_in_the_order_of_the_set(self):
        labels = np.tile(np.arange(10, dtype=np.uint8), 3)
        self.assertEqual(datasets.first_of_each_class(labels, 2).tolist(), list(range(20)))

    def test_augment_without_shift_is_the_identity(self):
        images = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4)).astype(np.uint8)
        moved = datasets.augment(images, 0, False, np.random.default_rng(1))
        np.testing.assert_array_equal(moved, images)


class Training(unittest.TestCase):
    def test_gradients_are_the_slopes_of_the_loss(self):
        rng = np.random.default_rng(3)
        weights = [rng.standard_normal(s) for s in ((5, 6), (4, 5), (3, 4))]
        biases = [rng.standard_normal(s) for s in (5, 4, 3)]
        x, labels = rng.standard_normal((7, 6)), rng.integers(0, 3, 7)

        def loss():
            z = quantise.run_float(weights, biases, x)
            return (np.log(np.exp(z).sum(1)) - z[np.arange(7), labels]).mean()

        found = mlp.gradients(weights, biases, x, labels, 0.0, None, rng)
        for parameter, gradient in zip(weights + biases, found):
            for _ in range(5):
                at = tuple(rng.integers(0, n) for n in parameter.shape)
                before, step = parameter[at], 1e-6
                parameter[at] = before + step
                above = loss()
                parameter[at] = before - step
                below = loss()
                parameter[at] = before
                self.assertAlmostEqual(gradient[at], (above - below) / (2 * step), places=6)

    def test_a_trained_network_is_reproducible_and_on_the_grid(self):
        rng = np.random.default_rng(0)
        data = datasets.Set(rng.integers(0, 256, (64, 1, 4, 4)).astype(np.uint8), np.arange(64, dtype=np.uint8) % 10)
        recipe = Recipe("tiny", (16, 8, 10), epochs=2, fine_epochs=2, batch=16, dropout=0.1)
        runs = [mlp.train(recipe, data, 5, lambda *_: None) for _ in range(2)]
        for a, b in zip(runs[0][0] + runs[0][1], runs[1][0] + runs[1][1]):
            np.testing.assert_array_equal(a, b)
        for w in runs[0][0]:
            self.assertEqual(w.dtype, np.float32)
            scaled = w * 2.0 ** quantise.weight_log_scale(w, 8)
            np.testing.assert_array_equal(scaled, np.rint(scaled))


class Quantisation(unittest.TestCase):
    def test_weight_log_scale_is_the_largest_that_fits(self):
        # 127.5 would round up to 128, which does not fit; -128.5 rounds up to -128, which does.
        cases = [(1.0, 6), (127 / 128, 7), (127.5 / 128, 6), (-1.0, 7), (-128.5 / 128, 7), (-129 / 128, 6), (0.3, 8), (100.0, 0), (200.0, -1)]
        for value, expected in cases:
            self.assertEqual(quantise.weight_log_scale(np.array([[value, 0.0]]), 8), expected, value)

    def test_activation_rounds_half_up_and_clamps(self):
        acc = np.array([-9, -1, 0, 1, 2, 3, 5, 6, 1020, 1021, 1022, 5000])
        self.assertEqual(quantise.activate(acc, 2, 8).tolist(), [0, 0, 0, 0, 1, 1, 1, 2, 255, 255, 255, 255])
        self.assertEqual(quantise.activate(acc, 0, 8).tolist(), [0, 0, 0, 1, 2, 3, 5, 6, 255, 255, 255, 255])

    def test_a_network_by_hand(self):
        weights = [np.array([[0.5, -0.25], [0.25, 0.75]]), np.array([[0.5, 0.25]])]
        biases = [np.array([0.1, 0.0]), np.array([-0.2])]
        layers = quantise.quantise(weights, biases, np.array([[255, 0], [0, 255], [255, 255]]), 8)
        first, last = layers
        self.assertEqual((first.weight_log_scale, last.weight_log_scale), (7, 7))
        self.assertEqual(first.weights.tolist(), [[64, -32], [32, 96]])
        self.assertEqual(first.bias.tolist(), [3264, 0])  # 0.1 * 255 * 128
        self.assertEqual(first.shift, 7)  # the largest accumulator is 32640 = 255 << 7
        self.assertEqual(last.bias.tolist(), [-6528])  # -0.2 * 255 * 128
        # 64*200 - 32*40 + 3264 = 14784 -> 116; 32*200 + 96*40 = 10240 -> 80
        self.assertEqual(quantise.run(layers, np.array([[200, 40]]), 8).tolist(), [[64 * 116 + 32 * 80 - 6528]])

    def test_more_bits_come_closer(self):
        rng = np.random.default_rng(2)
        weights = [rng.standard_normal((12, 20)) / 5, rng.standard_normal((10, 12)) / 4]
        biases = [rng.standard_normal(12) / 5, rng.standard_normal(10) / 5]
        x = rng.integers(0, 256, (200, 20))
        exact = quantise.run_float(weights, biases, x / 255)
        errors = []
        for bits in (4, 8, 12):
            layers = quantise.quantise(weights, biases, x, bits)
            errors.append(np.abs(quantise.run(layers, x, bits) * layers[-1].acc_scale - exact).max())
        self.assertTrue(errors[0] > 4 * errors[1] > 16 * errors[2], errors)


class Onnx(unittest.TestCase):
    def test_both_layouts_round_trip(self):
        rng = np.random.default_rng(4)
        weights = [rng.standard_normal(s).astype(np.float32) for s in ((5, 6), (3, 5))]
        biases = [rng.standard_normal(s).astype(np.float32) for s in (5, 3)]
        for trans_b in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "x.onnx"
                onnx_file.save(path, "x", weights, biases, trans_b)
                for saved, loaded in zip(weights + biases, sum(onnx_file.load(path), [])):
                    np.testing.assert_array_equal(saved, loaded)


if __name__ == "__main__":
    unittest.main()
