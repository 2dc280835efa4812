// circom and snarkjs as functions on files. Both are used as npm has them.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
    closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import os, { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as snarkjs from 'snarkjs';

import { readR1cs } from './r1cs.mjs';

const COMPILER = fileURLToPath(new URL('node_modules/circom2/cli.js', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

// The version of snarkjs that is installed.
export function version() {
    return JSON.parse(readFileSync(new URL('node_modules/snarkjs/package.json', import.meta.url), 'utf8')).version;
}

// The highest resident memory of this process since it was made; of its whole life where the system cannot forget.
export class Peak {
    constructor() {
        try {
            writeFileSync('/proc/self/clear_refs', '5');
        } catch {
            // Then resourceUsage says what it knows.
        }
    }

    bytes() {
        try {
            const kib = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
            return 1024 * Number(kib[1]);
        } catch {
            return 1024 * process.resourceUsage().maxRSS;
        }
    }
}

// snarkjs keeps its workers, which keep the process, until the curve is terminated.
export async function close() {
    await globalThis.curve_bn128?.terminate();
}

// NAME.r1cs, NAME.wasm and NAME.sym of NAME.circom, which finds our circuits as circuits/FILE. Returns the header of NAME.r1cs.
export function compile(main, outDir, flags = []) {
    mkdirSync(outDir, { recursive: true });
    const name = basename(main, '.circom');
    const args = [resolve(main), '--r1cs', '--wasm', '--sym', ...flags, '-l', HERE, '-o', resolve(outDir)];
    // The compiler's WebAssembly sees the folders above the current one only by relative paths, and finds no sibling
    // through them: from the root every path is below.
    const { status, stdout, stderr, error } = spawnSync(process.execPath, [COMPILER, ...args], { cwd: '/', encoding: 'utf8' });
    const made = join(outDir, `${name}_js`, `${name}.wasm`);
    if (status !== 0 || !existsSync(made)) {
        throw new Error(`circom does not compile ${main}\n${error ?? ''}${stdout}${stderr}`);
    }
    renameSync(made, join(outDir, `${name}.wasm`));
    rmSync(join(outDir, `${name}_js`), { recursive: true });
    return readR1cs(readFileSync(join(outDir, `${name}.r1cs`)), { headerOnly: true });
}

// The witness for INPUT.json, or for an object of the same form. Throws where there is none.
export async function witness(wasm, input, wtns) {
    const values = typeof input === 'string' ? JSON.parse(readFileSync(input, 'utf8')) : input;
    await snarkjs.wtns.calculate(values, wasm, wtns);
}

// A key that one party makes, who could keep what is needed to prove anything: for development.
export async function setup(r1csFile, zkey, ptauDir) {
    const { nConstraints, nOutputs, nPublicInputs } = readR1cs(readFileSync(r1csFile), { headerOnly: true });
    // The domain has a row for each constraint, for each public signal and for the constant 1.
    const power = Math.max(1, Math.ceil(Math.log2(nConstraints + nOutputs + nPublicInputs + 1)));
    await inTemporaryFolder(async (folder) => {
        const ptau = await powersOfTau(power, ptauDir ?? folder, folder);
        const initial = join(folder, 'initial.zkey');
        if ((await snarkjs.zKey.newZKey(r1csFile, ptau, initial)) === -1) {
            throw new Error(`snarkjs makes no key from ${r1csFile} and ${ptau}`);
        }
        await snarkjs.zKey.contribute(initial, zkey, 'development', randomBytes(32).toString('hex'));
    });
}

async function powersOfTau(power, dir, folder) {
    const file = join(dir, `powers-${power}.ptau`);
    if (existsSync(file)) {
        return file;
    }
    const [initial, contributed, prepared] = ['initial', 'contributed', 'prepared'].map((name) => join(folder, `${name}.ptau`));
    const curve = await snarkjs.curves.getCurveFromName('bn128');
    await snarkjs.powersOfTau.newAccumulator(curve, power, initial);
    await snarkjs.powersOfTau.contribute(initial, contributed, 'development', randomBytes(32).toString('hex'));
    // Under a name of its own until it is whole, so that nobody takes a part of it.
    mkdirSync(dir, { recursive: true });
    const partial = dir === folder ? prepared : `${file}.${process.pid}.tmp`;
    await snarkjs.powersOfTau.preparePhase2(contributed, partial);
    renameSync(partial, file);
    return file;
}

async function inTemporaryFolder(work) {
    const folder = mkdtempSync(join(tmpdir(), 'zkwatt-circom-'));
    try {
        return await work(folder);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

export async function verifyingKey(zkey) {
    return await snarkjs.zKey.exportVerificationKey(zkey);
}

// snarkjs on so many threads from now on; on all without a number. On one it has no workers. It takes as many as there are processors, so
// those are what it is told of.
export async function start(threads) {
    if (threads > 1) {
        os.cpus = () => new Array(threads).fill({});
    }
    // Kept where snarkjs looks for the one with workers: it would compile another one for each proof.
    globalThis.curve_bn128 = await snarkjs.curves.getCurveFromName('bn128', { singleThread: threads === 1 });
}

// A file as snarkjs takes it from memory, in pieces as one read has a limit.
export function inMemory(file) {
    const data = new Uint8Array(statSync(file).size);
    const fd = openSync(file);
    try {
        for (let at = 0; at < data.length; ) {
            const read = readSync(fd, data, at, Math.min(data.length - at, 1 << 30), at);
            if (read === 0) {
                throw new Error(`${file} became shorter while it was read`);
            }
            at += read;
        }
    } finally {
        closeSync(fd);
    }
    return { type: 'mem', data };
}

// Files, or what `inMemory` made of them. Times in seconds, after `start`: reading both and proving. cpu_s: user and system time of all
// threads.
export async function prove(zkey, wtns) {
    const [ready, cpu] = [process.hrtime.bigint(), process.cpuUsage()];
    const { proof, publicSignals } = await snarkjs.groth16.prove(zkey, wtns);
    const [end, used] = [process.hrtime.bigint(), process.cpuUsage(cpu)];
    const times = { prove_s: Number(end - ready) / 1e9, cpu_s: (used.user + used.system) / 1e6 };
    return { proof, publicSignals, times };
}

export async function verify(key, publicFile, proof) {
    const [vk, publicSignals, parsed] = [key, publicFile, proof].map((file) => JSON.parse(readFileSync(file, 'utf8')));
    return await snarkjs.groth16.verify(vk, publicSignals, parsed);
}
