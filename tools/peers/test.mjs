// Tests of this folder; `tools/peers/test` runs it. Constraints are evaluated by r1cs.mjs; expected values come from plain integers.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { mod, readR1cs, readSym, readWtns, violated } from '../circom/r1cs.mjs';
import * as tools from '../circom/tools.mjs';
import { accumulatorBits, source, values } from './network.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const TOOLS = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'zkwatt-peers-test-'));
const at = (name) => join(folder, name);
let [ran, failed] = [0, 0];

async function test(name, body) {
    ran += 1;
    try {
        await body();
        console.log(`ok    ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED ${name}\n${error.stack}`);
    }
}

function compile(name, text) {
    writeFileSync(at(`${name}.circom`), text);
    tools.compile(at(`${name}.circom`), folder, ['-l', TOOLS]);
    const r1cs = readR1cs(readFileSync(at(`${name}.r1cs`)));
    return { r1cs, wires: readSym(readFileSync(at(`${name}.sym`), 'utf8')), wasm: at(`${name}.wasm`) };
}

async function witnessOf({ wasm }, input) {
    await tools.witness(wasm, input, at('test.wtns'));
    return readWtns(readFileSync(at('test.wtns')));
}

const requantise = (value, { shift, bits }) => {
    const rounded = (value + 2 ** (shift - 1)) >> shift;
    return Math.min(2 ** bits - 1, Math.max(0, rounded));
};

function infer({ layers }, image) {
    return layers.reduce((x, layer) => {
        const sums = layer.bias.map((bias, j) => x.reduce((sum, v, i) => sum + v * layer.weights[j * layer.inputs + i], bias));
        return layer.requantise ? sums.map((sum) => requantise(sum, layer.requantise)) : sums;
    }, image);
}

const classOf = (outputs) => outputs.indexOf(Math.max(...outputs));

function network(seed) {
    let state = seed;
    const next = (bound) => {
        state = (state * 1103515245 + 12345) % 2 ** 31;
        return (state >> 8) % bound;
    };
    const layer = (inputs, outputs, requantised) => ({
        inputs,
        outputs,
        weights: Array.from({ length: inputs * outputs }, () => next(255) - 127),
        bias: Array.from({ length: outputs }, () => next(2000) - 1000),
        requantise: requantised,
    });
    return { input_bits: 8, layers: [layer(4, 3, { shift: 6, bits: 8 }), layer(3, 2, null)] };
}

await test('requantisation rounds, rectifies and saturates, and has no other answer', async () => {
    const [bits, shift, outBits] = [12, 3, 4];
    const main = `component main = Requantise(${bits}, ${shift}, ${outBits});`;
    const circuit = compile('requantise', `pragma circom 2.1.0;\ninclude "peers/circuits/requantise.circom";\n${main}\n`);
    const edge = 2 ** (bits - 1) - 2 ** (shift - 1);
    for (const value of [-2048 - 4, -1000, -5, -4, -1, 0, 3, 4, 11, 12, 119, 120, 123, 124, 131, 132, 1000, edge - 1]) {
        const witness = await witnessOf(circuit, { in: mod(BigInt(value)).toString() });
        assert.equal(witness[1], BigInt(requantise(value, { shift, bits: outBits })), `${value}`);
        assert.deepEqual(violated(circuit.r1cs, witness), []);
        // Any one wire changed, but for the inverse of what is 0, which nothing needs.
        for (let wire = 1; wire < witness.length; wire++) {
            const free = wire === circuit.wires.get('inverse') && witness[circuit.wires.get('high')] === 0n;
            for (const forged of [0n, 1n, witness[wire] + 1n, 15n].map(mod)) {
                if (!free && forged !== witness[wire]) {
                    const changed = witness.with(wire, forged);
                    assert.notDeepEqual(violated(circuit.r1cs, changed), [], `${value}: wire ${wire} may be ${forged}`);
                }
            }
        }
    }
    for (const value of [edge, -(2 ** (bits - 1)) - 5]) {
        await assert.rejects(witnessOf(circuit, { in: mod(BigInt(value)).toString() }), `${value}`);
    }
});

