//! Key and proof files.
//!
//! A file carries what it belongs to: the proof system, the digest of the circuit, the options that shaped the circuit
//! and, in a proof, the digest of the verifying key. Reading hostile bytes gives an error; it neither panics nor
//! allocates beyond the size of the file (times a small constant).

use super::points::{FileCoordinate, read_finite_point, read_points, write_points};
use super::{Proof, ProvingKey, VerifyingKey};
use crate::container::{self, FileKind, Reader};
use crate::error::{Error, Result};
use crate::files;
use crate::interop::ark;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use zkwatt_kernels::Fr;
use zkwatt_kernels::curve::Affine;

pub use super::points::Validate;

const PROVING_KEY: FileKind = FileKind { magic: *b"zkwattPK", name: "proving key file" };
const VERIFYING_KEY: FileKind = FileKind { magic: *b"zkwattVK", name: "verifying key file" };
const PROOF: FileKind = FileKind { magic: *b"zkwattPF", name: "proof file" };

/// Bytes of a proof in ark-serialize's compressed form.
const PROOF_BYTES: usize = 128;

/// What a key or a proof belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyInfo {
    /// The proof system: `groth16`.
    pub system: String,
    /// Digest of the circuit (and with it of a model whose weights are constants), as 64 hex digits.
    #[serde(with = "hex")]
    pub circuit: [u8; 32],
    /// The options that shaped the circuit, as the program that made the key writes them (JSON).
    pub options: String,
    /// Whether the key comes from a single-party setup, whose maker could prove anything.
    pub development: bool,
}

impl KeyInfo {
    /// Groth16 over a circuit of this digest.
    pub fn new(circuit: [u8; 32], options: impl Into<String>, development: bool) -> Self {
        Self { system: "groth16".into(), circuit, options: options.into(), development }
    }

    /// Checks that this belongs to the circuit of digest `circuit`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it belongs to another one.
    pub fn expect_circuit(&self, what: &'static str, circuit: &[u8; 32]) -> Result<()> {
        expect(what, "circuit", &self.circuit, circuit, "run setup with this model and these options first")
    }

    fn check(&self, kind: FileKind) -> Result<()> {
        if self.system == "groth16" {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: kind.name,
            made_for: format!("proof system `{}`", self.system.escape_debug()),
            used_with: "`groth16`".into(),
            hint: "use a file of the right system",
        })
    }
}

fn expect(what: &'static str, of: &str, is: &[u8; 32], wanted: &[u8; 32], hint: &'static str) -> Result<()> {
    if is == wanted {
        return Ok(());
    }
    let name = |digest: &[u8; 32]| format!("{of} {}…", &hex::encode(digest)[..16]);
    Err(Error::Mismatch { what, made_for: name(is), used_with: name(wanted), hint })
}

/// A proving key and what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvingKeyFile {
    /// What the key belongs to.
    pub info: KeyInfo,
    /// The key.
    pub key: ProvingKey,
}

/// A verifying key and what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyingKeyFile {
    /// What the key belongs to.
    pub info: KeyInfo,
    /// The key.
    pub key: VerifyingKey,
}

/// A proof, its public inputs, and what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct ProofFile {
    /// What the proof belongs to.
    pub info: KeyInfo,
    /// [`key_digest`] of the verifying key.
    pub key_digest: [u8; 32],
    /// The instance without its leading one.
    pub public_inputs: Vec<Fr>,
    /// The proof.
    pub proof: Proof,
}

/// SHA-256 of a verifying key as it stands in files.
pub fn key_digest(key: &VerifyingKey) -> [u8; 32] {
    let mut bytes = Vec::new();
    write_verifying_key(key, &mut bytes);
    Sha256::digest(&bytes).into()
}

