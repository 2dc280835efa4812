// Tests of the circuits in this folder and of the committed fixtures; `tools/circom/test` runs it.
//
// Constraints are evaluated by r1cs.mjs, not by snarkjs; expected values come from plain integers.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { WRITE, assign, toWitness } from './forge.mjs';
import { SHIFT, chain, evaluate, evaluateChain, inputValues, mlp, randomNumbers, shape } from './generate.mjs';
import { MODULUS, mod, readR1cs, readSym, readWtns, violated } from './r1cs.mjs';
import * as tools from './tools.mjs';
import { Circuit, inverse } from './witnesses.mjs';

const FIXTURES = fileURLToPath(new URL('../../tests/circom/fixtures/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'zkwatt-circom-test-'));
let [ran, failed] = [0, 0];

async function test(name, body) {
    ran += 1;
    try {
        const note = await body();
        console.log(`ok    ${name}${note ? `: ${note}` : ''}`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED ${name}\n${error.stack}`);
    }
}

// {r1cs, wires, wasm} of a circuit's text.
function compile(name, source, flags = []) {
    const main = join(folder, `${name}.circom`);
    writeFileSync(main, source);
    tools.compile(main, folder, flags);
    return {
        r1cs: readR1cs(readFileSync(join(folder, `${name}.r1cs`))),
        wires: readSym(readFileSync(join(folder, `${name}.sym`), 'utf8')),
        wasm: join(folder, `${name}.wasm`),
    };
}

function template(name, file, call) {
    return compile(name, `pragma circom 2.1.0;\ninclude "circuits/${file}";\ncomponent main = ${call};\n`);
}

async function compilersWitness({ wasm }, values) {
    const wtns = join(folder, 'witness.wtns');
    await tools.witness(wasm, values, wtns);
    return readWtns(readFileSync(wtns));
}

// The outputs of every witness that there is.
function outputs({ r1cs }, inputs) {
    return new Circuit(r1cs).witnesses(inputs).map((witness) => {
        assert.deepEqual(violated(r1cs, witness), []);
        return witness.slice(1, 1 + r1cs.nOutputs);
    });
}

const integers = (low, high) => Array.from({ length: Number(high - low) + 1 }, (_, i) => low + BigInt(i));
const repeat = (count, make) => Array.from({ length: count }, (_, i) => make(i));

// Far from all that is in range, as signed numbers and as others.
const FAR = [MODULUS / 2n, MODULUS / 2n + 1n, inverse(2n), inverse(256n), 1n << 200n, (1n << 253n) - 1n, 1n << 253n];

// ---------------------------------------------------------------- templates, exhaustively

await test('ToBits(3): the bits of 0 to 7, and of nothing else', () => {
    const circuit = template('to_bits_3', 'range.circom', 'ToBits(3)');
    for (const value of integers(0n, 7n)) {
        assert.deepEqual(outputs(circuit, [value]), [[0n, 1n, 2n].map((i) => (value >> i) & 1n)]);
    }
    for (const value of [8n, 9n, -1n, -8n, ...FAR]) {
        assert.deepEqual(outputs(circuit, [value]), [], `${value}`);
    }
});

await test('ToBits(253): one witness up to 2^253 - 1, none beyond', () => {
    const circuit = template('to_bits_253', 'range.circom', 'ToBits(253)');
    for (const value of [0n, 1n, 5n, (1n << 253n) - 1n]) {
        assert.equal(outputs(circuit, [value]).length, 1);
    }
    for (const value of [1n << 253n, MODULUS - 1n]) {
        assert.equal(outputs(circuit, [value]).length, 0);
    }
});

await test('254 bits are refused, as numbers would have two representations', () => {
    assert.throws(() => template('to_bits_254', 'range.circom', 'ToBits(254)'), /does not compile/);
    assert.throws(() => template('relu_254', 'mlp.circom', 'Relu(254, 8)'), /does not compile/);
    assert.throws(() => template('arg_max_253', 'mlp.circom', 'ArgMax(2, 253)'), /does not compile/);
});

await test('SignedRange(4): -8 to 7 and nothing else', () => {
    const circuit = template('signed_range_4', 'range.circom', 'SignedRange(4)');
    for (const value of [...integers(-20n, 20n), ...FAR]) {
        assert.equal(outputs(circuit, [value]).length, value >= -8n && value < 8n ? 1 : 0, `${value}`);
    }
});

for (const [bits, shift] of [[5n, 2n], [5n, 0n], [5n, 4n], [1n, 0n], [253n, 8n]]) {
    await test(`Rescale and Relu, ${bits} bits, shift ${shift}: one witness for each number in range, none for others`, () => {
        const rescale = template(`rescale_${bits}_${shift}`, 'mlp.circom', `Rescale(${bits}, ${shift})`);
        const relu = template(`relu_${bits}_${shift}`, 'mlp.circom', `Relu(${bits}, ${shift})`);
        const limit = 1n << (bits - 1n);
        const near = [-limit, 0n, limit].flatMap((centre) => integers(centre - 5n, centre + 5n));
        for (const value of [...(bits < 10n ? integers(-20n, 20n) : near), ...FAR]) {
            // Of 253 bits' range some of FAR are a part.
            const signed = mod(value) > MODULUS / 2n ? mod(value) - MODULUS : mod(value);
            const inside = signed >= -limit && signed < limit;
            const quotient = signed >> shift;
            const remainder = BigInt.asUintN(Number(shift), signed);
            assert.deepEqual(outputs(rescale, [value]), inside ? [[mod(quotient), remainder, signed >= 0n ? 1n : 0n]] : [], `${value}`);
            assert.deepEqual(outputs(relu, [value]), inside ? [[quotient > 0n ? quotient : 0n]] : [], `${value}`);
        }
    });
}

await test('ArgMax(3, 3): one witness for each of 512 inputs, the lowest index of a maximum', async () => {
    const circuit = template('arg_max_3_3', 'mlp.circom', 'ArgMax(3, 3)');
    const solver = new Circuit(circuit.r1cs);
    const range = integers(-4n, 3n);
    for (const numbers of range.flatMap((x) => range.flatMap((y) => range.map((z) => [x, y, z])))) {
        const found = solver.witnesses(numbers);
        const index = numbers.indexOf(numbers.reduce((a, b) => (a > b ? a : b)));
        assert.deepEqual(found.map((witness) => witness[1]), [BigInt(index)], `${numbers}`);
    }
    for (const numbers of [[0n, 0n, 0n], [-4n, 3n, 3n], [3n, -4n, -4n], [-1n, 0n, -1n]]) {
        const witness = await compilersWitness(circuit, { in: numbers.map((value) => mod(value).toString()) });
        assert.deepEqual(solver.witnesses(numbers), [witness]);
    }
});

await test('ArgMax(1, 4) and ArgMax(4, 252) at their limits', () => {
    assert.deepEqual(outputs(template('arg_max_1', 'mlp.circom', 'ArgMax(1, 4)'), [-8n]), [[0n]]);
    const circuit = template('arg_max_252', 'mlp.circom', 'ArgMax(4, 252)');
    const [low, high] = [-(1n << 251n), (1n << 251n) - 1n];
    assert.deepEqual(outputs(circuit, [low, high, high, low]), [[1n]]);
    assert.deepEqual(outputs(circuit, [low, low, low, low]), [[0n]]);
    assert.deepEqual(outputs(circuit, [high, low, low, high]), [[0n]]);
    assert.deepEqual(outputs(circuit, [low, low, low, high]), [[3n]]);
});

await test('Chain(9): the product chain', async () => {
    const { source, values } = chain(9, 7);
    const circuit = compile('chain_9', source);
    const witness = await compilersWitness(circuit, values);
    assert.equal(circuit.r1cs.nConstraints, 9);
    assert.equal(circuit.r1cs.nPublicInputs, 1);
    assert.deepEqual(violated(circuit.r1cs, witness), []);
    assert.equal(witness[1], evaluateChain(9, values));
});

// ---------------------------------------------------------------- networks

// Numbers at the limits of their ranges, and such that signs, ties and rounding are met.
function extremes(network) {
    const constant = (pixel, weight, bias) => ({
        image: repeat(network[0].nIn, () => pixel),
        layers: network.map(({ nIn, nOut }) => ({
            weights: repeat(nIn, () => repeat(nOut, () => weight)),
            bias: repeat(nOut, () => bias),
        })),
    });
    const mixed = (weightOf, biasOf) => ({
        image: repeat(network[0].nIn, () => 255n),
        layers: network.map(({ nIn, nOut }, l) => ({
            weights: repeat(nIn, (i) => repeat(nOut, (j) => weightOf(l, i, j))),
            bias: repeat(nOut, (j) => biasOf(l, j)),
        })),
    });
    return [
        constant(255n, 127n, 32767n), // the largest sums, and a tie
        constant(255n, -128n, -32768n), // the least sums of the first layer
        constant(0n, -128n, 32767n),
        constant(0n, 127n, -32768n),
        constant(0n, 0n, 0n),
        constant(255n, 127n, -32768n),
        mixed((l) => (l === 0 ? 127n : -128n), (l) => (l === 0 ? 32767n : -32768n)), // the least sums of the last layer
        mixed((l, i, j) => (j === 0 ? -128n : 127n), () => 0n), // the two ends of a range meet in ArgMax
        mixed((l, i, j) => (j === 0 ? 127n : -128n), () => 0n),
        // Sums of 0, -1, 255, 256, -256, -257, next to where quotients and signs change.
        ...[0n, -1n, 255n, 256n, -256n, -257n].map((bias) => mixed(() => 0n, () => bias)),
        mixed(() => 0n, (l, j) => (j === 0 ? -1n : 0n)), // quotients -1 and 0
    ];
}

const small = shape([4, 3, 2]);
const honest = [...extremes(small), ...repeat(50, (seed) => randomNumbers(small, seed + 1))];

for (const weights of ['private', 'checked', 'public']) {
    await test(`mlp 4-3-2, ${weights} weights: honest witnesses, and no others`, async () => {
        const { source } = mlp(small, weights);
        const circuits = ['--O0', '--O1', '--O2'].map((flag) => compile(`mlp_${weights}_${flag.slice(2)}`, source, [flag]));
        const solver = new Circuit(circuits[1].r1cs);
        for (const numbers of honest) {
            const expected = evaluate(small, numbers);
            const values = inputValues(numbers, weights);
            for (const circuit of circuits) {
                const witness = await compilersWitness(circuit, values);
                assert.deepEqual(violated(circuit.r1cs, witness), []);
                assert.equal(witness[1], expected.class);
                assert.deepEqual(witness, toWitness(assign(small, numbers, weights), circuit.wires, circuit.r1cs.nWires));
                if (circuit === circuits[1]) {
                    const { firstInput, nInputs } = solver;
                    assert.deepEqual(solver.witnesses(witness.slice(firstInput, firstInput + nInputs)), [witness]);
                }
            }
        }
        return `${honest.length} inputs, ${circuits.map(({ r1cs }) => r1cs.nConstraints).join(', ')} constraints with O0, O1, O2`;
    });
}

await test('mlp 4-3-2, constant weights: honest witnesses, and no others', async () => {
    const inputs = [repeat(4, () => 0n), repeat(4, () => 255n), ...repeat(10, (seed) => randomNumbers(small, seed + 100).image)];
    for (const seed of [1, 2, 3]) {
        const { source } = mlp(small, 'constant', seed);
        const circuit = compile(`mlp_constant_${seed}`, source);
        const solver = new Circuit(circuit.r1cs);
        for (const image of inputs) {
            const numbers = { ...randomNumbers(small, seed), image };
            const witness = await compilersWitness(circuit, inputValues(numbers, 'constant'));
            assert.equal(witness[1], evaluate(small, numbers).class);
            assert.deepEqual(solver.witnesses(image), [witness]);
        }
    }
});

await test('mlp 5-4-3-3 and one layer, and signs on 250 bits', async () => {
    for (const [widths, signBits] of [[[5, 4, 3, 3], 0], [[3, 4], 0], [[4, 3, 2], 250]]) {
        const network = shape(widths, { signBits });
        const circuit = compile(`mlp_${widths.join('_')}_${signBits}`, mlp(network, 'private').source);
        for (const numbers of [...extremes(network), ...repeat(5, (seed) => randomNumbers(network, seed))]) {
            const witness = await compilersWitness(circuit, inputValues(numbers, 'private'));
            assert.deepEqual(violated(circuit.r1cs, witness), []);
            assert.equal(witness[1], evaluate(network, numbers).class);
        }
    }
});

// ---------------------------------------------------------------- forged witnesses

const STEP = 1n << BigInt(SHIFT);

// Each forgery for one neuron (layer l, number j), as `forged` of forge.mjs. A remainder follows from its quotient unless it is named.
function neuronForgeries({ bits }) {
    const half = 1n << BigInt(bits - SHIFT - 1);
    const floor = (sum) => sum >> BigInt(SHIFT);
    const rest = (sum, quotient) => sum - quotient * STEP;
    const withQuotient = (change) => ({ quotient: change, remainder: rest });
    const divided = (remainder) => ({ quotient: (sum) => mod((sum - remainder) * inverse(STEP)), remainder: () => remainder });
    return {
        'quotient + 1, remainder below 0': withQuotient((sum) => floor(sum) + 1n),
        'quotient - 1, remainder of 2^shift and more': withQuotient((sum) => floor(sum) - 1n),
        'quotient + 1, the right remainder': { quotient: (sum) => floor(sum) + 1n },
        'quotient - 1, the right remainder': { quotient: (sum) => floor(sum) - 1n },
        'quotient 0, all in the remainder': withQuotient(() => 0n),
        'the other sign, remainder to match': withQuotient((sum) => floor(sum) + (sum < 0n ? half : -half)),
        'the other sign bit': { sign: (bit) => 1n - bit },
        'a sign that is no bit': { sign: () => 2n },
        'sum + p': { quotient: (sum) => (sum + MODULUS) >> BigInt(SHIFT), remainder: (sum) => mod(sum + MODULUS) % STEP },
        'sum - p': { quotient: (sum) => (sum - MODULUS) >> BigInt(SHIFT), remainder: (sum, q) => sum - MODULUS - q * STEP },
        'remainder 0, quotient sum / 2^shift in the field': divided(0n),
        'remainder 255, quotient in the field': divided(255n),
        'remainder 1, quotient in the field': divided(1n),
        'ReLU lets the quotient through, or not': { relu: (output, quotient) => quotient - output },
        'ReLU puts out 1 more': { relu: (output) => output + 1n },
    };
}

function forgeries(network, numbers, weights) {
    const all = [];
    network.forEach((layer, l) => {
        for (let j = 0; j < layer.nOut; j++) {
            const here = (change) => (atLayer, at, ...rest) => (atLayer === l && at === j ? change(...rest) : undefined);
            for (const [name, forged] of Object.entries(neuronForgeries(layer))) {
                if (forged.relu && l === network.length - 1) {
                    continue; // it has none
                }
                const entries = Object.entries(forged).map(([key, change]) => [key, here(change)]);
                all.push([`layer ${l}, number ${j}: ${name}`, Object.fromEntries(entries)]);
            }
        }
        const isIt = (atLayer, i, j) => atLayer === l && i === 1 && j === 0;
        all.push([`layer ${l}: a product`, { product: (...at) => (isIt(...at) ? at[3] + 1n : undefined) }]);
    });
    const n = network.at(-1).nOut;
    const one = (index) => repeat(n, (i) => (i === index ? 1n : 0n));
    const { class: right } = evaluate(network, numbers);
    for (let index = 0; index < n; index++) {
        if (BigInt(index) !== right) {
            all.push([`class ${index}`, { chosen: () => one(index) }]);
        }
    }
    all.push(
        ['no class', { chosen: () => repeat(n, () => 0n) }],
        ['all classes', { chosen: () => repeat(n, () => 1n) }],
        ['a class in between', { chosen: () => repeat(n, (i) => (i < 2 ? inverse(2n) : 0n)) }],
        ['twice a class less another', { chosen: () => repeat(n, (i) => [2n, -1n, 0n][Math.min(i, 2)]) }],
    );
    const image = (value) => ({ numbers: { ...numbers, image: numbers.image.with(0, value) } });
    all.push(...[256n, -1n, inverse(2n), MODULUS - 256n].map((value) => [`pixel ${value}`, image(value)]));
    if (weights === 'checked') {
        const layer = (change) => ({ numbers: { ...numbers, layers: numbers.layers.with(0, { ...numbers.layers[0], ...change }) } });
        const [row] = numbers.layers[0].weights;
        for (const value of [128n, -129n, 256n, inverse(2n), MODULUS / 2n]) {
            all.push([`weight ${value}`, layer({ weights: numbers.layers[0].weights.with(0, row.with(0, value)) })]);
        }
        for (const value of [32768n, -32769n, inverse(2n)]) {
            all.push([`bias ${value}`, layer({ bias: numbers.layers[0].bias.with(0, value) })]);
        }
    }
    return all;
}

for (const weights of ['private', 'checked']) {
    await test(`mlp 4-3-2, ${weights} weights: forged witnesses break constraints`, () => {
        const circuits = ['--O0', '--O1'].map((flag) => compile(`forged_${weights}_${flag.slice(2)}`, mlp(small, weights).source, [flag]));
        let [count, single] = [0, 0];
        for (const numbers of honest.slice(0, 30)) {
            const right = assign(small, numbers, weights);
            for (const [name, forged] of forgeries(small, numbers, weights)) {
                for (const [how, write] of Object.entries(WRITE)) {
                    const values = assign(small, forged.numbers ?? numbers, weights, { ...forged, write });
                    // Of some numbers a forgery is none: a ReLU of 0 that lets it through, a remainder that is 0 anyway.
                    if ([...values].every(([signal, value]) => right.get(signal) === value)) {
                        continue;
                    }
                    const broken = circuits.map(({ r1cs, wires }) => violated(r1cs, toWitness(values, wires, r1cs.nWires)).length);
                    assert.ok(Math.min(...broken) > 0, `${name}, ${how}: all constraints hold`);
                    count += 1;
                    single += broken[0] === 1 ? 1 : 0;
                }
            }
        }
        return `${count} witnesses, ${single} of which break a single constraint`;
    });
}

await test('mlp 4-3-2: no single wire but an input can have another value', async () => {
    const circuit = compile('mlp_single', mlp(small, 'private').source);
    const { firstInput, nInputs } = new Circuit(circuit.r1cs);
    const witness = await compilersWitness(circuit, inputValues(randomNumbers(small, 3), 'private'));
    for (let wire = 1; wire < witness.length; wire++) {
        if (wire >= firstInput && wire < firstInput + nInputs) {
            continue;
        }
        for (const change of [1n, -1n, inverse(2n), 1n << 128n]) {
            assert.notDeepEqual(violated(circuit.r1cs, witness.with(wire, mod(witness[wire] + change))), [], `wire ${wire}`);
        }
    }
});

// ---------------------------------------------------------------- fixtures

for (const [name, { source, values }] of [['chain', chain(60)], ['mlp', mlp(small, 'private', 2)]]) {
    await test(`fixtures of ${name}: what this folder makes, and accepted`, async () => {
        const file = (suffix) => join(FIXTURES, `${name}.${suffix}`);
        const read = (suffix) => readFileSync(file(suffix));
        const circuit = compile(name, source);
        assert.deepEqual(read('r1cs'), readFileSync(join(folder, `${name}.r1cs`)));
        assert.equal(read('circom').toString(), source);
        assert.deepEqual(JSON.parse(read('input.json')), values);
        const witness = readWtns(read('wtns'));
        assert.deepEqual(witness, await compilersWitness(circuit, values));
        assert.deepEqual(violated(circuit.r1cs, witness), []);
        const publicSignals = JSON.parse(read('public.json'));
        const { nOutputs, nPublicInputs } = circuit.r1cs;
        assert.deepEqual(publicSignals.map(BigInt), witness.slice(1, 1 + nOutputs + nPublicInputs));
        const key = JSON.parse(JSON.stringify(await tools.verifyingKey(file('zkey'))));
        assert.deepEqual(key, JSON.parse(read('verification_key.json')));
        assert.ok(await tools.verify(file('verification_key.json'), file('public.json'), file('proof.json')));

        const wrong = join(folder, 'wrong.json');
        writeFileSync(wrong, JSON.stringify([(BigInt(publicSignals[0]) + 1n).toString(), ...publicSignals.slice(1)]));
        assert.ok(!(await tools.verify(file('verification_key.json'), wrong, file('proof.json'))));
    });
}

await tools.close();
rmSync(folder, { recursive: true });
console.log(`Ran ${ran} tests, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
