// Witnesses of the networks of generate.mjs by signal names, honest or forged. All that depends on a forged value is computed from
// it, so that a forged witness breaks as few constraints as it can.

import { BIAS_BITS, PIXEL_BITS, SHIFT, WEIGHT_BITS, layerName } from './generate.mjs';
import { mod } from './r1cs.mjs';

// How a forger writes a number that is out of range in `n` bits.
//   truncate: the lowest bits, so that they do not add up to the number
//   absorb:   bits that add up to it, the lowest of which is no bit
export const WRITE = {
    truncate: (value, n) => Array.from({ length: n }, (_, i) => (mod(value) >> BigInt(i)) & 1n),
    absorb(value, n) {
        const bits = WRITE.truncate(value, n);
        const sum = bits.reduce((total, bit, i) => total + (bit << BigInt(i)), 0n);
        return bits.map((bit, i) => (i === 0 ? mod(bit + value - sum) : bit));
    },
};

// Values by names, such as `dense.out[0]`. `forged` may have
//   image, layers: numbers that are out of range
//   product(layer, i, j, honest), quotient(layer, j, value), remainder(layer, j, value, quotient), sign(layer, j, honest),
//   relu(layer, j, honest, quotient), chosen(honest, last quotients): what the forger puts there
//   write: a value of WRITE
export function assign(network, { image, layers }, weights, forged = {}) {
    const write = forged.write ?? WRITE.truncate;
    const values = new Map();
    const set = (name, value) => values.set(name, mod(value));
    const setBits = (name, value, n) => {
        set(`${name}.in`, value);
        const bits = write(value, n);
        bits.forEach((bit, i) => set(`${name}.out[${i}]`, bit));
        return bits;
    };
    const setSigned = (name, value, n) => {
        set(`${name}.in`, value);
        setBits(`${name}.bits`, value + 2n ** BigInt(n - 1), n);
    };

    image.forEach((pixel, i) => {
        set(`in[${i}]`, pixel);
        set(`pixels.in[${i}]`, pixel);
        setBits(`pixels.number[${i}]`, pixel, PIXEL_BITS);
    });

    let input = image;
    network.forEach(({ nIn, nOut, signBits }, l) => {
        const name = layerName(l);
        const last = l === network.length - 1;
        const { weights: matrix, bias } = layers[l];
        const activation = last ? 'rescale' : `${name}_re_lu`;
        input.forEach((value, i) => set(`${name}.in[${i}]`, value));
        if (weights !== 'constant') {
            for (const place of [`${name}_`, `${name}.`, ...(weights === 'checked' ? [`${name}_range.`] : [])]) {
                bias.forEach((value, j) => set(`${place}bias[${j}]`, value));
                matrix.forEach((row, i) => row.forEach((value, j) => set(`${place}weights[${i}][${j}]`, value)));
            }
        }
        if (weights === 'checked') {
            bias.forEach((value, j) => setSigned(`${name}_range.start[${j}]`, value, BIAS_BITS));
            matrix.forEach((row, i) => row.forEach((value, j) => setSigned(`${name}_range.weight[${i}][${j}]`, value, WEIGHT_BITS)));
        }
        input = Array.from({ length: nOut }, (_, j) => {
            let sum = bias[j];
            for (let i = 0; i < nIn; i++) {
                const product = input[i] * matrix[i][j];
                const put = forged.product?.(l, i, j, product) ?? product;
                set(`${name}.product[${i}][${j}]`, put);
                sum += put;
            }
            set(`${name}.out[${j}]`, sum);
            set(`${activation}.in[${j}]`, sum);

            const quotient = forged.quotient?.(l, j, sum) ?? sum >> BigInt(SHIFT);
            const remainder = forged.remainder?.(l, j, sum, quotient) ?? BigInt.asUintN(SHIFT, sum);
            const one = `${activation}.${last ? 'rescale' : 'relu'}[${j}]`;
            const rescale = last ? one : `${one}.rescale`;
            set(`${one}.in`, sum);
            set(`${rescale}.in`, sum);
            set(`${rescale}.out`, quotient);
            set(`${rescale}.remainder`, remainder);
            setBits(`${rescale}.low`, remainder, SHIFT);
            const width = signBits - SHIFT;
            const high = setBits(`${rescale}.high`, quotient + 2n ** BigInt(width - 1), width);
            const sign = forged.sign?.(l, j, high[width - 1]) ?? high[width - 1];
            set(`${rescale}.nonNegative`, sign);
            const relu = forged.relu?.(l, j, sign * quotient, quotient) ?? sign * quotient;
            const output = last ? quotient : relu;
            set(`${one}.out`, output);
            set(`${activation}.out[${j}]`, output);
            return output;
        });
    });

    // The last layer's quotients, as they are: a forged one may be a large field element.
    const { signBits, nOut } = network.at(-1);
    const largest = input.reduce((best, value, index) => (value > input[best] ? index : best), 0);
    const honest = input.map((_, index) => (index === largest ? 1n : 0n));
    const chosen = forged.chosen?.(honest, input) ?? honest;
    const maximum = chosen.reduce((sum, one, i) => sum + one * input[i], 0n);
    const index = chosen.reduce((sum, one, i) => sum + one * BigInt(i), 0n);
    let after = 1n;
    for (let i = 0; i < nOut; i++) {
        after -= chosen[i];
        set(`arg_max.in[${i}]`, input[i]);
        set(`arg_max.chosen[${i}]`, chosen[i]);
        set(`arg_max.part[${i}]`, chosen[i] * input[i]);
        setBits(`arg_max.difference[${i}]`, maximum - input[i] - after, signBits - SHIFT);
    }
    set('arg_max.out', index);
    set('out', index);
    return values;
}

// The wires' values. Signals that the compiler removed are left out.
export function toWitness(values, wires, nWires) {
    const witness = new Array(nWires);
    witness[0] = 1n;
    for (const [name, wire] of wires) {
        if (!values.has(name)) {
            throw new Error(`signal ${name} has no value`);
        }
        witness[wire] = values.get(name);
    }
    return witness;
}
