//! Files of verifying keys and proofs, in the frame that all of our files have.
//!
//! ```text
//! verifying key:  header {system, model, model_digest, layout, srs_digest, insecure}
//!                 | [τ]H, x.c0 x.c1 y.c0 y.c1 canonical | fixed commitments | permutation commitments
//!                 | with private weights: fixed commitments of the range circuit | C* | range proof | link
//! proof:          header {system, key, statements} | input commitments | Halo2 proof | link or nothing
//! ```
//!
//! Points of G1 are compressed, 32 bytes; lists begin with their length as a little-endian u32.

use super::commitment::ModelCommitment;
use super::verifier::{MlpProof, MlpVerifier, RangeVerifier};
use crate::container::{self, FileKind, Reader};
use crate::error::{Error, Result};
use crate::files;
use crate::halo2::link::{LinkProof, compress, decompress};
use crate::halo2::srs;
use crate::interop::halo2curves as interop;
use crate::mlp::plonkish::{InferenceStatement, Layout, PlonkishCircuit, PlonkishInterface, RangeCircuit};
use halo2_axiom::halo2curves::bn256::{Fr as HaloFr, G1Affine as HaloG1Affine};
use halo2_axiom::plonk::{Circuit, ConstraintSystem, VerifyingKey, permutation};
use halo2_axiom::poly::EvaluationDomain;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zkwatt_kernels::{Fq, Fq2, G1Affine, G2Affine};

const VERIFYING_KEY: FileKind = FileKind { magic: MlpVerifier::SIGNATURE, name: "Halo2 verifying key file" };
const PROOF: FileKind = FileKind { magic: *b"zkwattHP", name: "Halo2 proof file" };
const SYSTEM: &str = "halo2";

