//! `.zkey` files of Groth16.
//!
//! ```text
//! "zkey" | version 1 | sections:
//! 1: protocol u32 = 1 (Groth16)
//! 2: q (36 bytes) | r (36 bytes) | variables u32 | public u32 | n u32 | α G1 | β G1 | β G2 | γ G2 | δ G1 | δ G2
//! 3: IC, public + 1 points of G1            4: coefficients u32 | (matrix u32 | row u32 | column u32 | c·R²)*
//! 5: A in G1    6: B in G1    7: B in G2    8: C in G1, for the variables that are not public    9: H in G1, n points
//! 10: hash of the circuit, 64 bytes | contributions u32 | …
//! ```
//!
//! Points are x and y in Montgomery form, infinity is zeros. Coefficients are of A (matrix 0) and B (1); rows below n, the
//! rows after the constraints being those of the public values. H_i is \[L_(2i+1)(τ)/δ\]G for the Lagrange basis L of the
//! domain of 2n elements.

use crate::container::Reader;
use crate::error::{Error, Result};
use crate::groth16::points::{self, FileCoordinate, Validate, read_finite_point, read_points};
use crate::groth16::r1cs::{MatrixFiller, SparseMatrix};
use crate::groth16::{ProvingKey, VerifyingKey};
use crate::iden3::{self, Section, Sections};
use crate::interop::ark;
use crate::source::Source;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zkwatt_kernels::bn254::BASE_MODULUS;
use zkwatt_kernels::curve::Affine;
use zkwatt_kernels::{Field, Fr, PrimeField};

pub(super) const MAGIC: &[u8; 4] = b"zkey";
const WHAT: &str = "zkey file";
/// The protocol of section 1.
pub(super) const GROTH16: u32 = 1;
/// Marks keys of a single-party setup; programs skip sections that they do not know.
pub(super) const DEVELOPMENT: u32 = 0x5457_4b5a;
const HEADER: u64 = 2 * 36 + 3 * 4 + 3 * 64 + 3 * 128;
/// A coefficient's bytes.
pub(super) const COEFFICIENT: u64 = 3 * 4 + 32;
/// Points or coefficients that are read at once.
const PIECE: u64 = 1 << 14;
/// The domain of 2n elements must exist.
const MAX_LOG_N: u32 = Fr::TWO_ADICITY - 1;

/// What a `.zkey` says of its circuit, and its single points.
#[derive(Clone, Debug, PartialEq)]
pub struct ZkeyHeader {
    /// Wires, the constant one among them.
    pub num_variables: usize,
    /// Public outputs and inputs, without the constant one.
    pub num_public: usize,
    /// log2 of n, the size of the evaluation domain.
    pub log_n: u32,
    /// β in G1.
    pub beta_g1: ark_bn254::G1Affine,
    /// δ in G1.
    pub delta_g1: ark_bn254::G1Affine,
    /// The verifying key.
    pub verifying_key: VerifyingKey,
}

/// What else a `.zkey` says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZkeyInfo {
    /// Contributions to its ceremony; `None` where the file does not say.
    pub contributions: Option<u32>,
    /// Whether this library's single-party setup made it: whoever ran that can prove anything.
    pub development: bool,
    /// Bytes of the file.
    pub bytes: u64,
}

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// The queries over G1.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum G1Query {
    A,
    B,
    C,
    H,
}

/// An open `.zkey`. Its header is read and checked; the rest is read when it is asked for.
pub struct Zkey {
    /// Locked for a read at a time, never while other threads are waited for.
    source: Mutex<Source<Box<dyn ReadSeek>>>,
    header: ZkeyHeader,
    info: ZkeyInfo,
    coefficients: Section,
    /// A, B, C, H.
    g1: [Section; 4],
    b_g2: Section,
}

impl std::fmt::Debug for Zkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zkey").field("header", &self.header).field("info", &self.info).finish_non_exhaustive()
    }
}

