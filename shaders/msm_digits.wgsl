// Scalars as signed digits: k = ± Σ d_w·2^(c·w) with d_w in −2^(c−1)..=2^(c−1), c = WINDOW_BITS.
//
// SCALAR_WORDS: words of a scalar; 8 are a field element in Montgomery form, fewer a signed integer.
// BASE_VECTORS: vectors of a base whose scalar is skipped where all are zero; 0 where no base is the
// identity.

@group(0) @binding(0) var<storage, read> scalars: array<u32>;
@group(0) @binding(1) var<storage, read> bases: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> digits: array<u32>;
@group(0) @binding(2) var<storage, read_write> bit_lengths: array<atomic<u32>>;

struct SignedMagnitude {
    magnitude: Fe,
    negative: bool,
}

fn base_is_identity(i: u32) -> bool {
    var ones = vec4<u32>(select(1u, 0u, BASE_VECTORS != 0u));
    for (var k = 0u; k < BASE_VECTORS; k++) {
        ones |= bases[i * BASE_VECTORS + k];
    }
    return all(ones == vec4<u32>());
}

// The smaller of k and r − k: halves the range, and makes small negative scalars small.
fn field_scalar(i: u32) -> SignedMagnitude {
    let at = 8u * i;
    let positive = fe_to_canonical(Fe(
        vec4<u32>(scalars[at], scalars[at + 1u], scalars[at + 2u], scalars[at + 3u]),
        vec4<u32>(scalars[at + 4u], scalars[at + 5u], scalars[at + 6u], scalars[at + 7u]),
    ));
    let opposite = fe_neg(positive);
    let negative = fe_less(opposite, positive);
    return SignedMagnitude(fe_select(positive, opposite, negative), negative);
}

fn integer_scalar(i: u32) -> SignedMagnitude {
    let at = SCALAR_WORDS * i;
    let negative = scalars[at + SCALAR_WORDS - 1u] > 0x7fffffffu;
    let flip = select(0u, 0xffffffffu, negative);
    // Two's complement: flip all bits and add one.
    var words = vec4<u32>(scalars[at], flip, flip, flip);
    if (SCALAR_WORDS >= 2u) { words.y = scalars[at + 1u]; }
    if (SCALAR_WORDS == 4u) {
        words.z = scalars[at + 2u];
        words.w = scalars[at + 3u];
    }
    words ^= vec4<u32>(flip);
    let x = words.x + select(0u, 1u, negative);
    let y = words.y + select(0u, 1u, x < words.x);
    let z = words.z + select(0u, 1u, y < words.y);
    let w = words.w + select(0u, 1u, z < words.z);
    return SignedMagnitude(Fe(vec4<u32>(x, y, z, w), vec4<u32>()), negative);
}

fn load_scalar(i: u32) -> SignedMagnitude {
    if (base_is_identity(i)) { return SignedMagnitude(fe_zero(), false); }
    if (SCALAR_WORDS == 8u) { return field_scalar(i); }
    return integer_scalar(i);
}

fn word_bits(bits: u32, word: u32, below: u32) -> u32 {
    return select(below + 32u - countLeadingZeros(word), bits, word == 0u);
}

fn bit_length(v: Fe) -> u32 {
    var bits = word_bits(0u, v.lo.x, 0u);
    bits = word_bits(bits, v.lo.y, 32u);
    bits = word_bits(bits, v.lo.z, 64u);
    bits = word_bits(bits, v.lo.w, 96u);
    bits = word_bits(bits, v.hi.x, 128u);
    bits = word_bits(bits, v.hi.y, 160u);
    bits = word_bits(bits, v.hi.z, 192u);
    return word_bits(bits, v.hi.w, 224u);
}

fn shifted_right(v: Fe) -> Fe {
    let down = vec4<u32>(WINDOW_BITS);
    let up = vec4<u32>(32u - WINDOW_BITS);
    return Fe(
        (v.lo >> down) | (vec4<u32>(v.lo.yzw, v.hi.x) << up),
        (v.hi >> down) | (vec4<u32>(v.hi.yzw, 0u) << up),
    );
}

const LENGTHS: u32 = 256u;

var<workgroup> lengths_here: array<atomic<u32>, LENGTHS>;

// bit_lengths[b] += scalars whose magnitude has b bits. Params: threads, scalars.
@compute @workgroup_size(WORKGROUP)
fn msm_scalar_bits(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    for (var bits = local; bits < LENGTHS; bits += WORKGROUP) {
        atomicStore(&lengths_here[bits], 0u);
    }
    workgroupBarrier();
    let thread = global_index(group, groups, local);
    if (thread < params[0].x) {
        for (var i = thread; i < params[0].y; i += params[0].x) {
            atomicAdd(&lengths_here[bit_length(load_scalar(i).magnitude)], 1u);
        }
    }
    workgroupBarrier();
    for (var bits = local; bits < LENGTHS; bits += WORKGROUP) {
        let count = atomicLoad(&lengths_here[bits]);
        if (count != 0u) { atomicAdd(&bit_lengths[bits], count); }
    }
}

// digits[w·n + i] <- |d| of scalar i in window first + w, with the sign in bit 31; 0 for a zero digit.
// Params: n, first window, windows.
@compute @workgroup_size(WORKGROUP)
fn msm_scalar_digits(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    let scalar = load_scalar(i);
    let full = 1u << WINDOW_BITS;
    let first = params[0].y;
    var rest = scalar.magnitude;
    var carry = 0u;
    var at = i;
    for (var w = 0u; w < first + params[0].z; w++) {
        let value = (rest.lo.x & (full - 1u)) + carry;
        carry = select(0u, 1u, value > full / 2u);
        rest = shifted_right(rest);
        if (w >= first) {
            let magnitude = select(value, full - value, carry == 1u);
            let negative = (carry == 1u) != scalar.negative;
            digits[at] = magnitude | select(0u, 0x80000000u, negative & (magnitude != 0u));
            at += params[0].x;
        }
    }
}