/// Largest file that is read: points of all columns that a layout may have, and proofs about them.
const MAX_BYTES: u64 = 1 << 23;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyHeader {
    system: String,
    model: String,
    model_digest: Option<[u8; 32]>,
    layout: Layout,
    srs_digest: [u8; 32],
    insecure: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofHeader {
    system: String,
    /// The verifying key's digest in transcripts, canonical limbs.
    key: [u64; 4],
    statements: Vec<InferenceStatement>,
}

impl MlpVerifier {
    /// What the files of verifying keys begin with.
    pub const SIGNATURE: [u8; 8] = *b"zkwattHV";

    /// The bytes of a verifying key file.
    ///
    /// # Errors
    /// None that is known.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let header = KeyHeader {
            system: SYSTEM.into(),
            model: self.model.clone(),
            model_digest: self.model_digest,
            layout: self.layout.clone(),
            srs_digest: self.srs_digest,
            insecure: self.insecure,
        };
        let mut body = Vec::new();
        let G2Affine { x, y } = self.s_g2;
        for coordinate in [x.c0, x.c1, y.c0, y.c1] {
            coordinate.to_canonical().iter().for_each(|limb| body.extend(limb.to_le_bytes()));
        }
        write_points(&mut body, interop::g1_points(self.vk.fixed_commitments()))?;
        write_points(&mut body, interop::g1_points(self.vk.permutation().commitments()))?;
        if let Some(RangeVerifier { vk, commitment, .. }) = &self.range {
            write_points(&mut body, interop::g1_points(vk.fixed_commitments()))?;
            write_points(&mut body, &commitment.points)?;
            write_bytes(&mut body, &commitment.range_proof)?;
            body.extend(commitment.link.to_bytes());
        }
        container::encode(VERIFYING_KEY, &to_json(&header)?, &body)
    }

    /// Reads the bytes of a verifying key file.
    ///
    /// That the key is the one of a model, and that of private weights what [`MlpVerifier::verify_commitment`] checks,
    /// is not checked here.
    ///
    /// # Errors
    /// [`Error::Format`] for other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (header, body) = container::decode(VERIFYING_KEY, bytes)?;
        let header: KeyHeader = from_json(VERIFYING_KEY, header)?;
        let bad = |reason: String| Error::format(VERIFYING_KEY.name, reason);
        if header.system != SYSTEM {
            return Err(bad(format!("is of proof system `{}`", header.system.escape_debug())));
        }
        let mut reader = Reader::new(VERIFYING_KEY.name, body);
        let s_g2 = read_g2(&mut reader)?;
        let fixed = read_points(&mut reader, "fixed commitments")?;
        let permuted = read_points(&mut reader, "permutation commitments")?;
        let private = header.model_digest.is_none();
        let range = if private {
            let fixed = read_points(&mut reader, "fixed commitments of the range circuit")?;
            let points = read_points(&mut reader, "commitments to weights")?;
            let range_proof = read_bytes(&mut reader, "range proof")?.to_vec();
            let link = LinkProof::from_bytes(reader.take(LinkProof::BYTES, "link")?)?;
            Some((fixed, ModelCommitment { points, range_proof, link }))
        } else {
            None
        };
        reader.finish()?;
        // The file holds a point for each column of weights; of other columns layouts bound the number.
        let layout = header.layout;
        let columns = range.as_ref().map_or(fixed.len(), |(_, commitment)| commitment.points.len());
        if layout.weight_columns > columns {
            return Err(bad("has fewer commitments than its layout has columns of weights".into()));
        }
        layout.check()?;
        if layout.private_weights() != private {
            return Err(bad("contradicts itself about the weights".into()));
        }
        srs::verifier_params(layout.log_n, &s_g2).map_err(|e| bad(e.to_string()))?;
        let vk = verifying_key::<PlonkishCircuit>(layout.log_n, layout.clone(), &fixed, &permuted)?;
        let range = range.map(|(fixed, commitment)| {
            let circuit = RangeCircuit::new(&layout);
            let vk = verifying_key::<RangeCircuit>(layout.log_n, circuit.layout(), &fixed, &[])?;
            if commitment.points.len() != circuit.weight_columns().len() {
                return Err(bad("has another number of commitments than columns of weights".into()));
            }
            Ok(RangeVerifier { circuit, vk, commitment, checked: Default::default() })
        });
        Ok(Self {
            model: header.model,
            model_digest: header.model_digest,
            interface: PlonkishInterface::new(&layout),
            layout,
            vk,
            srs_digest: header.srs_digest,
            insecure: header.insecure,
            s_g2,
            range: range.transpose()?,
        })
    }

    /// Writes [`MlpVerifier::encode`] to a file; never a part of it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write_atomic(path, &self.encode()?)
    }

    /// Reads a verifying key file.
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`MlpVerifier::decode`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::decode(&files::read_at_most(path, MAX_BYTES)?)
    }

    /// The bytes of a proof file; it names this key.
    ///
    /// # Errors
    /// None that is known.
    pub fn encode_proof(&self, proof: &MlpProof) -> Result<Vec<u8>> {
        let header = ProofHeader {
            system: SYSTEM.into(),
            key: self.key_digest(),
            statements: proof.statements.clone(),
        };
        let mut body = Vec::new();
        write_points(&mut body, &proof.input_commitments)?;
        write_bytes(&mut body, &proof.halo2)?;
        body.extend(proof.link.map(|link| link.to_bytes()).into_iter().flatten());
        container::encode(PROOF, &to_json(&header)?, &body)
    }

    /// Reads the bytes of a proof file.
    ///
    /// # Errors
    /// [`Error::Format`] for other bytes; [`Error::Mismatch`] for a proof that names another key.
    pub fn decode_proof(&self, bytes: &[u8]) -> Result<MlpProof> {
        let (header, body) = container::decode(PROOF, bytes)?;
        let header: ProofHeader = from_json(PROOF, header)?;
        if header.system != SYSTEM {
            let reason = format!("is of proof system `{}`", header.system.escape_debug());
            return Err(Error::format(PROOF.name, reason));
        }
        if header.key != self.key_digest() {
            return Err(Error::Mismatch {
                what: "the proof",
                made_for: format!("the verifying key {:016x}…", header.key[3]),
                used_with: format!("{:016x}… of model `{}`", self.key_digest()[3], self.model.escape_debug()),
                hint: "use the verifying key of the setup that the proof was made with",
            });
        }
        let mut reader = Reader::new(PROOF.name, body);
        let input_commitments = read_points(&mut reader, "input commitments")?;
        let halo2 = read_bytes(&mut reader, "Halo2 proof")?.to_vec();
        let bound = !self.linked_columns().is_empty();
        let link =
            if bound { Some(LinkProof::from_bytes(reader.take(LinkProof::BYTES, "link")?)?) } else { None };
        reader.finish()?;
        Ok(MlpProof { statements: header.statements, input_commitments, halo2, link })
    }

    fn key_digest(&self) -> [u64; 4] {
        interop::scalar(&self.vk.transcript_repr()).to_canonical()
    }
}

