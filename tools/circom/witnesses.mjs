// All witnesses that a small circuit has for given inputs. A circuit is sound for these inputs if the only one is the right one: a
// prover is not bound to the compiler's program, only to the constraints.
//
// Exact for circuits whose unknowns follow from linear equations, products of what is known, and boolean wires; for
// others it throws. Sums of bits are put in for what they are equal to; then what has one unknown is solved, bits are read off where
// the sum is known, and where nothing follows both values of a boolean wire are tried.

import { MODULUS, mod } from './r1cs.mjs';

const ONE_WIRE = 0;

export function inverse(value) {
    let [a, b, x, y] = [mod(value), MODULUS, 1n, 0n];
    while (a > 1n) {
        [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
    }
    return mod(x);
}

// Linear combinations are maps from wires to coefficients that are not zero.
function add(target, terms, factor = 1n) {
    for (const [wire, coefficient] of terms) {
        const sum = mod((target.get(wire) ?? 0n) + factor * coefficient);
        if (sum === 0n) {
            target.delete(wire);
        } else {
            target.set(wire, sum);
        }
    }
    return target;
}

function isConstant(terms) {
    return terms.size === 0 || (terms.size === 1 && terms.has(ONE_WIRE));
}

// A * B = C as the linear combination that is zero, or null where it is a product of unknowns.
function asLinear([a, b, c]) {
    if (!isConstant(a) && !isConstant(b)) {
        return null;
    }
    const [constant, other] = isConstant(a) ? [a, b] : [b, a];
    return add(add(new Map(), other, constant.get(ONE_WIRE) ?? 0n), c, -1n);
}

// The wire x if the constraint is a multiple of x (x - 1) = 0, else null.
function booleanWire(constraint) {
    const wires = new Set(constraint.flatMap((terms) => [...terms.keys()]));
    wires.delete(ONE_WIRE);
    if (wires.size !== 1 || asLinear(constraint)) {
        return null;
    }
    const [wire] = wires;
    const [square, first, zeroth] = quadratic(constraint, wire);
    return zeroth === 0n && mod(square + first) === 0n ? wire : null;
}

// Coefficients of A B - C as a polynomial in its only wire.
function quadratic([a, b, c], wire) {
    const [a1, a0, b1, b0, c1, c0] = [a, b, c].flatMap((terms) => [terms.get(wire) ?? 0n, terms.get(ONE_WIRE) ?? 0n]);
    return [mod(a1 * b1), mod(a1 * b0 + a0 * b1 - c1), mod(a0 * b0 - c0)];
}

function substituted(terms, known) {
    const result = new Map();
    for (const [wire, coefficient] of terms) {
        if (known[wire] === undefined) {
            add(result, [[wire, coefficient]]);
        } else {
            add(result, [[ONE_WIRE, coefficient]], known[wire]);
        }
    }
    return result;
}

export class Circuit {
    constructor({ nWires, nOutputs, nPublicInputs, nPrivateInputs, constraints }) {
        this.nWires = nWires;
        this.firstInput = 1 + nOutputs;
        this.nInputs = nPublicInputs + nPrivateInputs;
        this.constraints = constraints.map((constraint) => constraint.map((terms) => add(new Map(), terms)));
        this.booleans = new Set(this.constraints.map(booleanWire).filter((wire) => wire !== null));
        this.occurrences = new Array(nWires).fill(0);
        this.eliminate();
        for (const wire of this.constraints.flatMap((constraint) => constraint.flatMap((terms) => [...terms.keys()]))) {
            this.occurrences[wire] += 1;
        }
    }

    // Solves linear constraints for the one wire that is neither an input nor boolean, such as the sum of some bits, and puts the
    // solution in everywhere.
    eliminate() {
        const isInput = (wire) => wire >= this.firstInput && wire < this.firstInput + this.nInputs;
        const isPlain = (wire) => wire === ONE_WIRE || isInput(wire) || this.booleans.has(wire);
        this.eliminated = [];
        for (let i = 0; i < this.constraints.length; ) {
            const linear = asLinear(this.constraints[i]);
            const [pivot, another] = [...(linear?.keys() ?? [])].filter((wire) => !isPlain(wire));
            if (pivot === undefined || another !== undefined) {
                i += 1;
                continue;
            }
            const factor = -inverse(linear.get(pivot));
            linear.delete(pivot);
            const solution = add(new Map(), linear, factor);
            this.constraints.splice(i, 1);
            for (const terms of [...this.constraints.flat(), ...this.eliminated.map(([, other]) => other)]) {
                const coefficient = terms.get(pivot);
                if (coefficient !== undefined) {
                    terms.delete(pivot);
                    add(terms, solution, coefficient);
                }
            }
            this.eliminated.push([pivot, solution]);
            i = 0; // what was passed over may be linear now
        }
    }

    // All witnesses for these values of the inputs, in the order of their wires.
    witnesses(inputs) {
        if (inputs.length !== this.nInputs) {
            throw new Error(`${inputs.length} inputs; the circuit has ${this.nInputs}`);
        }
        const known = new Array(this.nWires);
        known[ONE_WIRE] = 1n;
        inputs.forEach((value, i) => (known[this.firstInput + i] = mod(value)));
        return this.search(known, this.constraints);
    }

    search(known, constraints) {
        const left = this.propagate(known, constraints);
        if (left === null) {
            return [];
        }
        const open = new Set(left.flatMap((constraint) => constraint.flatMap((terms) => [...terms.keys()])));
        const guess = [...open].filter((wire) => this.booleans.has(wire)).sort((a, b) => this.occurrences[b] - this.occurrences[a])[0];
        if (guess !== undefined) {
            return [0n, 1n].flatMap((value) => {
                const next = [...known];
                next[guess] = value;
                return this.search(next, left);
            });
        }
        for (const [wire, solution] of this.eliminated) {
            known[wire] = mod([...solution].reduce((sum, [other, coefficient]) => sum + coefficient * known[other], 0n));
        }
        if (left.length > 0 || known.includes(undefined)) {
            throw new Error('some wires follow from nothing that is known');
        }
        return [known];
    }

    // Adds to `known` what follows; the constraints that are left, or null at a contradiction.
    propagate(known, constraints) {
        for (let progress = true; progress; ) {
            progress = false;
            const left = [];
            for (const constraint of constraints) {
                const open = constraint.map((terms) => substituted(terms, known));
                const outcome = this.conclude(open, known);
                if (outcome === 'contradiction') {
                    return null;
                }
                progress ||= outcome === 'solved';
                if (outcome === 'open') {
                    left.push(open);
                }
            }
            constraints = left;
        }
        return constraints;
    }

    conclude(constraint, known) {
        const linear = asLinear(constraint);
        if (linear === null) {
            return 'open'; // x (x - 1) = 0 among them, which `booleans` has
        }
        const constant = linear.get(ONE_WIRE) ?? 0n;
        linear.delete(ONE_WIRE);
        if (linear.size === 0) {
            return constant === 0n ? 'satisfied' : 'contradiction';
        }
        if (linear.size === 1) {
            const [[wire, coefficient]] = linear;
            return this.assign(known, wire, mod(-constant * inverse(coefficient)));
        }
        if ([...linear.keys()].every((wire) => this.booleans.has(wire))) {
            return readBits(known, linear, mod(-constant));
        }
        return 'open';
    }

    assign(known, wire, value) {
        if (this.booleans.has(wire) && value > 1n) {
            return 'contradiction';
        }
        known[wire] = value;
        return 'solved';
    }
}

// Σ coefficient bit = value, where the coefficients are one number times distinct powers of two whose sum is below the modulus:
// then there is one solution in bits or none.
function readBits(known, terms, value) {
    const wires = [...terms.keys()];
    for (const unit of wires) {
        const scale = inverse(terms.get(unit));
        const weights = wires.map((wire) => [wire, mod(terms.get(wire) * scale)]).sort(([, a], [, b]) => (a < b ? -1 : 1));
        const distinct = weights.every(([, weight], i) => i === 0 || weight !== weights[i - 1][1]);
        const powers = weights.every(([, weight]) => (weight & (weight - 1n)) === 0n);
        if (!distinct || !powers || weights.reduce((sum, [, weight]) => sum + weight, 0n) >= MODULUS) {
            continue;
        }
        let rest = mod(value * scale);
        for (const [wire, weight] of weights.reverse()) {
            known[wire] = rest >= weight ? 1n : 0n;
            rest -= known[wire] * weight;
        }
        return rest === 0n ? 'solved' : 'contradiction';
    }
    return 'open';
}
