// A quantised network as a circuit for circom in keras2circom's shape: weights, biases and the image are inputs, and a product of a
// weight costs a constraint. Pure: the same network gives the same text.

import { mod } from '../circom/r1cs.mjs';

// The least b with -2^(b-1) <= value < 2^(b-1) for all values.
function signedBits(values) {
    const largest = values.reduce((most, value) => Math.max(most, value < 0 ? -value - 1 : value), 0);
    return largest.toString(2).length + (largest === 0 ? 0 : 1);
}

// Bits of each layer's accumulators, from the widths of what goes in: whoever proves chooses the weights. What is rounded, half a
// step is added to.
export function accumulatorBits({ input_bits: inputBits, layers }) {
    return layers.map(({ inputs, weights, bias, requantise }, index) => {
        const inBits = index === 0 ? inputBits : layers[index - 1].requantise.bits;
        const half = requantise ? 2n ** BigInt(requantise.shift - 1) : 0n;
        const product = (2n ** BigInt(inBits) - 1n) * 2n ** BigInt(signedBits(weights) - 1);
        const bound = BigInt(inputs) * product + 2n ** BigInt(signedBits(bias) - 1) + half;
        const bits = bound.toString(2).length + 1;
        return requantise ? Math.max(bits, requantise.shift + requantise.bits + 2) : bits;
    });
}

const name = (index) => (index === 0 ? 'dense' : `dense_${index}`);

// The main component. Its one public value is the class.
export function source(network) {
    const { input_bits: inputBits, layers } = network;
    const bits = accumulatorBits(network);
    const inputs = [`signal input in[${layers[0].inputs}];`];
    const body = [];
    let values = 'in';
    for (const [index, { inputs: nIn, outputs: nOut, requantise }] of layers.entries()) {
        const dense = name(index);
        inputs.push(`signal input ${dense}_weights[${nIn}][${nOut}];`, `signal input ${dense}_bias[${nOut}];`);
        body.push(
            `component ${dense} = Dense(${nIn}, ${nOut});`,
            `${dense}.in <== ${values};`,
            `${dense}.weights <== ${dense}_weights;`,
            `${dense}.bias <== ${dense}_bias;`,
        );
        values = `${dense}.out`;
        if (requantise) {
            const { shift, bits: outBits } = requantise;
            body.push(
                `component ${dense}_re_lu = RequantiseLayer(${nOut}, ${bits[index]}, ${shift}, ${outBits});`,
                `${dense}_re_lu.in <== ${values};`,
            );
            values = `${dense}_re_lu.out`;
        }
    }
    const lines = [
        ...inputs,
        'signal output out;',
        `component pixels = UnsignedRange(${layers[0].inputs}, ${inputBits});`,
        'pixels.in <== in;',
        ...body,
        `component arg_max = ArgMax(${layers.at(-1).outputs}, ${bits.at(-1)});`,
        `arg_max.in <== ${values};`,
        'out <== arg_max.out;',
    ];
    const dims = [layers[0].inputs, ...layers.map((layer) => layer.outputs)].join('-');
    return `pragma circom 2.1.0;

include "circuits/mlp.circom";
include "peers/circuits/requantise.circom";

// ${dims}. Weights are private, and their ranges are not checked.
template Model() {
${lines.map((line) => `    ${line}`).join('\n')}
}

component main = Model();
`;
}

// The values of the circuit's inputs. Negative numbers are the field elements that stand for them.
export function values({ layers }, image) {
    const text = (value) => mod(BigInt(value)).toString();
    const all = { in: image.map(text) };
    for (const [index, { inputs, outputs, weights, bias }] of layers.entries()) {
        all[`${name(index)}_weights`] = Array.from({ length: inputs }, (_, i) =>
            Array.from({ length: outputs }, (_, j) => text(weights[j * inputs + i])),
        );
        all[`${name(index)}_bias`] = bias.map(text);
    }
    return all;
}
