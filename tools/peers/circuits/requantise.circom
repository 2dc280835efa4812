pragma circom 2.1.0;

include "circuits/mlp.circom";

// Shift that rounds half up, ReLU and saturation, as zkwatt's quantised models have it.
//
//     out = min(max(0, floor((in + 2^(shift-1)) / 2^shift)), 2^outBits - 1)
//
// Assumes nothing of `in`. Enforces the formula and -2^(bits-1) <= in + 2^(shift-1) < 2^(bits-1).
template Requantise(bits, shift, outBits) {
    assert(1 <= shift && shift + outBits < bits - 1);
    signal input in;
    signal output out;

    component rescale = Rescale(bits, shift);
    rescale.in <== in + 2**(shift - 1);
    signal positive <== rescale.nonNegative * rescale.out;

    // positive = low + 2^outBits high is below 2^(bits-shift-1): the ranges of both leave one way to cut it.
    signal low <-- positive & (2**outBits - 1);
    signal high <-- positive >> outBits;
    positive === low + 2**outBits * high;
    component lowBits = ToBits(outBits);
    lowBits.in <== low;
    component highBits = ToBits(bits - shift - 1 - outBits);
    highBits.in <== high;

    // over = 1 if high is not 0: the second equation asks for it. Else the first makes it 0.
    signal inverse <-- high == 0 ? 0 : 1 / high;
    signal over <== high * inverse;
    high * (1 - over) === 0;
    out <== low + over * (2**outBits - 1 - low);
}

template RequantiseLayer(n, bits, shift, outBits) {
    signal input in[n];
    signal output out[n];

    component requantise[n];
    for (var i = 0; i < n; i++) {
        requantise[i] = Requantise(bits, shift, outBits);
        requantise[i].in <== in[i];
        out[i] <== requantise[i].out;
    }
}