/// Upstream's key from its commitments.
fn verifying_key<C: Circuit<HaloFr>>(
    k: u32,
    params: C::Params,
    fixed: &[G1Affine],
    permuted: &[G1Affine],
) -> Result<VerifyingKey<HaloG1Affine>> {
    let mut cs = ConstraintSystem::default();
    C::configure_with_params(&mut cs, params);
    // Our circuits have fixed columns in place of selectors.
    let expected = [cs.num_fixed_columns(), cs.permutation().get_columns().len()];
    if expected != [fixed.len(), permuted.len()] || cs.num_selectors() != 0 {
        let reason = format!("has {} commitments; its layout has {}", fixed.len(), expected[0]);
        return Err(Error::format(VERIFYING_KEY.name, reason));
    }
    let domain = EvaluationDomain::new(cs.degree() as u32, k);
    let permuted = permutation::VerifyingKey::from_commitments(interop::halo2_g1_points(permuted).to_vec());
    let fixed = interop::halo2_g1_points(fixed).to_vec();
    Ok(VerifyingKey::from_parts(domain, fixed, permuted, cs, Vec::new(), false))
}

fn to_json(header: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(header).map_err(|e| Error::format("header", e.to_string()))
}

fn from_json<'a, T: Deserialize<'a>>(kind: FileKind, header: &'a [u8]) -> Result<T> {
    serde_json::from_slice(header)
        .map_err(|e| Error::format(kind.name, format!("its header is not right: {e}")))
}

fn write_len(out: &mut Vec<u8>, len: usize) -> Result<()> {
    let len = u32::try_from(len)
        .map_err(|_| Error::invalid("list", format!("has {len} elements; 2^32 − 1 is the limit")))?;
    out.extend(len.to_le_bytes());
    Ok(())
}

fn write_points(out: &mut Vec<u8>, points: &[G1Affine]) -> Result<()> {
    write_len(out, points.len())?;
    points.iter().for_each(|point| out.extend(compress(point)));
    Ok(())
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    write_len(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(())
}

fn read_bytes<'a>(reader: &mut Reader<'a>, field: &str) -> Result<&'a [u8]> {
    let len = reader.u32(field)? as usize;
    reader.take(len, field)
}

fn read_points(reader: &mut Reader<'_>, field: &str) -> Result<Vec<G1Affine>> {
    let count = reader.u32(field)? as usize;
    let len = count.checked_mul(32).ok_or_else(|| reader.error(format!("{count} {field} are too many")))?;
    let (points, _) = reader.take(len, field)?.as_chunks::<32>();
    let read = |bytes: &[u8; 32]| {
        decompress(bytes).ok_or_else(|| reader.error(format!("{field}: not a point of G1")))
    };
    points.iter().map(read).collect()
}

fn read_g2(reader: &mut Reader<'_>) -> Result<G2Affine> {
    let mut coordinate = || {
        let mut limbs = [0; 4];
        for limb in &mut limbs {
            *limb = reader.u64("[τ]H")?;
        }
        Fq::from_canonical(limbs).ok_or_else(|| reader.error("[τ]H: a coordinate is not below the modulus"))
    };
    let [x0, x1, y0, y1] = [coordinate()?, coordinate()?, coordinate()?, coordinate()?];
    Ok(G2Affine { x: Fq2 { c0: x0, c1: x1 }, y: Fq2 { c0: y0, c1: y1 } })
}
