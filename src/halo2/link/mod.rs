//! Links: that columns of a proof are columns which somebody published a commitment to.
//!
//! # Statement
//!
//! For c < m, a published commitment C\*_c and a commitment C_c that a Halo2 proof contains, both to columns in the
//! Lagrange basis over one SRS with n = 2^k rows: the two columns agree on all usable rows 0..u. They may differ in the
//! b = n − u rows of blinding. Whoever sees two proofs linked to the same C\* knows that both used the same columns.
//!
//! # Protocol
//!
//! All challenges are hashes of a domain tag, k, u, the verifying key's digest, every C\*_c, a digest of the Halo2 proof,
//! every C_c, and what was sent before.
//!
//! 1. γ. Let D = Σ γ^c·(p_c − p\*_c). It vanishes on the usable rows, so D = Q·Z with
//!    Z = (X^n − 1)/Π_{i ≥ u}(X − ω^i), and Q has b coefficients. The prover sends \[Q\] = \[Q(τ)\]G.
//! 2. z. The prover sends q = Q(z); D(z) = q·Z(z) is implied.
//! 3. ν. The prover sends \[W\] for W = (D + ν·Q − y)/(X − z), where y = q·(Z(z) + ν).
//!
//! The verifier computes \[D\] = Σ γ^c·(C_c − C\*_c) and checks e(\[D\] + ν·\[Q\] − y·G + z·\[W\], H) = e(\[W\], \[τ\]H).
//!
//! A proof is two points and a scalar, 96 bytes. Cost: for the prover an MSM of n scalars (W is dense in either basis)
//! and small ones; for the verifier an MSM of 2m scalars and two pairings.
//!
//! # Soundness
//!
//! Under the assumption that KZG binds (the algebraic group model with the q-discrete logarithm assumption, as for
//! Halo2 itself), \[D\] and \[Q\] are commitments to polynomials of degree below n that the prover knows. If one pair of
//! columns differs in a usable row, D vanishes there for at most m − 1 of the γ. Otherwise D ≠ Q·Z, and the opening
//! holds only if D(z) = Q(z)·Z(z), which is so for fewer than 2n of the z (Q may have any degree below n), or for one
//! value of ν. Error: at most (m + 2n)/r for each hash, about 2^−232 for a million rows.
//!
//! What C\*_c commits to, and whether its columns satisfy anything, is not part of the statement: another proof says
//! that, linked to the same C\*_c.
//!
//! # Zero knowledge
//!
//! A link reveals \[Q\], q and \[W\]. With τ they are functions of D(τ), which the commitments determine anyway, and of
//! D(z): \[Q\] = \[D(τ)/Z(τ)\], q = D(z)/Z(z), \[W\] = \[(D(τ) + ν·Q(τ) − y)/(τ − z)\]. So a link reveals one more evaluation
//! of each column p_c, masked by all others. A column's b blinding rows are uniform, and their contribution to
//! the values at b or fewer points outside of the domain is uniform too (it is Z times any polynomial with b
//! coefficients). The Halo2 proof reveals a column at as many points as the circuit queries, at one more in the
//! multi-opening, and at τ in the exponent. With the link's that makes queries + 3, which b must reach; upstream's count
//! of blinding rows does, and [`LinkStatement::new`] demands it. Then q is uniform and independent of the
//! evaluations that are revealed, and a simulator that knows τ makes the rest from it. The Halo2 proof also shows its
//! quotient's pieces at τ in the exponent, which upstream's format does not blind: there hiding is computational. Hence: link a column **once** per Halo2 proof (with as
//! many others as you like in the same link), and draw fresh blinding for every proof. The published columns need blinding
//! rows of their own, uniform and secret, or C\*_c can be recomputed from a guess.

mod proof;
mod rows;
mod statement;
mod transcript;

#[cfg(test)]
mod tests;

pub use proof::LinkProof;
pub(crate) use proof::{compress, decompress};
pub use statement::LinkStatement;

use super::device_srs::DeviceSrs;
use super::srs;
use crate::device::{G1, MsmOps};
use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2_axiom::poly::commitment::Params;
use halo2_axiom::poly::kzg::commitment::ParamsKZG;
use halo2curves_axiom::bn256::Bn256;
use rows::BlindingRows;
use transcript::Transcript;
use zeroize::Zeroizing;
use zkwatt_kernels::curve::Xyzz;
use zkwatt_kernels::msm::{self, MsmBases, Scalars};
use zkwatt_kernels::{CpuPath, Field, Fr, G1Affine};

