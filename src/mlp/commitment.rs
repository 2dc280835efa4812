//! The hiding commitment to a model's input that a proof can be bound to.

use super::poseidon::{self, Parameters};
use crate::error::{Error, Result};
use crate::kernels::{Field, Fr};
use rand_core::{CryptoRng, RngCore};

/// Bits of packed values in one field element: 31 bytes, so that packing never wraps.
const PACKED_BITS: u32 = 248;

/// Packed elements that one call of Poseidon absorbs beside the chaining value.
pub(crate) const ELEMENTS_PER_CALL: usize = poseidon::MAX_INPUTS - 1;

/// Values of `bits` bits in one field element: 31 of 8 bits, 15 of 16 bits.
pub(crate) fn values_per_element(bits: u32) -> usize {
    (PACKED_BITS / bits.max(1)) as usize
}

/// The last element, len + 2^32 · bits: inputs of different shapes have different commitments.
pub(crate) fn shape_element(len: usize, bits: u32) -> Fr {
    Fr::from(u128::from(bits) << 32 | len as u128)
}

/// A hiding and binding commitment to `input`, whose values are in 0..2^bits.
///
/// The values are packed little-endian, k = ⌊248 / bits⌋ in an element: e_i = Σ_j input\[k·i + j\] · 2^(bits·j).
/// The element len + 2^32 · bits follows the last e_i. With h = salt, runs of up to 15 elements are absorbed in
/// order by h ← Poseidon(h, elements of the run), the last run with what is left; the commitment is the last h.
///
/// `salt` must be uniformly random ([`random_salt`]) and fresh; whoever learns it can test guesses of the input.
/// Errors: `bits` outside of 1..=31, a value that does not fit them, 2^32 or more values.
pub fn commit_input(salt: Fr, input: &[u32], bits: u32) -> Result<Fr> {
    commit_with(salt, input, bits, |_| ())
}

/// [`commit_input`] with Poseidon's observer.
pub(crate) fn commit_with(
    salt: Fr,
    input: &[u32],
    bits: u32,
    mut observe: impl FnMut([Fr; 3]),
) -> Result<Fr> {
    if !(1..=31).contains(&bits) {
        return Err(Error::invalid("bits", format!("is {bits}; inputs have 1 to 31 bits")));
    }
    if let Some(i) = input.iter().position(|x| x >> bits != 0) {
        return Err(Error::invalid("input", format!("the value at index {i} does not fit {bits} bits")));
    }
    if u32::try_from(input.len()).is_err() {
        return Err(Error::invalid("input", format!("has {} values; at most 2^32 − 1 fit", input.len())));
    }
    let mut elements: Vec<Fr> = input.chunks(values_per_element(bits)).map(|run| pack(run, bits)).collect();
    elements.push(shape_element(input.len(), bits));
    let mut hash = salt;
    let mut call = Vec::with_capacity(poseidon::MAX_INPUTS);
    for run in elements.chunks(ELEMENTS_PER_CALL) {
        call.clear();
        call.push(hash);
        call.extend_from_slice(run);
        hash = poseidon::hash_with(Parameters::for_inputs(call.len())?, &call, &mut observe);
    }
    for secrets in [&mut elements, &mut call] {
        secrets.fill(Fr::ZERO);
        zeroize::optimization_barrier(secrets.as_slice());
    }
    Ok(hash)
}

/// Σ_j run\[j\] · 2^(bits·j)
fn pack(run: &[u32], bits: u32) -> Fr {
    let radix = Fr::from(1u64 << bits);
    run.iter().rev().fold(Fr::ZERO, |acc, x| acc * radix + Fr::from(u64::from(*x)))
}

/// A uniformly random salt for [`commit_input`].
pub fn random_salt(rng: &mut (impl RngCore + CryptoRng)) -> Fr {
    loop {
        // Two bits above the modulus are cleared: about three of four draws succeed.
        let limbs = [rng.next_u64(), rng.next_u64(), rng.next_u64(), rng.next_u64() >> 2];
        if let Some(salt) = Fr::from_canonical(limbs) {
            return salt;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::poseidon::poseidon;
    use super::*;

    #[test]
    fn is_the_documented_chain() {
        let input: Vec<u32> = (0..784).map(|i| i * 37 % 256).collect();
        let mut elements: Vec<Fr> = input
            .chunks(31)
            .map(|run| {
                let mut bytes = [0u8; 32];
                bytes.iter_mut().zip(run).for_each(|(b, x)| *b = *x as u8);
                let mut limbs = [0; 4];
                limbs
                    .iter_mut()
                    .zip(bytes.chunks(8))
                    .for_each(|(l, b)| *l = u64::from_le_bytes(b.try_into().unwrap()));
                Fr::from_canonical(limbs).unwrap()
            })
            .collect();
        assert_eq!(elements.len(), 26);
        elements.push(Fr::from(784 + (8u64 << 32)));
        let salt = Fr::from(99u64);
        let first = poseidon(&[&[salt], &elements[..15]].concat()).unwrap();
        let second = poseidon(&[&[first], &elements[15..]].concat()).unwrap();
        assert_eq!(commit_input(salt, &input, 8).unwrap(), second);
    }

    #[test]
    fn depends_on_salt_values_length_and_width() {
        let base = commit_input(Fr::ONE, &[1, 2, 3], 8).unwrap();
        assert_ne!(base, commit_input(Fr::ZERO, &[1, 2, 3], 8).unwrap());
        assert_ne!(base, commit_input(Fr::ONE, &[1, 2, 4], 8).unwrap());
        assert_ne!(base, commit_input(Fr::ONE, &[1, 2, 3, 0], 8).unwrap());
        assert_ne!(base, commit_input(Fr::ONE, &[1 + 2 * 256, 3], 16).unwrap());
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(commit_input(Fr::ONE, &[256], 8).is_err());
        assert!(commit_input(Fr::ONE, &[0], 0).is_err());
        assert!(commit_input(Fr::ONE, &[0], 32).is_err());
    }
}