impl Zkey {
    /// Opens a file and checks its header, the verifying key and the lengths of all sections.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for a file that is not a Groth16 `.zkey` over BN254, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Self::load(Box::new(file), path)
    }

    /// As [`Zkey::open`], from memory.
    pub fn decode(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        Self::load(Box::new(Cursor::new(bytes.into())), Path::new(""))
    }

    fn load(inner: Box<dyn ReadSeek>, path: &Path) -> Result<Self> {
        let mut source = Source::new(inner, WHAT, path)?;
        let sections = Sections::read(&mut source, MAGIC, &[1])?;
        let protocol = sections.require_len(&source, 1, "protocol", 4)?;
        let protocol = source.u32(protocol.offset, "protocol")?;
        if protocol != GROTH16 {
            let name = match protocol {
                2 => " (PLONK)",
                10 => " (FFLONK)",
                _ => "",
            };
            return Err(source.error(format!("is a key of protocol {protocol}{name}; Groth16 is {GROTH16}")));
        }
        let header = read_header(&mut source, &sections)?;
        let (variables, public, n) =
            (header.num_variables as u64, header.num_public as u64, 1 << header.log_n);
        let g1 = |kind, name, count: u64| sections.require_len(&source, kind, name, 64 * count);
        let g1 = [
            g1(5, "A in G1", variables)?,
            g1(6, "B in G1", variables)?,
            g1(8, "C in G1", variables - public - 1)?,
            g1(9, "H in G1", n)?,
        ];
        let b_g2 = sections.require_len(&source, 7, "B in G2", 128 * variables)?;
        let coefficients = sections.require(&source, 4, "coefficients")?;
        let count = source.u32(coefficients.offset, "number of coefficients")?;
        let expected = 4 + COEFFICIENT * u64::from(count);
        if coefficients.len != expected {
            return Err(source.error(format!(
                "section 4 (coefficients) has {} bytes; {count} coefficients have {expected}",
                coefficients.len
            )));
        }
        let contributions = match sections.find(&source, 10, "contributions")? {
            Some(section) if section.len >= 68 => Some(source.u32(section.offset + 64, "contributions")?),
            _ => None,
        };
        let development = sections.find(&source, DEVELOPMENT, "development key")?.is_some();
        let info = ZkeyInfo { contributions, development, bytes: source.len() };
        Ok(Self { source: Mutex::new(source), header, info, coefficients, g1, b_g2 })
    }

    /// The circuit's numbers and the single points.
    pub fn header(&self) -> &ZkeyHeader {
        &self.header
    }

    /// Where the key comes from.
    pub fn info(&self) -> &ZkeyInfo {
        &self.info
    }

    /// The key in the types of `ark-groth16`. Its `h_query` are the values at the odd powers of a 2n-th root of unity (see
    /// [`super::ZkeyProver`]): it is for `Groth16<Bn254, R>` whose reduction `R` gives those, with the rows of
    /// [`Zkey::matrices`]. [`super::ZkeyProver`] needs no such copy.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for points that are not what `validate` asks for.
    pub fn proving_key(&self, validate: Validate) -> Result<ProvingKey> {
        let g1 = |query| self.g1_query(query, validate).map(|points| ark::ark_g1_points(&points).to_vec());
        Ok(ProvingKey {
            vk: self.header.verifying_key.clone(),
            beta_g1: self.header.beta_g1,
            delta_g1: self.header.delta_g1,
            a_query: g1(G1Query::A)?,
            b_g1_query: g1(G1Query::B)?,
            b_g2_query: ark::ark_g2_points(&self.b_g2_query(validate)?).to_vec(),
            h_query: g1(G1Query::H)?,
            l_query: g1(G1Query::C)?,
        })
    }

    /// Coefficients of A and B that the file has.
    pub fn num_coefficients(&self) -> usize {
        ((self.coefficients.len - 4) / COEFFICIENT) as usize
    }

    /// A and B, n rows each: the constraints', one for each public value and the constant one, and empty ones.
    ///
    /// # Errors
    /// [`Error::Format`] for a row, a column or a coefficient out of range.
    pub fn matrices(&self) -> Result<[SparseMatrix; 2]> {
        let mut lengths = [(); 2].map(|()| vec![0u32; 1 << self.header.log_n]);
        self.for_each_coefficient(|matrix, row, _, _| lengths[matrix][row] += 1)?;
        let mut fillers = lengths.map(|lengths| MatrixFiller::new(&lengths));
        self.for_each_coefficient(|matrix, row, column, value| fillers[matrix].place(row, column, value()))?;
        Ok(fillers.map(MatrixFiller::finish))
    }

    /// Calls `work` with matrix, row, column and value of every coefficient but zeros.
    fn for_each_coefficient(&self, mut work: impl FnMut(usize, usize, u32, &dyn Fn() -> Fr)) -> Result<()> {
        let count = self.num_coefficients() as u64;
        let (n, variables) = (1u64 << self.header.log_n, self.header.num_variables as u64);
        let mut buffer = vec![0; (COEFFICIENT * PIECE.min(count)) as usize];
        let mut done = 0;
        while done < count {
            let bytes = &mut buffer[..(COEFFICIENT * PIECE.min(count - done)) as usize];
            self.source().fill(self.coefficients.offset + 4 + COEFFICIENT * done, bytes)?;
            for (i, bytes) in (done..).zip(bytes.chunks_exact(COEFFICIENT as usize)) {
                let (indices, value) = bytes.split_at(12);
                let index = |at: usize| match indices[at..at + 4] {
                    [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
                    _ => u32::MAX,
                };
                let [matrix, row, column] = [index(0), index(4), index(8)];
                let bad = |what: String| self.error(format!("coefficient {i} {what}"));
                if matrix > 1 {
                    return Err(bad(format!("is of matrix {matrix}; 0 is A and 1 is B")));
                }
                if u64::from(row) >= n {
                    return Err(bad(format!("is in row {row} of {n}")));
                }
                if u64::from(column) >= variables {
                    return Err(bad(format!("is of variable {column} of {variables}")));
                }
                let stored = super::wtns::limbs(value).and_then(Fr::from_montgomery);
                let stored = stored.ok_or_else(|| bad("is not below the modulus".into()))?;
                if !stored.is_zero() {
                    work(matrix as usize, row as usize, column, &|| coefficient(stored));
                }
            }
            done += PIECE.min(count - done);
        }
        Ok(())
    }

    fn source(&self) -> MutexGuard<'_, Source<Box<dyn ReadSeek>>> {
        // Reads leave nothing half done.
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error about the content.
    pub(super) fn error(&self, reason: impl Into<String>) -> Error {
        self.source().error(reason)
    }

    /// The points of a query over G1.
    pub(super) fn g1_query(
        &self,
        query: G1Query,
        validate: Validate,
    ) -> Result<Vec<zkwatt_kernels::G1Affine>> {
        let (index, name) = match query {
            G1Query::A => (0, "A in G1"),
            G1Query::B => (1, "B in G1"),
            G1Query::C => (2, "C in G1"),
            G1Query::H => (3, "H in G1"),
        };
        self.points(self.g1[index], name, validate)
    }

    /// The points of B in G2.
    pub(super) fn b_g2_query(&self, validate: Validate) -> Result<Vec<zkwatt_kernels::G2Affine>> {
        self.points(self.b_g2, "B in G2", validate)
    }

    fn points<F: FileCoordinate>(
        &self,
        section: Section,
        name: &str,
        validate: Validate,
    ) -> Result<Vec<Affine<F>>> {
        let size = 2 * F::BYTES as u64;
        // The section is within the file.
        let mut points = Vec::with_capacity((section.len / size) as usize);
        let mut buffer = vec![0; section.len.min(PIECE * size) as usize];
        let mut done = 0;
        while done < section.len {
            let bytes = &mut buffer[..(section.len - done).min(PIECE * size) as usize];
            self.source().fill(section.offset + done, bytes)?;
            points::decode_points(bytes, validate, &mut points)
                .map_err(|(i, e)| self.error(format!("point {} of {name} {e}", done / size + i as u64)))?;
            done += bytes.len() as u64;
        }
        points::expect_group(&points, name, validate).map_err(|reason| self.error(reason))?;
        Ok(points)
    }
}

