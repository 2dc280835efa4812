// Replays recordings of zkwatt's wgpu device on Dawn and compares what buffers hold.
//
//     node replay.mjs FILE.json…
//
// A file is {"shaders": [WGSL…], "commands": [Command…]}, `zkwatt::device::wgpu::Command` with the index of a text
// in `shader`. The device is asked for WebGPU's default limits and for no feature. Exit code: 0 all equal, 1 not, 2 usage,
// 3 there is no adapter.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PARAMS_BYTES = 256;
// Dispatches of one submit: software devices are slow, and a driver must not take them for hung.
const MAX_DISPATCHES = 64;
// What new buffers hold: nothing may depend on it.
const GARBAGE = 0x5a;

const swiftshader = fileURLToPath(new URL('swiftshader/vk_swiftshader_icd.json', import.meta.url));
if (!process.env.VK_ICD_FILENAMES && existsSync(swiftshader)) {
    process.env.VK_ICD_FILENAMES = swiftshader;
}
// Loaded only now: the Vulkan loader reads the environment once.
const { create, globals } = await import('webgpu');
Object.assign(globalThis, globals);

class Replay {
    constructor(device, file) {
        this.device = device;
        this.shaders = file.shaders;
        this.buffers = new Map();
        this.pipelines = new Map();
        this.pending = [];
        this.params = [];
        this.counts = { dispatches: 0, comparisons: 0, bytes: 0 };
        this.last = 'nothing';
    }

    async run(commands) {
        for (const [index, command] of commands.entries()) {
            const problem = await this[command.command](command);
            if (problem) {
                return `command ${index}: ${problem}; the dispatch before it was ${this.last}`;
            }
        }
        this.flush();
        await this.device.queue.onSubmittedWorkDone();
        return null;
    }

    buffer({ id, bytes }) {
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        const buffer = this.device.createBuffer({ size: bytes, usage });
        this.device.queue.writeBuffer(buffer, 0, new Uint8Array(bytes).fill(GARBAGE));
        this.buffers.set(id, buffer);
    }

    write({ id, offset, data }) {
        this.flush();
        this.device.queue.writeBuffer(this.buffers.get(id), offset, Buffer.from(data, 'hex'));
    }

    clear({ id, offset, bytes }) {
        this.pending.push((encoder) => encoder.clearBuffer(this.buffers.get(id), offset, bytes));
    }

    copy({ from, from_offset, to, to_offset, bytes }) {
        const [source, target] = [this.buffers.get(from), this.buffers.get(to)];
        this.pending.push((encoder) => encoder.copyBufferToBuffer(source, from_offset, target, to_offset, bytes));
    }

    async dispatch({ entry, shader, bindings, params, groups }) {
        const { pipeline, layout } = await this.pipeline(entry, shader, bindings);
        const entries = bindings.map(([id, offset, size], binding) => ({
            binding,
            resource: { buffer: this.buffers.get(id), offset, size },
        }));
        const storage = this.device.createBindGroup({ layout, entries });
        const start = this.params.length * PARAMS_BYTES;
        this.params.push(params);
        this.pending.push((encoder, uniforms) => {
            const pass = encoder.beginComputePass();
            pass.setPipeline(pipeline);
            pass.setBindGroup(0, storage);
            pass.setBindGroup(1, uniforms, [start]);
            pass.dispatchWorkgroups(groups[0], groups[1]);
            pass.end();
        });
        this.last = entry;
        this.counts.dispatches += 1;
        if (this.params.length === MAX_DISPATCHES) {
            this.flush();
        }
    }

    async expect({ id, offset, data }) {
        const wanted = Buffer.from(data, 'hex');
        const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
        const staging = this.device.createBuffer({ size: wanted.length, usage });
        this.pending.push((encoder) => {
            encoder.copyBufferToBuffer(this.buffers.get(id), offset, staging, 0, wanted.length);
        });
        this.flush();
        await staging.mapAsync(GPUMapMode.READ);
        const found = Buffer.from(staging.getMappedRange().slice(0));
        staging.destroy();
        this.counts.comparisons += 1;
        this.counts.bytes += wanted.length;
        if (found.equals(wanted)) {
            return null;
        }
        const word = firstDifference(found, wanted);
        const hex = (bytes) => bytes.subarray(word, word + 32).toString('hex');
        return `buffer ${id} differs from byte ${offset + word} on: ${hex(found)}…, expected ${hex(wanted)}…`;
    }

