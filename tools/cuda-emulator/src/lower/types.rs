//! Types of instructions.

/// Integer type of an instruction; `.b` types are unsigned, and so are floats where only their bits move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ty {
    pub bits: u32,
    pub signed: bool,
    /// `.b` type, without a sign of its own.
    pub untyped: bool,
}

impl Ty {
    pub const U32: Self = Self { bits: 32, signed: false, untyped: false };
    pub const U64: Self = Self { bits: 64, signed: false, untyped: false };

    /// `u32` as written after the dot.
    pub fn parse(written: &str) -> Option<Self> {
        let (kind, bits) = written.split_at_checked(1)?;
        let bits = match bits {
            "8" => 8,
            "16" => 16,
            "32" => 32,
            "64" => 64,
            _ => return None,
        };
        matches!(kind, "u" | "s" | "b").then_some(Self { bits, signed: kind == "s", untyped: kind == "b" })
    }

    /// As [`Self::parse`], with floats as their bits.
    pub fn parse_bits(written: &str) -> Option<Self> {
        let bits = match written {
            "f16" => 16,
            "f32" => 32,
            "f64" => 64,
            _ => return Self::parse(written),
        };
        Some(Self { bits, signed: false, untyped: true })
    }

    pub fn wide(self) -> bool {
        self.bits == 64
    }

    pub fn bytes(self) -> u32 {
        self.bits / 8
    }

    /// Bits of `value` in this type, extended to 64 by its sign.
    pub fn extend(self, value: u64) -> u64 {
        let unused = 64 - self.bits;
        if self.signed { ((value << unused) as i64 >> unused) as u64 } else { value << unused >> unused }
    }
}