await test('a network with weights as inputs has the class of plain integers', async () => {
    const first = network(1);
    assert.deepEqual(accumulatorBits(first), [19, 18]);
    const circuit = compile('network', source(first));
    const classes = new Set();
    // The circuit knows the widths of the weights, not the weights.
    for (let seed = 1; seed <= 8; seed++) {
        const image = [0, 1, 2, 3].map((i) => (seed * 61 + i * 97) % 256);
        const [witness, expected] = [await witnessOf(circuit, values(network(seed), image)), classOf(infer(network(seed), image))];
        assert.deepEqual(violated(circuit.r1cs, witness), []);
        assert.equal(witness[1], BigInt(expected));
        assert.notDeepEqual(violated(circuit.r1cs, witness.with(1, BigInt(1 - expected))), []);
        classes.add(expected);
    }
    assert.equal(classes.size, 2);
});

// Runs a phase of a program in the folder.
function phase(program, name) {
    const { status, stdout, stderr } = spawnSync(join(HERE, program), name === 'version' ? [name] : [name, folder], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const answer = JSON.parse(stdout.trim().split('\n').at(-1));
    assert.ok(answer.peak_rss_bytes > 2 ** 20);
    return answer;
}

await test('snarkjs through all phases', async () => {
    const [model, integers] = [network(3), [10, 200, 30, 250]];
    writeFileSync(at('job.json'), JSON.stringify({ circuit: 'weights-as-inputs', threads: 1, network: model, integers }));
    assert.match(phase('snarkjs', 'version').version, /^\d/);
    assert.ok(phase('snarkjs', 'setup').constraints > 18);
    await tools.setup(at('circuit.r1cs'), at('circuit.zkey'));
    const expected = classOf(infer(model, integers));
    assert.equal(phase('snarkjs', 'witness').class, expected);
    assert.equal(phase('snarkjs', 'prove').proof_bytes, 128);
    assert.ok(phase('snarkjs', 'verify').accepted);
    const forged = JSON.parse(readFileSync(at('public.json'), 'utf8')).map((value) => `${Number(value) + 1}`);
    writeFileSync(at('public.json'), JSON.stringify(forged));
    assert.ok(!phase('snarkjs', 'verify').accepted);
});

if (existsSync(join(HERE, 'venv/ready'))) {
    for (const [input, weights] of [['private', 'public'], ['committed', 'private']]) {
        await test(`EZKL through all phases: ${input} input, ${weights} weights`, () => {
            copyFileSync(join(HERE, 'fixtures/4-3-2.onnx'), at('model.onnx'));
            const image = [0.25, 0.5, 0.75, 1];
            const images = [image, [1, 0, 0.5, 0.25]];
            writeFileSync(at('job.json'), JSON.stringify({ input, weights, image, images, calibration: images, classify_s: 60 }));
            assert.match(phase('ezkl', 'version').version, /^\d/);
            const setup = phase('ezkl', 'setup');
            assert.ok(setup.key_bytes > 0 && setup.rows_used <= 2 ** setup.log_rows && setup.steps.calibrate > 0);
            const made = phase('ezkl', 'witness');
            const { classes } = phase('ezkl', 'classify');
            assert.deepEqual([classes.length, classes[0]], [2, made.class]);
            assert.ok(phase('ezkl', 'prove').proof_bytes > 1000);
            assert.ok(phase('ezkl', 'verify').accepted);
        });
    }
} else {
    console.log('SKIPPED EZKL through all phases: tools/peers/install installs it');
}

await test('what is no phase is refused', () => {
    for (const program of existsSync(join(HERE, 'venv/ready')) ? ['ezkl', 'snarkjs'] : ['snarkjs']) {
        for (const args of [[], ['prove'], ['nonsense', folder]]) {
            const { status, stderr } = spawnSync(join(HERE, program), args, { encoding: 'utf8' });
            assert.equal(status, 2);
            assert.match(stderr, /^usage: /);
        }
        const { status, stderr } = spawnSync(join(HERE, program), ['prove', at('nowhere')], { encoding: 'utf8' });
        assert.equal(status, 1);
        assert.match(stderr, /error: /);
    }
});

rmSync(folder, { recursive: true });
await tools.close();
console.log(`test result: ${failed === 0 ? 'ok' : 'FAILED'}. ${ran - failed} passed; ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
