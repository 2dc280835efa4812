// The command line of this folder; `circom --help` says what it does.
// Exit codes: 0 done, 1 failed or proof rejected, 2 usage.

import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { chain, mlp, shape } from './generate.mjs';
import * as tools from './tools.mjs';

const USAGE = `usage: tools/circom/circom COMMAND …

  compile MAIN.circom OUT_DIR           NAME.r1cs, NAME.wasm and NAME.sym, and prints how many constraints;
                                        --O0, --O1 (default) or --O2 as circom has them
  witness NAME.wasm INPUT.json OUT.wtns
  setup NAME.r1cs OUT.zkey              powers of tau and key by one party: for development only
                                        --ptau-dir DIR keeps powers-N.ptau there, and takes what is there
  vkey ZKEY OUT.json
  prove ZKEY WTNS PROOF PUBLIC          prints the time that it took; --threads N
  prover ZKEY WTNS                      for benches: reads both files once, and proves for each line of its input;
                                        prints a line of JSON when it is ready and one for each proof; --threads N
  verify VK PUBLIC PROOF

  chain N MAIN.circom INPUT.json        a chain of N products and values for it
  mlp WIDTHS MAIN.circom INPUT.json     a network such as 784-128-10 and values for it
                                        --weights private (default), checked, public or constant
                                        --sign-bits N: tests signs on N bits instead of as few as there can be
                                        --seed N for both, default 1
`;

class UsageError extends Error {}

const COMMANDS = {
    async compile([main, outDir], options) {
        const level = ['O0', 'O1', 'O2'].find((name) => options[name]);
        const { nConstraints, nWires, nOutputs, nPublicInputs } = tools.compile(main, outDir, level ? [`--${level}`] : []);
        console.log(JSON.stringify({ constraints: nConstraints, wires: nWires, public: nOutputs + nPublicInputs }));
    },
    async witness([wasm, input, wtns]) {
        await tools.witness(wasm, input, wtns);
    },
    async setup([r1cs, zkey], options) {
        await tools.setup(r1cs, zkey, options['ptau-dir']);
    },
    async vkey([zkey, out]) {
        writeFileSync(out, json(await tools.verifyingKey(zkey)));
    },
    async prove([zkey, wtns, proofFile, publicFile], options) {
        await tools.start(threads(options));
        const { proof, publicSignals, times } = await tools.prove(zkey, wtns);
        writeFileSync(proofFile, json(proof));
        writeFileSync(publicFile, json(publicSignals));
        console.log(JSON.stringify(times));
    },
    async prover([zkey, wtns], options) {
        const files = [zkey, wtns].map(tools.inMemory);
        await tools.start(threads(options));
        console.log(JSON.stringify({ version: tools.version() }));
        for await (const _ of createInterface({ input: process.stdin })) {
            const peak = new tools.Peak();
            const { proof, publicSignals, times } = await tools.prove(...files);
            console.log(JSON.stringify({ proof, public: publicSignals, ...times, peak_rss_bytes: peak.bytes() }));
        }
    },
    async verify([key, publicFile, proof]) {
        if (!(await tools.verify(key, publicFile, proof))) {
            console.error('error: the proof is rejected');
            process.exitCode = 1;
        }
    },
    async chain([n, main, input], options) {
        write(main, input, chain(natural('N', n), seed(options)));
    },
    async mlp([widths, main, input], options) {
        const network = shape(
            widths.split('-').map((width) => natural('WIDTHS', width)),
            { signBits: options['sign-bits'] === undefined ? 0 : natural('--sign-bits', options['sign-bits']) },
        );
        write(main, input, mlp(network, options.weights ?? 'private', seed(options)));
    },
};

const OPERANDS = { compile: 2, witness: 3, setup: 2, vkey: 2, prove: 4, prover: 2, verify: 3, chain: 3, mlp: 3 };
const OPTIONS = {
    compile: { O0: { type: 'boolean' }, O1: { type: 'boolean' }, O2: { type: 'boolean' } },
    setup: { 'ptau-dir': { type: 'string' } },
    prove: { threads: { type: 'string' } },
    prover: { threads: { type: 'string' } },
    chain: { seed: { type: 'string' } },
    mlp: { seed: { type: 'string' }, weights: { type: 'string' }, 'sign-bits': { type: 'string' } },
};

function json(value) {
    return `${JSON.stringify(value, null, 1)}\n`;
}

function natural(name, text) {
    if (!/^[0-9]{1,9}$/.test(text)) {
        throw new UsageError(`${name} is ${text}; expected a number`);
    }
    return Number(text);
}

function threads(options) {
    return options.threads === undefined ? undefined : Math.max(1, natural('--threads', options.threads));
}

function seed(options) {
    return options.seed === undefined ? 1 : natural('--seed', options.seed);
}

function write(main, input, { source, values }) {
    writeFileSync(main, source);
    writeFileSync(input, json(values));
}

async function run([command, ...args]) {
    if (!Object.hasOwn(COMMANDS, command)) {
        throw new UsageError(command === undefined ? 'a command is missing' : `there is no command ${command}`);
    }
    let parsed;
    try {
        parsed = parseArgs({ args, options: OPTIONS[command] ?? {}, allowPositionals: true });
    } catch (error) {
        throw new UsageError(error.message);
    }
    if (parsed.positionals.length !== OPERANDS[command]) {
        throw new UsageError(`${command} takes ${OPERANDS[command]} operands, not ${parsed.positionals.length}`);
    }
    await COMMANDS[command](parsed.positionals, parsed.values);
}

const args = process.argv.slice(2);
if (args[0] === '-h' || args[0] === '--help') {
    process.stdout.write(USAGE);
} else {
    try {
        await run(args);
    } catch (error) {
        console.error(`error: ${error.message}`);
        if (error instanceof UsageError) {
            process.stderr.write(USAGE);
        }
        process.exitCode = error instanceof UsageError ? 2 : 1;
    } finally {
        await tools.close();
    }
}
