//! What a link is about.

use super::proof::{decompress, scalar_bytes};
use super::transcript::Transcript;
use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2_axiom::plonk::VerifyingKey;
use halo2curves_axiom::bn256;
use sha2::{Digest, Sha256};
use zkwatt_kernels::ntt::MAX_LOG_N;
use zkwatt_kernels::{Fr, G1Affine};

/// Published commitments, those of a Halo2 proof, and what they are bound to; both sides make it from public data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatement {
    k: u32,
    usable_rows: usize,
    vk: Fr,
    /// SHA-256.
    proof: [u8; 32],
    /// (C_c, C*_c)
    pairs: Vec<(G1Affine, G1Affine)>,
}

impl LinkStatement {
    /// The statement that the advice columns `columns` of the first circuit in `proof` are those of `published`.
    ///
    /// `proof` is of a transcript with compressed points (Blake2b, Poseidon); its first points are the commitments to the
    /// advice columns of the first phase, in ascending order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no columns, a column twice, or one that does not exist or is not of the
    /// first phase; [`Error::LengthMismatch`]; [`Error::Format`] for a proof that is too short or has no points there;
    /// [`Error::Unsupported`] if the circuit leaves too few blinding rows to link a column.
    pub fn new(
        vk: &VerifyingKey<bn256::G1Affine>,
        proof: &[u8],
        columns: &[usize],
        published: &[G1Affine],
    ) -> Result<Self> {
        let cs = vk.cs();
        let blinding_rows = cs.blinding_factors() + 1;
        let phases = cs.advice_column_phase();
        let mut committed = Vec::with_capacity(columns.len());
        for (i, &column) in columns.iter().enumerate() {
            if phases.get(column) != Some(&0) {
                let reason = format!("{column} is not an advice column of the first phase");
                return Err(Error::invalid("columns", reason));
            }
            if columns.iter().take(i).any(|c| *c == column) {
                return Err(Error::invalid("columns", format!("column {column} occurs twice")));
            }
            let queries = cs.advice_queries().iter().filter(|(c, _)| c.index() == column).count();
            if blinding_rows < queries + 3 {
                return Err(Error::Unsupported {
                    what: format!("a link of column {column}"),
                    reason: format!(
                        "it is queried at {queries} rotations and has {blinding_rows} blinding rows; {} are needed to \
                         hide it",
                        queries + 3
                    ),
                });
            }
            let position = phases.iter().take(column).filter(|phase| **phase == 0).count();
            committed.push(point_of(proof, position)?);
        }
        let k = vk.get_domain().k();
        let usable_rows = (1usize << k) - blinding_rows;
        let repr = interop::scalar(&vk.transcript_repr());
        Self::from_commitments(k, usable_rows, repr, proof, &committed, published)
    }

    /// The statement about commitments that the caller found in `proof`, for transcripts of another form. `vk` is the
    /// verifying key's `transcript_repr`.
    ///
    /// The caller sees to it that the columns have more blinding rows than the proof reveals evaluations; see the
    /// module's documentation.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no columns, points that are not on the curve, a k beyond 1 to 28, or usable rows
    /// beyond 1 to n − 1; [`Error::LengthMismatch`].
    pub fn from_commitments(
        k: u32,
        usable_rows: usize,
        vk: Fr,
        proof: &[u8],
        committed: &[G1Affine],
        published: &[G1Affine],
    ) -> Result<Self> {
        if !(1..=MAX_LOG_N).contains(&k) {
            return Err(Error::invalid("k", format!("is {k}; expected 1 to {MAX_LOG_N}")));
        }
        let last = (1usize << k) - 1;
        if !(1..=last).contains(&usable_rows) {
            return Err(Error::invalid("usable_rows", format!("is {usable_rows}; expected 1 to {last}")));
        }
        if committed.len() != published.len() {
            return Err(Error::LengthMismatch {
                left: "committed",
                left_len: committed.len(),
                right: "published",
                right_len: published.len(),
            });
        }
        if committed.is_empty() {
            return Err(Error::invalid("columns", "there are none; a link needs at least one"));
        }
        for (name, points) in [("committed", committed), ("published", published)] {
            if let Some(i) = points.iter().position(|point| !point.is_on_curve()) {
                return Err(Error::invalid(name, format!("point {i} is not on the curve")));
            }
        }
        let pairs = committed.iter().copied().zip(published.iter().copied()).collect();
        Ok(Self { k, usable_rows, vk, proof: Sha256::digest(proof).into(), pairs })
    }

    /// Base-two logarithm of the number of rows.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The number u of rows that must agree.
    pub fn usable_rows(&self) -> usize {
        self.usable_rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.pairs.len()
    }

    /// (C_c, C\*_c) for every column.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&G1Affine, &G1Affine)> {
        self.pairs.iter().map(|(committed, published)| (committed, published))
    }

    pub(super) fn absorb(&self, transcript: &mut Transcript) {
        transcript.number(self.k.into());
        transcript.number(self.usable_rows as u64);
        transcript.bytes(&scalar_bytes(self.vk));
        transcript.bytes(&self.proof);
        transcript.number(self.pairs.len() as u64);
        for (_, published) in &self.pairs {
            transcript.point(published);
        }
        for (committed, _) in &self.pairs {
            transcript.point(committed);
        }
    }
}

/// Point `position` at the start of a proof.
fn point_of(proof: &[u8], position: usize) -> Result<G1Affine> {
    let (points, _) = proof.as_chunks::<32>();
    let point = points.get(position).and_then(decompress);
    point.ok_or_else(|| Error::format("Halo2 proof", format!("has no point at position {position}")))
}
