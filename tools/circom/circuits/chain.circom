pragma circom 2.1.0;

// A chain of n products, each of which needs the one before: a circuit of any size.
//
//     x_0 = x,  x_{i+1} = (x_i + a) (x_i + b),  out = x_n
//
// Assumes nothing of its inputs. One constraint a link.
template Chain(n) {
    assert(1 <= n);
    signal input x;
    signal input a;
    signal input b;
    signal output out;
    signal link[n];

    for (var i = 0; i < n; i++) {
        link[i] <== ((i == 0 ? x : link[i - 1]) + a) * ((i == 0 ? x : link[i - 1]) + b);
    }
    out <== link[n - 1];
}
