pragma circom 2.1.0;

// The bits of a number, least significant first.
//
//     in = Σ 2^i out[i],  out[i] ∈ {0, 1}
//
// Assumes nothing of `in`. Enforces 0 <= in < 2^n: for any other field element there are no such bits.
// The bits are unique, because n <= 253 keeps both sides below the modulus: 2^253 < p < 2^254. With 254 bits a number v < 2^254 - p
// would have two representations, v and v + p, and whoever proves could choose.
template ToBits(n) {
    assert(0 <= n && n <= 253);
    signal input in;
    signal output out[n];

    var sum = 0;
    for (var i = 0; i < n; i++) {
        out[i] <-- (in >> i) & 1;
        out[i] * (out[i] - 1) === 0;
        sum += out[i] * 2**i;
    }
    sum === in;
}

// Enforces -2^(n-1) <= in < 2^(n-1), where -v stands for p - v. Assumes nothing of `in`.
template SignedRange(n) {
    assert(1 <= n && n <= 253);
    signal input in;

    component bits = ToBits(n);
    bits.in <== in + 2**(n - 1);
}

// Enforces 0 <= in[i] < 2^bits. Assumes nothing of `in`.
template UnsignedRange(n, bits) {
    signal input in[n];

    component number[n];
    for (var i = 0; i < n; i++) {
        number[i] = ToBits(bits);
        number[i].in <== in[i];
    }
}
