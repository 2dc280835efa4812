//! The constants of BN254. This is the only place where they are written; everything else is derived from them
//! in `const fn`.
//!
//! BN254 (also `alt_bn128`, `bn256`) is E: y² = x³ + 3 over F_q, with a sextic twist
//! E': y² = x³ + 3/(9 + u) over F_q² = F_q\[u\]/(u² + 1). Both carry a subgroup of prime order r.
//! Source: EIP-196, EIP-197.

/// Order q of the base field, little-endian limbs.
pub const BASE_MODULUS: [u64; 4] =
    [0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029];

/// Order r of the groups and of the scalar field, little-endian limbs.
pub const SCALAR_MODULUS: [u64; 4] =
    [0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029];

/// Smallest generator of the multiplicative group of F_q.
pub const BASE_GENERATOR: u64 = 3;

/// Smallest generator of the multiplicative group of F_r; also the coset shift that arkworks uses.
pub const SCALAR_GENERATOR: u64 = 5;

/// The generator of the multiplicative group of F_r from which halo2 takes its roots of unity.
pub const SCALAR_GENERATOR_HALO2: u64 = 7;

/// Largest k such that 2^k divides r − 1: NTT sizes end here.
pub const SCALAR_TWO_ADICITY: u32 = 28;

/// The constant b of y² = x³ + b on E.
pub const CURVE_B: u64 = 3;

/// ξ = c0 + c1·u with b' = b/ξ on the twist E'.
pub const TWIST_XI: [u64; 2] = [9, 1];

/// The generator (x, y) of G1.
pub const G1_GENERATOR: [u64; 2] = [1, 2];

/// The generator of G2 as (x.c0, x.c1, y.c0, y.c1), canonical little-endian limbs.
pub const G2_GENERATOR: [[u64; 4]; 4] = [
    [0x46debd5cd992f6ed, 0x674322d4f75edadd, 0x426a00665e5c4479, 0x1800deef121f1e76],
    [0x97e485b7aef312c2, 0xf1aa493335a9e712, 0x7260bfb731fb5d25, 0x198e9393920d483a],
    [0x4ce6cc0166fa7daa, 0xe3d1e7690c43d37b, 0x4aab71808dcb408f, 0x12c85ea5db8c6deb],
    [0x55acdadcd122975b, 0xbc4b313370b38ef3, 0xec9e99ad690c3395, 0x090689d0585ff075],
];
