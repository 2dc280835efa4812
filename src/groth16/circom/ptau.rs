//! What a `.ptau` says of itself.

use crate::error::{Error, Result};
use crate::ptau::{G1, G2, Header};
use crate::source::Source;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

const WHAT: &str = "ptau file";

/// A ceremony's first phase, as the numbers and lengths of its file have it. Points are not looked at:
/// `snarkjs powersoftau verify` does that, and for Halo2 `zkwatt::halo2::Srs::read`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PtauInfo {
    /// log2 of the largest domain that keys can be made for.
    pub power: u32,
    /// That of the ceremony, of which this may be a part.
    pub ceremony_power: u32,
    /// Contributions to it.
    pub contributions: u32,
    /// Whether it has the Lagrange bases, which `snarkjs groth16 setup` needs.
    pub prepared: bool,
    /// Bytes of the file.
    pub bytes: u64,
}

impl PtauInfo {
    /// Reads the header and the table of sections of a file, and checks the length of each section.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for a file that is not a `.ptau` over BN254, or is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Self::load(&mut Source::new(file, WHAT, path)?)
    }

    /// As [`PtauInfo::read`], from memory.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::load(&mut Source::new(Cursor::new(bytes), WHAT, Path::new(""))?)
    }

    fn load<R: Read + Seek>(source: &mut Source<R>) -> Result<Self> {
        let header = Header::read(source)?;
        header.powers(source)?;
        let Header { power, ceremony_power, sections } = header;
        let n = 1u64 << power;
        for (kind, name, bytes) in [
            (4, "powers of τ times α in G1", n * G1),
            (5, "powers of τ times β in G1", n * G1),
            (6, "β in G2", G2),
        ] {
            sections.require_len(source, kind, name, bytes)?;
        }
        let contributions = sections.require(source, 7, "contributions")?;
        if contributions.len < 4 {
            return Err(source.error("section 7 (contributions) has no number of them"));
        }
        let contributions = source.u32(contributions.offset, "contributions")?;
        let prepared = sections.find(source, 12, "Lagrange basis of τ in G1")?.is_some();
        if prepared {
            for (kind, name, bytes) in [
                (12, "Lagrange basis of τ in G1", (4 * n - 1) * G1),
                (13, "Lagrange basis of τ in G2", (2 * n - 1) * G2),
                (14, "Lagrange basis of τ times α in G1", (2 * n - 1) * G1),
                (15, "Lagrange basis of τ times β in G1", (2 * n - 1) * G1),
            ] {
                sections.require_len(source, kind, name, bytes)?;
            }
        }
        Ok(Self { power, ceremony_power, contributions, prepared, bytes: source.len() })
    }
}