/// Proves a statement from the blinding rows u.. of both sides: `published`\[c\] and `committed`\[c\] hold b values each,
/// in the order of the statement. The other rows are not needed: there the difference is zero.
///
/// # Errors
/// [`Error::InvalidArgument`] for another k, for rows that are not the statement's (also if the columns differ in a
/// usable row), and those of the device.
pub fn prove<B: MsmOps<G1>>(
    srs: &DeviceSrs<B>,
    statement: &LinkStatement,
    published: &[&[Fr]],
    committed: &[&[Fr]],
) -> Result<LinkProof> {
    if srs.srs().k() != statement.k() {
        return Err(Error::invalid(
            "srs",
            format!("has k = {}; the statement is over k = {}", srs.srs().k(), statement.k()),
        ));
    }
    let (mut transcript, difference) = open(statement);
    let rows = BlindingRows::new(statement);
    let values = rows.combine(difference.gamma, published, committed)?;
    // b scalars that are not zero: nearly free.
    let mut column = Zeroizing::new(vec![Fr::ZERO; statement.usable_rows()]);
    column.extend_from_slice(&values);
    if srs.commit_lagrange(Scalars::Field(&column))? != difference.commitment {
        return Err(Error::invalid(
            "rows",
            "do not explain the difference of the commitments: they are of other columns, or the columns differ in a \
             usable row",
        ));
    }
    answer(srs, &rows, &values, &mut transcript)
}

/// \[D\] and its challenge.
struct Difference {
    gamma: Fr,
    commitment: G1Affine,
}

fn open(statement: &LinkStatement) -> (Transcript, Difference) {
    let mut transcript = Transcript::new();
    statement.absorb(&mut transcript);
    let gamma = transcript.challenge();
    let mut power = Fr::ONE;
    let mut scalars = Vec::new();
    let mut points = Vec::new();
    for (committed, published) in statement.pairs() {
        points.extend([*committed, *published]);
        scalars.extend([power, -power]);
        power *= gamma;
    }
    let commitment = msm::msm(CpuPath::active(), &MsmBases::new(points), Scalars::Field(&scalars));
    (transcript, Difference { gamma, commitment })
}

/// Steps 1 to 3 for the values of D in the blinding rows.
fn answer<B: MsmOps<G1>>(
    srs: &DeviceSrs<B>,
    rows: &BlindingRows,
    values: &[Fr],
    transcript: &mut Transcript,
) -> Result<LinkProof> {
    let quotient = Zeroizing::new(rows.quotient(values));
    let commitment = srs.commit(Scalars::Field(&quotient))?;
    transcript.point(&commitment);
    let z = transcript.challenge();
    let vanishing = rows.vanishing(z).ok_or_else(unlucky)?;
    let (rest, evaluation) = rows::divide(&quotient, z);
    let rest = Zeroizing::new(rest);
    transcript.scalar(evaluation);
    let nu = transcript.challenge();
    // W = (D − D(z))/(X − z) by its values, and ν·(Q − Q(z))/(X − z) by its coefficients.
    let witness = Zeroizing::new(
        srs.device().on_host(|| rows.opening(values, z, evaluation * vanishing)).ok_or_else(unlucky)?,
    );
    let of_difference = srs.commit_lagrange(Scalars::Field(&witness))?;
    let of_quotient = srs.commit(Scalars::Field(&rest))?;
    let opening = Xyzz::from(of_quotient).mul_vartime(&nu.to_canonical()).add_affine(of_difference);
    Ok(LinkProof { quotient: commitment, evaluation, opening: opening.to_affine() })
}

/// The challenge is in the domain: once in 2^226 proofs.
fn unlucky() -> Error {
    Error::SelfCheck("the challenge of a link is a row of the domain; make the Halo2 proof anew".into())
}

/// Checks a link. `params` may be [`Srs::verifier_params`](super::Srs::verifier_params). The Halo2 proof is for its own
/// verifier: a link says nothing of a proof that does not verify.
///
/// # Errors
/// [`Error::ProofRejected`]; [`Error::InvalidArgument`] for parameters of another k.
pub fn verify(params: &ParamsKZG<Bn256>, statement: &LinkStatement, proof: &LinkProof) -> Result<()> {
    if params.k() != statement.k() {
        return Err(Error::invalid(
            "params",
            format!("have k = {}; the statement is over k = {}", params.k(), statement.k()),
        ));
    }
    let (mut transcript, difference) = open(statement);
    transcript.point(&proof.quotient);
    let z = transcript.challenge();
    transcript.scalar(proof.evaluation);
    let nu = transcript.challenge();
    let vanishing = BlindingRows::new(statement).vanishing(z).ok_or(Error::ProofRejected)?;
    let y = proof.evaluation * (vanishing + nu);
    let left = [(proof.quotient, nu), (G1Affine::generator(), -y), (proof.opening, z)]
        .into_iter()
        .fold(Xyzz::from(difference.commitment), |sum, (point, scalar)| {
            sum + Xyzz::from(point).mul_vartime(&scalar.to_canonical())
        });
    let (g2, s_g2) = (interop::g2_point(&params.g2()), interop::g2_point(&params.s_g2()));
    if srs::pairings_agree(left.to_affine(), g2, proof.opening, s_g2) {
        Ok(())
    } else {
        Err(Error::ProofRejected)
    }
}