/// From c·R² as an integer below r to c. The element whose Montgomery form that is has the canonical form c·R.
fn coefficient(stored: Fr) -> Fr {
    Fr::from_montgomery(stored.to_canonical()).unwrap_or_default()
}

/// The inverse of [`coefficient`], as bytes of the file.
pub(super) fn stored(coefficient: Fr) -> [u8; 32] {
    let stored = Fr::from_canonical(coefficient.to_montgomery()).unwrap_or_default();
    let mut out = [0; 32];
    out.copy_from_slice(stored.to_montgomery().map(u64::to_le_bytes).as_flattened());
    out
}

fn read_header(source: &mut Source<Box<dyn ReadSeek>>, sections: &Sections) -> Result<ZkeyHeader> {
    let section = sections.require_len(source, 2, "header of Groth16", HEADER)?;
    iden3::expect_modulus(source, section.offset, BASE_MODULUS, "base field")?;
    iden3::expect_scalar_field(source, section.offset + 36)?;
    let bytes = source.bytes(section.offset + 72, HEADER - 72, "header")?;
    let mut reader = Reader::new(WHAT, &bytes);
    let [variables, public, n] =
        [reader.u32("variables")?, reader.u32("public values")?, reader.u32("size of the domain")?];
    if public >= variables {
        return Err(source.error(format!(
            "has {variables} variables of which {public} and the constant one are public; that is impossible"
        )));
    }
    if !n.is_power_of_two() || n.ilog2() > MAX_LOG_N {
        return Err(source.error(format!("has a domain of {n}; expected a power of two up to 2^{MAX_LOG_N}")));
    }
    if u64::from(public) + 1 > u64::from(n) {
        return Err(source.error(format!("has {public} public values, more than its domain of {n} holds")));
    }
    let alpha_g1 = read_finite_point(&mut reader, "α in G1", Validate::Full)?;
    let beta_g1 = read_finite_point(&mut reader, "β in G1", Validate::Full)?;
    let beta_g2 = read_finite_point(&mut reader, "β in G2", Validate::Full)?;
    let gamma_g2 = read_finite_point(&mut reader, "γ in G2", Validate::Full)?;
    let delta_g1 = read_finite_point(&mut reader, "δ in G1", Validate::Full)?;
    let delta_g2 = read_finite_point(&mut reader, "δ in G2", Validate::Full)?;
    let count = public as usize + 1;
    let ic = sections.require_len(source, 3, "IC", 64 * count as u64)?;
    let bytes = source.bytes(ic.offset, ic.len, "IC")?;
    let gamma_abc_g1 = read_points(&mut Reader::new(WHAT, &bytes), count, "IC", Validate::Full)?;
    Ok(ZkeyHeader {
        num_variables: variables as usize,
        num_public: public as usize,
        log_n: n.ilog2(),
        beta_g1: ark::ark_g1_point(&beta_g1),
        delta_g1: ark::ark_g1_point(&delta_g1),
        verifying_key: VerifyingKey {
            alpha_g1: ark::ark_g1_point(&alpha_g1),
            beta_g2: ark::ark_g2_point(&beta_g2),
            gamma_g2: ark::ark_g2_point(&gamma_g2),
            delta_g2: ark::ark_g2_point(&delta_g2),
            gamma_abc_g1: ark::ark_g1_points(&gamma_abc_g1).to_vec(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_are_stored_with_the_square_of_r() {
        for value in [Fr::ONE, -Fr::ONE, Fr::from(12345u64), Fr::generator()] {
            let limbs = super::super::wtns::limbs(&stored(value)).and_then(Fr::from_montgomery).unwrap();
            assert_eq!(coefficient(limbs), value);
            // value·R², which as a Montgomery form stands for value·R.
            let r = Fr::from_montgomery_unchecked([0; 4]) + Fr::from(2u64).pow_vartime(&[256]);
            assert_eq!(limbs, value * r);
        }
    }
}
