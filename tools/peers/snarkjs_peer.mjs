// snarkjs as a peer of bench-prove: one phase a process, one line of JSON on standard output. tools/peers/README.md has the protocol.
//
// job.json says which `circuit`: `given`, for which circuit.r1cs and witness.wtns are in the folder, or `weights-as-inputs`, which is
// made here of the `network`. circuit.zkey comes from bench-prove, after the setup.

import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readR1cs } from '../circom/r1cs.mjs';
import * as tools from '../circom/tools.mjs';
import { source, values } from './network.mjs';

const TOOLS = fileURLToPath(new URL('..', import.meta.url));

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

async function timed(work) {
    const start = process.hrtime.bigint();
    const result = await work();
    return [result, Number(process.hrtime.bigint() - start) / 1e9];
}

// The value of wire 1, which is the circuit's output; the file's head is 12, 12 + 40 and 12 bytes long, and wire 0 is 1.
function firstOutput(wtns) {
    const bytes = Buffer.alloc(32);
    const file = openSync(wtns);
    readSync(file, bytes, 0, 32, 12 + 12 + 40 + 12 + 32);
    closeSync(file);
    return Number(bytes.readBigUInt64LE());
}

const PHASES = {
    async setup({ path, job }) {
        const steps = {};
        if (job.circuit === 'weights-as-inputs') {
            writeFileSync(path('circuit.circom'), source(job.network));
            [, steps.compile] = await timed(() => tools.compile(path('circuit.circom'), path('.'), ['-l', TOOLS]));
        }
        const { nConstraints } = readR1cs(readFileSync(path('circuit.r1cs')), { headerOnly: true });
        return { setup_s: steps.compile ?? 0, steps, constraints: nConstraints };
    },
    async witness({ path, job }) {
        if (job.circuit !== 'weights-as-inputs') {
            return {};
        }
        const input = values(job.network, job.integers);
        const [, seconds] = await timed(() => tools.witness(path('circuit.wasm'), input, path('witness.wtns')));
        return { witness_s: seconds, class: firstOutput(path('witness.wtns')) };
    },
    // Reads the key and the witness from their files. Starting the workers is not in the time.
    async prove({ path, job }) {
        ['proof.json', 'public.json'].forEach((name) => rmSync(path(name), { force: true }));
        await tools.start(job.threads);
        const { proof, publicSignals, times } = await tools.prove(path('circuit.zkey'), path('witness.wtns'));
        writeFileSync(path('proof.json'), JSON.stringify(proof));
        writeFileSync(path('public.json'), JSON.stringify(publicSignals));
        // Two points of G1 and one of G2, compressed.
        return { ...times, proof_bytes: 2 * 32 + 64 };
    },
    async verify({ path }) {
        if (!existsSync(path('vk.json'))) {
            writeFileSync(path('vk.json'), JSON.stringify(await tools.verifyingKey(path('circuit.zkey'))));
        }
        const files = ['vk.json', 'public.json', 'proof.json'].map(path);
        const [accepted, seconds] = await timed(() => tools.verify(...files));
        return { verify_s: seconds, accepted };
    },
};

async function answer([phase, folder, ...more]) {
    if (phase === 'version' && folder === undefined) {
        return { version: tools.version() };
    }
    if (!Object.hasOwn(PHASES, phase) || folder === undefined || more.length > 0) {
        console.error(`usage: tools/peers/snarkjs version | ${Object.keys(PHASES).join(' | ')} FOLDER`);
        process.exitCode = 2;
        return undefined;
    }
    const path = (name) => join(folder, name);
    return PHASES[phase]({ path, job: json(path('job.json')) });
}

const peak = new tools.Peak();
try {
    const result = await answer(process.argv.slice(2));
    if (result !== undefined) {
        console.log(JSON.stringify({ ...result, peak_rss_bytes: peak.bytes() }));
    }
} catch (error) {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
} finally {
    await tools.close();
}
