//! Single-party setup of `.zkey` files, for development and tests.

use super::zkey::{COEFFICIENT, DEVELOPMENT, GROTH16, MAGIC, stored};
use crate::error::{Error, Result};
use crate::groth16::points::{FileCoordinate, write_points};
use crate::groth16::setup::{HBases, setup_with};
use crate::groth16::{ProvingKey, R1cs, SparseMatrix};
use crate::iden3;
use crate::interop::ark;
use rand_core::{CryptoRng, RngCore};
use zkwatt_kernels::bn254::BASE_MODULUS;
use zkwatt_kernels::curve::Affine;
use zkwatt_kernels::{Field, Fr};

/// What the section of development keys says.
const MARK: &[u8] = b"INSECURE: made by zkwatt in a single-party setup, for development only. \
Whoever made this key can prove anything.";

/// The bytes of a `.zkey` for `r1cs`, from secrets that this process alone draws, with γ = 1 as snarkjs has it.
///
/// **For development only.** Whoever ran this function could have kept the secrets and can then prove anything; a key that
/// others shall trust comes from a ceremony (`snarkjs groth16 setup`, `snarkjs zkey contribute`). The file is marked by a
/// section of its own, which [`super::ZkeyInfo::development`] tells and snarkjs skips; it has no section of contributions.
///
/// Cost: multiples of the generators from tables, about 4 in G1 and 1 in G2 a variable, 1 in G1 a row.
///
/// # Errors
/// [`Error::DomainTooLarge`] beyond 2^27 rows; [`Error::Unsupported`] beyond 2^32 coefficients.
pub fn setup(r1cs: &R1cs, rng: &mut (impl RngCore + CryptoRng)) -> Result<Vec<u8>> {
    let key = setup_with(r1cs, HBases::OddLagrange, rng)?;
    encode(&key, r1cs)
}

fn encode(key: &ProvingKey, r1cs: &R1cs) -> Result<Vec<u8>> {
    let n = key.h_query.len();
    let coefficients = coefficients(r1cs)?;
    let g1 = [&key.a_query, &key.b_g1_query, &key.l_query, &key.h_query];
    let g1_points: usize = g1.iter().map(|points| points.len()).sum();
    let bytes =
        coefficients.len() + 64 * g1_points + 128 * key.b_g2_query.len() + 64 * key.vk.gamma_abc_g1.len();
    // And the rest, which is small.
    let mut out = Vec::with_capacity(bytes + 2048);
    out.extend_from_slice(&iden3::start(MAGIC, 1, 10));
    iden3::write_section(1, &GROTH16.to_le_bytes(), &mut out);
    let mut header = Vec::new();
    header.extend_from_slice(&iden3::modulus(BASE_MODULUS));
    header.extend_from_slice(&iden3::scalar_field());
    for count in [r1cs.num_variables(), r1cs.num_instance() - 1, n] {
        header.extend_from_slice(&(count as u32).to_le_bytes());
    }
    write_points(ark::g1_points(&[key.vk.alpha_g1, key.beta_g1]), &mut header);
    write_points(ark::g2_points(&[key.vk.beta_g2, key.vk.gamma_g2]), &mut header);
    write_points(ark::g1_points(&[key.delta_g1]), &mut header);
    write_points(ark::g2_points(&[key.vk.delta_g2]), &mut header);
    iden3::write_section(2, &header, &mut out);
    write_query(3, ark::g1_points(&key.vk.gamma_abc_g1), &mut out);
    iden3::write_section(4, &coefficients, &mut out);
    drop(coefficients);
    write_query(5, ark::g1_points(&key.a_query), &mut out);
    write_query(6, ark::g1_points(&key.b_g1_query), &mut out);
    write_query(7, ark::g2_points(&key.b_g2_query), &mut out);
    write_query(8, ark::g1_points(&key.l_query), &mut out);
    write_query(9, ark::g1_points(&key.h_query), &mut out);
    iden3::write_section(DEVELOPMENT, MARK, &mut out);
    Ok(out)
}

fn write_query<F: FileCoordinate>(kind: u32, points: &[Affine<F>], out: &mut Vec<u8>) {
    out.extend_from_slice(&iden3::section_start(kind, (2 * F::BYTES * points.len()) as u64));
    write_points(points, out);
}

/// Section 4: row by row the coefficients of A and of B, then the rows of the public values in A.
fn coefficients(r1cs: &R1cs) -> Result<Vec<u8>> {
    let (rows, instance) = (r1cs.num_constraints(), r1cs.num_instance());
    let [a, b, _] = r1cs.non_zeros();
    let count = u32::try_from(a + b + instance).map_err(|_| Error::Unsupported {
        what: format!("a .zkey file of {} coefficients", a + b + instance),
        reason: "the format counts them in 32 bits; prove a smaller circuit".into(),
    })?;
    let mut out = Vec::with_capacity(4 + COEFFICIENT as usize * count as usize);
    out.extend_from_slice(&count.to_le_bytes());
    let mut push = |matrix: u32, row: usize, column: usize, value: &[u8; 32]| {
        for index in [matrix, row as u32, column as u32] {
            out.extend_from_slice(&index.to_le_bytes());
        }
        out.extend_from_slice(value);
    };
    let dictionary = |matrix: &SparseMatrix| -> Vec<[u8; 32]> {
        matrix.coefficients().iter().map(|value| stored(*value)).collect()
    };
    let matrices = [r1cs.a(), r1cs.b()].map(|matrix| (matrix, dictionary(matrix)));
    for row in 0..rows {
        for (index, (matrix, dictionary)) in (0..).zip(&matrices) {
            for (column, coefficient) in matrix.raw_row(row) {
                push(index, row, *column as usize, &dictionary[*coefficient as usize]);
            }
        }
    }
    let one = stored(Fr::ONE);
    (0..instance).for_each(|i| push(0, rows + i, i, &one));
    Ok(out)
}
