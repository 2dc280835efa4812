// iden3's binary files of constraints (.r1cs) and witnesses (.wtns), version 1 and 2, and the table of signals (.sym), read
// as the formats say and without snarkjs, so that a test which evaluates constraints here is a second opinion.

// The scalar field of BN254.
export const MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

export function mod(value) {
    const rest = value % MODULUS;
    return rest < 0n ? rest + MODULUS : rest;
}

class Reader {
    constructor(buffer, offset = 0) {
        this.buffer = buffer;
        this.offset = offset;
    }

    u32() {
        this.offset += 4;
        return this.buffer.readUInt32LE(this.offset - 4);
    }

    u64() {
        this.offset += 8;
        return Number(this.buffer.readBigUInt64LE(this.offset - 8));
    }

    field() {
        let value = 0n;
        for (let limb = 3; limb >= 0; limb--) {
            value = (value << 64n) | this.buffer.readBigUInt64LE(this.offset + 8 * limb);
        }
        this.offset += 32;
        return value;
    }
}

// Offsets of the sections by their type.
function sections(buffer, magic, version) {
    const reader = new Reader(buffer, 4);
    if (buffer.toString('latin1', 0, 4) !== magic || reader.u32() !== version) {
        throw new Error(`expected a file of type ${magic}, version ${version}`);
    }
    const found = new Map();
    for (let left = reader.u32(); left > 0; left--) {
        const type = reader.u32();
        const bytes = reader.u64();
        found.set(type, reader.offset);
        reader.offset += bytes;
    }
    return found;
}

function expectBn254(reader) {
    if (reader.u32() !== 32 || reader.field() !== MODULUS) {
        throw new Error('expected the scalar field of BN254');
    }
}

// {nWires, nOutputs, nPublicInputs, nPrivateInputs, nConstraints, constraints}; a constraint is [A, B, C] with A * B = C, each
// a list of [wire, coefficient]. Wire 0 is 1; the outputs, the public inputs and the private inputs follow in this order.
export function readR1cs(buffer, { headerOnly = false } = {}) {
    const found = sections(buffer, 'r1cs', 1);
    const header = new Reader(buffer, found.get(1));
    expectBn254(header);
    const [nWires, nOutputs, nPublicInputs, nPrivateInputs] = [header.u32(), header.u32(), header.u32(), header.u32()];
    header.u64(); // labels
    const nConstraints = header.u32();

    const constraints = [];
    const body = new Reader(buffer, found.get(2));
    while (!headerOnly && constraints.length < nConstraints) {
        constraints.push([0, 1, 2].map(() => Array.from({ length: body.u32() }, () => [body.u32(), body.field()])));
    }
    return { nWires, nOutputs, nPublicInputs, nPrivateInputs, nConstraints, constraints };
}

export function readWtns(buffer) {
    const found = sections(buffer, 'wtns', 2);
    const header = new Reader(buffer, found.get(1));
    expectBn254(header);
    const count = header.u32();
    const body = new Reader(buffer, found.get(2));
    return Array.from({ length: count }, () => body.field());
}

// Wires by the full names of their signals. What the compiler removed has none.
export function readSym(text) {
    const wires = new Map();
    for (const line of text.trim().split('\n')) {
        const [, wire, , name] = line.split(',');
        if (wire !== '-1') {
            wires.set(name.replace(/^main\./, ''), Number(wire));
        }
    }
    return wires;
}

function sum(terms, witness) {
    return mod(terms.reduce((total, [wire, coefficient]) => total + coefficient * witness[wire], 0n));
}

// Indices of the constraints that the witness does not satisfy.
export function violated({ constraints }, witness) {
    const indices = [];
    for (const [index, [a, b, c]] of constraints.entries()) {
        if (mod(sum(a, witness) * sum(b, witness) - sum(c, witness)) !== 0n) {
            indices.push(index);
        }
    }
    return indices;
}
