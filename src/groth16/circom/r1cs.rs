//! `.r1cs` files.
//!
//! ```text
//! "r1cs" | version 1 | sections:
//! 1: element bytes u32 = 32 | r | wires u32 | public outputs u32 | public inputs u32 | private inputs u32 | labels u64 |
//!    constraints u32
//! 2: for each constraint A, B and C: terms u32 | (wire u32 | coefficient, canonical)*
//! 3: for each wire a label u64
//! ```
//!
//! Wires are the constant one, the public outputs, the public inputs, then all others.

use super::wtns::canonical;
use crate::error::{Error, Result};
use crate::groth16::R1cs;
use crate::groth16::r1cs::{Label, LinearCombination, R1csBuilder};
use crate::iden3::{self, Section, Sections};
use crate::source::Source;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

const MAGIC: &[u8; 4] = b"r1cs";
const WHAT: &str = "r1cs file";
/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;
/// A term's bytes.
const TERM: usize = 4 + 32;

/// A circuit of circom.
#[derive(Clone, Debug, PartialEq)]
pub struct R1csFile {
    /// Its constraints; the public values are the outputs, then the public inputs.
    pub r1cs: R1cs,
    /// Public outputs.
    pub public_outputs: usize,
    /// Public inputs.
    pub public_inputs: usize,
    /// Private inputs, also those that are no wires because optimisation took them out.
    pub private_inputs: usize,
}

/// Reads a `.r1cs` file.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for a file that is not one, is damaged, is over another field, or has custom gates,
/// which Groth16 does not know.
pub fn read_r1cs(path: impl AsRef<Path>) -> Result<R1csFile> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    R1csFile::parse(&mut Source::new(file, WHAT, path)?)
}

impl R1csFile {
    /// As [`read_r1cs`], from memory.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::parse(&mut Source::new(Cursor::new(bytes), WHAT, Path::new(""))?)
    }

    fn parse<R: Read + Seek>(source: &mut Source<R>) -> Result<Self> {
        let sections = Sections::read(source, MAGIC, &[1])?;
        let header = sections.require_len(source, 1, "header", 36 + 4 * 4 + 8 + 4)?.offset;
        iden3::expect_scalar_field(source, header)?;
        let mut field = |at, name| source.u32(header + 36 + at, name);
        let wires = field(0, "number of wires")?;
        let [public_outputs, public_inputs, private_inputs] =
            [field(4, "public outputs")?, field(8, "public inputs")?, field(12, "private inputs")?];
        let constraints = field(24, "number of constraints")?;
        if let Some(gates) = sections.find(source, 5, "custom gates applied")?
            && gates.len > 4
        {
            return Err(
                source.error("has custom gates, which only PLONK knows; compile the circuit without them")
            );
        }
        // Optimisation takes private inputs out of the wires, but not out of their number.
        let known = u64::from(public_outputs) + u64::from(public_inputs) + 1;
        if known > u64::from(wires) {
            return Err(source.error(format!(
                "has {wires} wires, fewer than its public values and the constant one, which are {known}"
            )));
        }
        // Every wire has a label, so that the file bounds their number.
        sections.require_len(source, 3, "labels of the wires", 8 * u64::from(wires))?;
        let section = sections.require(source, 2, "constraints")?;
        // The least that a constraint takes; the file bounds what is allocated.
        if u64::from(constraints) * 12 > section.len {
            return Err(source.error(format!(
                "section 2 (constraints) has {} bytes, too few for {constraints} constraints",
                section.len
            )));
        }
        let public = public_outputs as usize + public_inputs as usize;
        let mut builder = R1csBuilder::new(public);
        builder.witnesses(wires as usize - public - 1, Label::new("private wire"));
        let mut terms = Terms { source, section, position: 0, buffer: Vec::new(), at: 0 };
        for constraint in 0..constraints {
            let mut next = || terms.combination(constraint, wires);
            let [a, b, c] = [next()?, next()?, next()?];
            builder.enforce(a, b, c, Label::new("as circom numbers them"));
        }
        terms.finish()?;
        Ok(Self {
            r1cs: builder.finish()?,
            public_outputs: public_outputs as usize,
            public_inputs: public_inputs as usize,
            private_inputs: private_inputs as usize,
        })
    }
}

/// The bytes of the constraints, a piece at a time.
struct Terms<'a, R> {
    source: &'a mut Source<R>,
    section: Section,
    /// Bytes of the section that were read into the buffer.
    position: u64,
    buffer: Vec<u8>,
    /// Where in the buffer the next byte is.
    at: usize,
}

impl<R: Read + Seek> Terms<'_, R> {
    fn combination(&mut self, constraint: u32, wires: u32) -> Result<LinearCombination> {
        let count = self.take::<4>(constraint).map(u32::from_le_bytes)?;
        let mut lc = LinearCombination::zero();
        for _ in 0..count {
            let [a, b, c, d, value @ ..] = self.take::<TERM>(constraint)?;
            let wire = u32::from_le_bytes([a, b, c, d]);
            let bad = |what: String| self.source.error(format!("constraint {constraint} {what}"));
            if wire >= wires {
                return Err(bad(format!("names wire {wire} of {wires}")));
            }
            let value = canonical(&value).ok_or_else(|| {
                bad(format!("has a coefficient of wire {wire} that is not below the modulus"))
            })?;
            lc.push(wire, value);
        }
        Ok(lc)
    }

    fn take<const N: usize>(&mut self, constraint: u32) -> Result<[u8; N]> {
        if self.buffer.len() - self.at < N {
            self.buffer.drain(..self.at);
            self.at = 0;
            let (kept, more) = (self.buffer.len(), PIECE.min(self.section.len - self.position));
            self.buffer.resize(kept + more as usize, 0);
            self.source.fill(self.section.offset + self.position, &mut self.buffer[kept..])?;
            self.position += more;
        }
        let bytes = self.buffer.get(self.at..self.at + N).and_then(|bytes| bytes.try_into().ok());
        let cut =
            || self.source.error(format!("section 2 (constraints) ends within constraint {constraint}"));
        let bytes = bytes.ok_or_else(cut)?;
        self.at += N;
        Ok(bytes)
    }

    fn finish(self) -> Result<()> {
        let rest = self.section.len - self.position + (self.buffer.len() - self.at) as u64;
        if rest == 0 {
            return Ok(());
        }
        Err(self.source.error(format!("section 2 (constraints) has {rest} bytes after the last constraint")))
    }
}