impl ProvingKeyFile {
    /// The file's bytes. Cost: 64 bytes a G1 point, 128 a G2 point.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let key = &self.key;
        let mut body = Vec::new();
        write_verifying_key(&key.vk, &mut body);
        write_points(ark::g1_points(&[key.beta_g1, key.delta_g1]), &mut body);
        for query in [&key.a_query, &key.b_g1_query, &key.h_query, &key.l_query] {
            write_counted(ark::g1_points(query), &mut body);
        }
        write_counted(ark::g2_points(&key.b_g2_query), &mut body);
        container::encode(PROVING_KEY, &header(&self.info)?, &body)
    }

    /// Reads what [`ProvingKeyFile::encode`] made.
    ///
    /// # Errors
    /// [`Error::Format`] for bytes that are not such a file, or are damaged; [`Error::Mismatch`] for another system.
    pub fn decode(bytes: &[u8], validate: Validate) -> Result<Self> {
        let (info, mut reader) = open(PROVING_KEY, bytes)?;
        let vk = read_verifying_key(&mut reader, validate)?;
        let beta_g1 = read_g1(&mut reader, "beta_g1", validate)?;
        let delta_g1 = read_g1(&mut reader, "delta_g1", validate)?;
        let mut g1_query = |field| {
            read_counted(&mut reader, field, validate).map(|points| ark::ark_g1_points(&points).to_vec())
        };
        let a_query = g1_query("a_query")?;
        let b_g1_query = g1_query("b_g1_query")?;
        let h_query = g1_query("h_query")?;
        let l_query = g1_query("l_query")?;
        let b_g2_query = ark::ark_g2_points(&read_counted(&mut reader, "b_g2_query", validate)?).to_vec();
        let key = ProvingKey { vk, beta_g1, delta_g1, a_query, b_g1_query, b_g2_query, h_query, l_query };
        check_shape(&key).map_err(|reason| reader.error(reason))?;
        reader.finish()?;
        Ok(Self { info, key })
    }

    /// Writes the file; never a part of it.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write_atomic(path, &self.encode()?)
    }

    /// Reads a file.
    pub fn read(path: impl AsRef<Path>, validate: Validate) -> Result<Self> {
        Self::decode(&files::read(&path)?, validate).map_err(|e| e.in_file(path.as_ref()))
    }

    /// The verifying key's file.
    pub fn verifying_key(&self) -> VerifyingKeyFile {
        VerifyingKeyFile { info: self.info.clone(), key: self.key.vk.clone() }
    }
}

/// Whether the parts of a proving key agree in length.
pub(super) fn check_shape(key: &ProvingKey) -> Result<(), String> {
    let (variables, instance) = (key.a_query.len(), key.vk.gamma_abc_g1.len());
    let lengths = [key.b_g1_query.len(), key.b_g2_query.len(), instance.saturating_add(key.l_query.len())];
    if instance == 0 || lengths.iter().any(|n| *n != variables) {
        return Err(format!(
            "its parts disagree: {variables} variables in a_query, {} in b_g1_query, {} in b_g2_query, \
             {instance} public and {} private ones",
            lengths[0],
            lengths[1],
            key.l_query.len(),
        ));
    }
    if !(key.h_query.len() + 1).is_power_of_two() {
        return Err(format!(
            "h_query has {} points; expected one less than a power of two",
            key.h_query.len()
        ));
    }
    Ok(())
}

impl VerifyingKeyFile {
    /// The file's bytes.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        write_verifying_key(&self.key, &mut body);
        container::encode(VERIFYING_KEY, &header(&self.info)?, &body)
    }

    /// Reads what [`VerifyingKeyFile::encode`] made, with full validation.
    ///
    /// # Errors
    /// [`Error::Format`] for bytes that are not such a file, or are damaged; [`Error::Mismatch`] for another system.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (info, mut reader) = open(VERIFYING_KEY, bytes)?;
        let key = read_verifying_key(&mut reader, Validate::Full)?;
        reader.finish()?;
        Ok(Self { info, key })
    }

    /// Writes the file; never a part of it.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write_atomic(path, &self.encode()?)
    }

    /// Reads a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::decode(&files::read(&path)?).map_err(|e| e.in_file(path.as_ref()))
    }

    /// Verifies `proof` under this key.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a proof of another circuit or under another key, else as [`super::verify()`].
    pub fn verify(&self, proof: &ProofFile) -> Result<()> {
        proof.info.expect_circuit("the proof", &self.info.circuit)?;
        proof.expect_key(&self.key)?;
        super::verify(&self.key, &proof.public_inputs, &proof.proof)
    }
}

impl ProofFile {
    /// A proof under `key`, which belongs to `info`.
    pub fn new(info: KeyInfo, key: &VerifyingKey, public_inputs: Vec<Fr>, proof: Proof) -> Self {
        Self { info, key_digest: key_digest(key), public_inputs, proof }
    }

