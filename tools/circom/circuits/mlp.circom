pragma circom 2.1.0;

include "range.circom";

// Layers of a quantised perceptron, for weights that are inputs of the circuit. Signed numbers v < 0 stand for the field
// elements p + v. Ranges are given as exponents so that all numbers stay far below the modulus p > 2^253.

// out[j] = bias[j] + Σ_i in[i] weights[i][j]
//
// One constraint for each product. Enforces that equation in the field. It is the equation of integers too if the sum of
// the products' bounds and the bias's is below p/2; who uses `out` as an integer answers for the ranges of `in`, `weights` and `bias`.
template Dense(nIn, nOut) {
    signal input in[nIn];
    signal input weights[nIn][nOut];
    signal input bias[nOut];
    signal output out[nOut];
    signal product[nIn][nOut];

    for (var j = 0; j < nOut; j++) {
        var sum = bias[j];
        for (var i = 0; i < nIn; i++) {
            product[i][j] <== in[i] * weights[i][j];
            sum += product[i][j];
        }
        out[j] <== sum;
    }
}

// The same with weights and biases that the circuit fixes; no product costs a constraint.
//
//     out[j] = bias[j] + Σ_i in[i] weights[i][j]
template DenseConstant(nIn, nOut, weights, bias) {
    signal input in[nIn];
    signal output out[nOut];

    for (var j = 0; j < nOut; j++) {
        var sum = bias[j];
        for (var i = 0; i < nIn; i++) {
            sum += in[i] * weights[i][j];
        }
        out[j] <== sum;
    }
}

// Enforces -2^(weightBits-1) <= weights[i][j] < 2^(weightBits-1) and -2^(biasBits-1) <= bias[j] < 2^(biasBits-1), for weights that
// nobody else checks. Assumes nothing of them. A number of b bits takes b + 2 constraints, two of them linear.
template DenseRange(nIn, nOut, weightBits, biasBits) {
    signal input weights[nIn][nOut];
    signal input bias[nOut];

    component weight[nIn][nOut];
    component start[nOut];
    for (var j = 0; j < nOut; j++) {
        start[j] = SignedRange(biasBits);
        start[j].in <== bias[j];
        for (var i = 0; i < nIn; i++) {
            weight[i][j] = SignedRange(weightBits);
            weight[i][j].in <== weights[i][j];
        }
    }
}

// Division by a power of two, rounded down.
//
//     in = 2^shift out + remainder,  0 <= remainder < 2^shift,  -2^(bits-shift-1) <= out < 2^(bits-shift-1)
//     nonNegative = 1 if in >= 0, else 0
//
// Assumes nothing of `in`. Enforces all of the above, and with it -2^(bits-1) <= in < 2^(bits-1). The pair is unique: in + 2^(bits-1)
// is below 2^bits <= 2^253 < p, so nothing wraps, and its low `shift` bits are the remainder, the others the quotient.
template Rescale(bits, shift) {
    assert(0 <= shift && shift < bits && bits <= 253);
    signal input in;
    signal output out;
    signal output remainder;
    signal output nonNegative;

    out <-- ((in + 2**(bits - 1)) >> shift) - 2**(bits - shift - 1);
    remainder <-- (in + 2**(bits - 1)) & (2**shift - 1);
    2**shift * out + remainder === in;

    component low = ToBits(shift);
    low.in <== remainder;
    component high = ToBits(bits - shift);
    high.in <== out + 2**(bits - shift - 1);
    nonNegative <== high.out[bits - shift - 1];
}

// ReLU of a quotient.
//
//     out = max(0, floor(in / 2^shift))
//
// Assumes nothing of `in`. Enforces the formula, -2^(bits-1) <= in < 2^(bits-1), and so 0 <= out < 2^(bits-shift-1).
// bits + 1 constraints that are not linear: a ReLU needs no more than the sign, which is a bit of the quotient's range check.
template Relu(bits, shift) {
    signal input in;
    signal output out;

    component rescale = Rescale(bits, shift);
    rescale.in <== in;
    out <== rescale.nonNegative * rescale.out;
}

// Rescale and Relu of each number of a layer.
template RescaleLayer(n, bits, shift) {
    signal input in[n];
    signal output out[n];

    component rescale[n];
    for (var i = 0; i < n; i++) {
        rescale[i] = Rescale(bits, shift);
        rescale[i].in <== in[i];
        out[i] <== rescale[i].out;
    }
}

template ReluLayer(n, bits, shift) {
    signal input in[n];
    signal output out[n];

    component relu[n];
    for (var i = 0; i < n; i++) {
        relu[i] = Relu(bits, shift);
        relu[i].in <== in[i];
        out[i] <== relu[i].out;
    }
}

// The index of the largest number, the lowest such index where several are equal.
//
//     out = min { k : in[k] = max_i in[i] }
//
// Assumes -2^(bits-1) <= in[i] < 2^(bits-1). Enforces the formula: `chosen` has a single one, at k; for i < k it enforces
// in[k] - in[i] > 0, for i >= k in[k] - in[i] >= 0. Such differences are below 2^bits, so a range of `bits` bits tells them from
// the negative ones, which are p - 2^bits and more.
template ArgMax(n, bits) {
    assert(1 <= n && 1 <= bits && bits <= 252);
    signal input in[n];
    signal output out;
    signal chosen[n];
    signal part[n];
    component difference[n];

    // `<` compares field elements as signed numbers.
    var largest = 0;
    for (var i = 1; i < n; i++) {
        largest = in[largest] < in[i] ? i : largest;
    }

    var ones = 0;
    var index = 0;
    var maximum = 0;
    for (var i = 0; i < n; i++) {
        chosen[i] <-- largest == i;
        chosen[i] * (chosen[i] - 1) === 0;
        part[i] <== chosen[i] * in[i];
        ones += chosen[i];
        index += i * chosen[i];
        maximum += part[i];
    }
    ones === 1;
    out <== index;

    var after = 1; // 1 while i < k
    for (var i = 0; i < n; i++) {
        after -= chosen[i];
        difference[i] = ToBits(bits);
        difference[i].in <== maximum - in[i] - after;
    }
}
