// Stage `evaluate`: Horner's rule in strides, for polynomials side by side.
//
// Thread t of a polynomial owns the coefficients t, t + T, t + 2T, ... below n, T = params[0].z, n = params[0].y:
// neighbouring threads read neighbouring elements. Its value is c_t + c_(t+T)*x^T + ..., x^T in words 8.. of the
// parameters, and the polynomial's is the sum of the threads' values times x^t, a polynomial of T coefficients.

@group(0) @binding(0) var<storage, read> coefficients: array<Fe>;
@group(0) @binding(1) var<storage, read_write> parts: array<Fe>;

// Polynomial k reads from k*n on and writes to k*T on; params[0].x threads for all polynomials.
@compute @workgroup_size(WORKGROUP)
fn evaluate(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    let n = params[0].y;
    let stride = params[0].z;
    let k = i / stride;
    let t = i - k * stride;
    let step = fe_param(2u);
    var sum = fe_zero();
    if (t < n) {
        var j = k * n + t + (n - 1u - t) / stride * stride;
        sum = coefficients[j];
        for (; j >= k * n + stride; j -= stride) {
            sum = fe_add(fe_mul(sum, step), coefficients[j - stride]);
        }
    }
    parts[i] = sum;
}