    /// The file's bytes.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut body = Vec::with_capacity(32 + 8 + 32 * self.public_inputs.len() + PROOF_BYTES);
        body.extend_from_slice(&self.key_digest);
        write_count(self.public_inputs.len(), &mut body);
        let bad = |e| Error::format(PROOF.name, format!("cannot be written: {e}"));
        for x in &self.public_inputs {
            ark::ark_scalar(x).serialize_compressed(&mut body).map_err(bad)?;
        }
        self.proof.serialize_compressed(&mut body).map_err(bad)?;
        container::encode(PROOF, &header(&self.info)?, &body)
    }

    /// Reads what [`ProofFile::encode`] made; the points are in their groups.
    ///
    /// # Errors
    /// [`Error::Format`] for bytes that are not such a file, or are damaged; [`Error::Mismatch`] for another system.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (info, mut reader) = open(PROOF, bytes)?;
        let key_digest = reader.array("key digest")?;
        let count = read_count(&mut reader, "public inputs")?;
        let inputs = reader.take(count.saturating_mul(32), "public inputs")?;
        let mut public_inputs = Vec::with_capacity(count);
        for (i, x) in inputs.chunks_exact(32).enumerate() {
            let x = ark_bn254::Fr::deserialize_compressed(x)
                .map_err(|_| reader.error(format!("public input {i} is not below the modulus")))?;
            public_inputs.push(ark::scalar(&x));
        }
        let proof = Proof::deserialize_compressed(reader.take(PROOF_BYTES, "proof")?)
            .map_err(|_| reader.error("the proof's points are not points of their groups"))?;
        reader.finish()?;
        Ok(Self { info, key_digest, public_inputs, proof })
    }

    /// Writes the file; never a part of it.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write_atomic(path, &self.encode()?)
    }

    /// Reads a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::decode(&files::read(&path)?).map_err(|e| e.in_file(path.as_ref()))
    }

    /// Checks that the proof was made under `key`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it was made under another one.
    pub fn expect_key(&self, key: &VerifyingKey) -> Result<()> {
        let hint = "use the verifying key that belongs to the proving key";
        expect("the proof", "key", &self.key_digest, &key_digest(key), hint)
    }
}

fn header(info: &KeyInfo) -> Result<Vec<u8>> {
    serde_json::to_vec(info).map_err(|e| Error::invalid("info", format!("cannot be written as JSON: {e}")))
}

fn open(kind: FileKind, bytes: &[u8]) -> Result<(KeyInfo, Reader<'_>)> {
    let (header, body) = container::decode(kind, bytes)?;
    let info: KeyInfo =
        serde_json::from_slice(header).map_err(|e| Error::format(kind.name, format!("header: {e}")))?;
    info.check(kind)?;
    Ok((info, Reader::new(kind.name, body)))
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(count as u64).to_le_bytes());
}

/// A count that this machine can address; whether its elements are there is for the reader to find out.
fn read_count(reader: &mut Reader<'_>, field: &str) -> Result<usize> {
    let count = reader.u64(field)?;
    usize::try_from(count).map_err(|_| reader.error(format!("{field}: {count} elements")))
}

fn write_counted<F: FileCoordinate>(points: &[Affine<F>], out: &mut Vec<u8>) {
    write_count(points.len(), out);
    write_points(points, out);
}

fn read_counted<F: FileCoordinate>(
    reader: &mut Reader<'_>,
    field: &str,
    validate: Validate,
) -> Result<Vec<Affine<F>>> {
    let count = read_count(reader, field)?;
    read_points(reader, count, field, validate)
}

fn read_g1(reader: &mut Reader<'_>, field: &str, validate: Validate) -> Result<ark_bn254::G1Affine> {
    read_finite_point(reader, field, validate).map(|p| ark::ark_g1_point(&p))
}

fn read_g2(reader: &mut Reader<'_>, field: &str, validate: Validate) -> Result<ark_bn254::G2Affine> {
    read_finite_point(reader, field, validate).map(|p| ark::ark_g2_point(&p))
}

fn write_verifying_key(key: &VerifyingKey, out: &mut Vec<u8>) {
    write_points(ark::g1_points(&[key.alpha_g1]), out);
    write_points(ark::g2_points(&[key.beta_g2, key.gamma_g2, key.delta_g2]), out);
    write_counted(ark::g1_points(&key.gamma_abc_g1), out);
}

fn read_verifying_key(reader: &mut Reader<'_>, validate: Validate) -> Result<VerifyingKey> {
    let alpha_g1 = read_g1(reader, "alpha_g1", validate)?;
    let beta_g2 = read_g2(reader, "beta_g2", validate)?;
    let gamma_g2 = read_g2(reader, "gamma_g2", validate)?;
    let delta_g2 = read_g2(reader, "delta_g2", validate)?;
    let gamma_abc_g1 = read_counted(reader, "gamma_abc_g1", validate)?;
    if gamma_abc_g1.is_empty() {
        return Err(reader.error("gamma_abc_g1 is empty; it begins with the term of the constant one"));
    }
    let gamma_abc_g1 = ark::ark_g1_points(&gamma_abc_g1).to_vec();
    Ok(VerifyingKey { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1 })
}

/// Digests as lowercase hex digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn encode(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    fn decode(text: &str) -> Option<[u8; 32]> {
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        let text: [u8; 64] = text.as_bytes().try_into().ok()?;
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(out)
    }

    pub fn serialize<S: Serializer>(bytes: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(d)?;
        decode(&text).ok_or_else(|| D::Error::custom("expected 64 lowercase hex digits"))
    }
}