    flush() {
        if (this.pending.length === 0) {
            return;
        }
        const encoder = this.device.createCommandEncoder();
        const uniforms = this.params.length > 0 ? this.uniforms() : null;
        for (const encode of this.pending) {
            encode(encoder, uniforms);
        }
        this.device.queue.submit([encoder.finish()]);
        this.pending = [];
        this.params = [];
    }

    uniforms() {
        const words = new Uint32Array((this.params.length * PARAMS_BYTES) / 4);
        this.params.forEach((params, index) => words.set(params, (index * PARAMS_BYTES) / 4));
        const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
        const buffer = this.device.createBuffer({ size: words.byteLength, usage });
        this.device.queue.writeBuffer(buffer, 0, words);
        const resource = { buffer, size: PARAMS_BYTES };
        return this.device.createBindGroup({ layout: this.paramsLayout(), entries: [{ binding: 0, resource }] });
    }

    paramsLayout() {
        this.cachedParamsLayout ??= this.layout([{ type: 'uniform', hasDynamicOffset: true }]);
        return this.cachedParamsLayout;
    }

    layout(buffers) {
        const entry = (buffer, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer });
        return this.device.createBindGroupLayout({ entries: buffers.map(entry) });
    }

    async pipeline(entry, shader, bindings) {
        const key = `${shader} ${entry}`;
        if (!this.pipelines.has(key)) {
            this.pipelines.set(key, await this.compile(entry, this.shaders[shader], bindings));
        }
        return this.pipelines.get(key);
    }

    async compile(entryPoint, code, bindings) {
        const layout = this.layout(
            bindings.map(([, , , written]) => ({ type: written ? 'storage' : 'read-only-storage' })),
        );
        const module = this.device.createShaderModule({ code });
        const bindGroupLayouts = [layout, this.paramsLayout()];
        const pipeline = await this.device.createComputePipelineAsync({
            layout: this.device.createPipelineLayout({ bindGroupLayouts }),
            compute: { module, entryPoint },
        });
        return { pipeline, layout };
    }
}

function firstDifference(found, wanted) {
    const byte = wanted.findIndex((value, index) => found[index] !== value);
    return byte - (byte % 4);
}

async function replayed(adapter, path) {
    const device = await adapter.requestDevice();
    let refused = null;
    device.addEventListener('uncapturederror', ({ error }) => {
        refused ??= error.message;
    });
    const file = JSON.parse(readFileSync(path, 'utf8'));
    const replay = new Replay(device, file);
    let problem;
    try {
        problem = await replay.run(file.commands);
    } catch (error) {
        problem = `after the dispatch ${replay.last}: ${error.message}`;
    }
    problem = refused ?? problem;
    const { dispatches, comparisons, bytes } = replay.counts;
    const counts = `${replay.pipelines.size} pipelines, ${dispatches} dispatches, ${comparisons} comparisons, ${bytes} bytes`;
    console.log(`${problem ? 'DIFFERS' : 'equal  '} ${path}: ${counts}`);
    if (problem) {
        console.error(`error: ${path}: ${problem}`);
    }
    device.destroy();
    return !problem && comparisons > 0;
}

async function main(paths) {
    if (paths.length === 0) {
        console.error('usage: node replay.mjs FILE.json…');
        return 2;
    }
    const gpu = create([]);
    let equal = true;
    for (const path of paths) {
        // An adapter makes one device.
        const adapter = await gpu.requestAdapter();
        if (!adapter) {
            console.error('error: Dawn finds no adapter; `tools/dawn/install` gets SwiftShader');
            return 3;
        }
        const { vendor, architecture, description } = adapter.info;
        console.log(`Dawn on ${vendor} ${architecture} (${description})`);
        equal = (await replayed(adapter, path)) && equal;
    }
    return equal ? 0 : 1;
}

// Dawn's threads keep node alive.
process.exit(await main(process.argv.slice(2)));
