// Circuits of a given size with values for them, and what they compute in plain integers. Pure: the same arguments give the
// same text and the same numbers.

import { mod } from './r1cs.mjs';

const PRAGMA = 'pragma circom 2.1.0;\n';

// Widths of what a network takes. Pixels are not negative; weights and biases are signed.
export const PIXEL_BITS = 8;
export const WEIGHT_BITS = 8;
export const BIAS_BITS = 16;
// After each layer all is divided by 2^SHIFT.
export const SHIFT = 8;

const WEIGHTS = {
    private: 'Weights are private, and their ranges are not checked.',
    checked: 'Weights are private, and their ranges are checked.',
    public: 'Weights are public, so that who verifies sees their ranges.',
    constant: 'Weights are constants.',
};

// Integers from low to high, both included; SplitMix64, whose bias is below 2^-40 for ranges below 2^24.
export function random(seed) {
    let state = BigInt(seed);
    const word = (value) => BigInt.asUintN(64, value);
    return (low, high) => {
        state = word(state + 0x9e3779b97f4a7c15n);
        let z = word((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
        z = word((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
        return BigInt(low) + ((z ^ (z >> 31n)) % BigInt(high - low + 1));
    };
}

// Negative numbers as the field elements that stand for them.
function fieldText(value) {
    return Array.isArray(value) ? value.map(fieldText) : mod(value).toString();
}

// A chain of n products: {source, values}. `a` is public, and so is the result.
export function chain(n, seed = 1) {
    if (n < 1) {
        throw new Error(`a chain has at least one product, not ${n}`);
    }
    const next = random(seed);
    return {
        source: `${PRAGMA}\ninclude "circuits/chain.circom";\n\ncomponent main {public [a]} = Chain(${n});\n`,
        values: Object.fromEntries(['x', 'a', 'b'].map((name) => [name, next(1, 1 << 20).toString()])),
    };
}

export function evaluateChain(n, values) {
    const [x, a, b] = ['x', 'a', 'b'].map((name) => BigInt(values[name]));
    let link = x;
    for (let i = 0; i < n; i++) {
        link = mod((link + a) * (link + b));
    }
    return link;
}

// The layers of a network with these widths: {nIn, nOut, bound, bits, signBits}.
//
// |accumulator| <= bound <= 2^(bits-1), where bits is the least there can be; what follows a ReLU is below 2^(bits-1-SHIFT).
// Signs are tested on signBits >= bits bits, which is `bits` unless asked for.
export function shape(widths, { signBits = 0 } = {}) {
    if (widths.length < 2 || widths.some((width) => width < 1)) {
        throw new Error(`widths are ${widths.join('-')}; expected two or more, each at least 1`);
    }
    let inBits = PIXEL_BITS;
    return widths.slice(1).map((nOut, index) => {
        const nIn = widths[index];
        const bound = BigInt(nIn) * (2n ** BigInt(inBits) - 1n) * 2n ** BigInt(WEIGHT_BITS - 1) + 2n ** BigInt(BIAS_BITS - 1);
        const bits = (bound - 1n).toString(2).length + 1;
        if (bits > 252 || signBits > 252 || (signBits !== 0 && signBits < bits)) {
            throw new Error(`signs on ${signBits || bits} bits; expected ${bits} to 252`);
        }
        inBits = bits - 1 - SHIFT;
        return { nIn, nOut, bound, bits, signBits: signBits || bits };
    });
}

// An image, weights [nIn][nOut] and biases, from all of their ranges.
export function randomNumbers(network, seed) {
    const next = random(seed);
    const numbers = (count, low, high) => Array.from({ length: count }, () => next(low, high));
    const signed = (count, bits) => numbers(count, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
    return {
        image: numbers(network[0].nIn, 0, 2 ** PIXEL_BITS - 1),
        layers: network.map(({ nIn, nOut }) => ({
            weights: Array.from({ length: nIn }, () => signed(nOut, WEIGHT_BITS)),
            bias: signed(nOut, BIAS_BITS),
        })),
    };
}

// What the network computes: {accumulators, quotients, remainders, outputs} of each layer, and the class, which is the lowest
// index of a largest quotient of the last layer.
export function evaluate(network, { image, layers }) {
    let input = image;
    const results = layers.map(({ weights, bias }) => {
        const accumulators = bias.map((start, j) => input.reduce((sum, value, i) => sum + value * weights[i][j], start));
        const quotients = accumulators.map((value) => value >> BigInt(SHIFT)); // rounds down
        const remainders = accumulators.map((value) => BigInt.asUintN(SHIFT, value));
        const outputs = quotients.map((value) => (value > 0n ? value : 0n));
        input = outputs;
        return { accumulators, quotients, remainders, outputs };
    });
    const last = results.at(-1).quotients;
    const largest = last.reduce((best, value, index) => (value > last[best] ? index : best), 0);
    return { layers: results, class: BigInt(largest) };
}

// Names as Keras gives them: dense, dense_1, dense_2, …
export function layerName(index) {
    return index === 0 ? 'dense' : `dense_${index}`;
}

// The values of the circuit's inputs, for its input.json.
export function inputValues({ image, layers }, weights) {
    const values = { in: fieldText(image) };
    if (weights !== 'constant') {
        for (const [index, layer] of layers.entries()) {
            values[`${layerName(index)}_weights`] = fieldText(layer.weights);
            values[`${layerName(index)}_bias`] = fieldText(layer.bias);
        }
    }
    return values;
}

// The circuit of a network, whose public output is the class: a key of WEIGHTS says where weights come from. `numbers` are read
// for constants alone.
function mlpSource(network, weights, { layers }) {
    const inputs = [];
    const body = [];
    const published = [];
    let values = 'in';
    for (const [index, { nIn, nOut, bound, bits, signBits }] of network.entries()) {
        const last = index === network.length - 1;
        const [name, activation] = [layerName(index), last ? 'rescale' : `${layerName(index)}_re_lu`];
        body.push('', `// |${name}.out[i]| <= ${bound} <= 2^${bits - 1}`);
        if (weights === 'constant') {
            const [matrix, bias] = [layers[index].weights, layers[index].bias].map(constants);
            body.push(`component ${name} = DenseConstant(${nIn}, ${nOut}, ${matrix}, ${bias});`);
        } else {
            inputs.push(`signal input ${name}_weights[${nIn}][${nOut}];`, `signal input ${name}_bias[${nOut}];`);
            published.push(`${name}_weights`, `${name}_bias`);
            body.push(
                `component ${name} = Dense(${nIn}, ${nOut});`,
                `${name}.weights <== ${name}_weights;`,
                `${name}.bias <== ${name}_bias;`,
            );
        }
        if (weights === 'checked') {
            body.push(
                `component ${name}_range = DenseRange(${nIn}, ${nOut}, ${WEIGHT_BITS}, ${BIAS_BITS});`,
                `${name}_range.weights <== ${name}_weights;`,
                `${name}_range.bias <== ${name}_bias;`,
            );
        }
        body.push(
            `${name}.in <== ${values};`,
            `component ${activation} = ${last ? 'RescaleLayer' : 'ReluLayer'}(${nOut}, ${signBits}, ${SHIFT});`,
            `${activation}.in <== ${name}.out;`,
        );
        values = `${activation}.out`;
    }
    const { nOut, signBits } = network.at(-1);
    const lines = [
        `signal input in[${network[0].nIn}];`,
        ...inputs,
        'signal output out;',
        '',
        `component pixels = UnsignedRange(${network[0].nIn}, ${PIXEL_BITS});`,
        'pixels.in <== in;',
        ...body,
        '',
        `component arg_max = ArgMax(${nOut}, ${signBits - SHIFT});`,
        `arg_max.in <== ${values};`,
        'out <== arg_max.out;',
    ];
    return `${PRAGMA}
include "circuits/mlp.circom";

// ${[network[0].nIn, ...network.map((layer) => layer.nOut)].join('-')}. ${WEIGHTS[weights]}
// Bits: pixels ${PIXEL_BITS}, weights ${WEIGHT_BITS} with their signs, biases ${BIAS_BITS} with theirs.
template Model() {
${lines.map((line) => (line === '' ? '' : `    ${line}`)).join('\n')}
}

component main${weights === 'public' ? ` {public [${published.join(', ')}]}` : ''} = Model();
`;
}

function constants(value) {
    return Array.isArray(value) ? `[${value.map(constants).join(', ')}]` : value.toString();
}

// The circuit of a network and values for it: {source, values}.
export function mlp(network, weights, seed = 1) {
    if (!Object.hasOwn(WEIGHTS, weights)) {
        throw new Error(`weights are ${weights}; expected ${Object.keys(WEIGHTS).join(', ')}`);
    }
    const numbers = randomNumbers(network, seed);
    return { source: mlpSource(network, weights, numbers), values: inputValues(numbers, weights) };
}
