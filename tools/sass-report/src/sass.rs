//! Machine code as cuobjdump prints it: a line with an instruction and the lower half of its 128 bits, and a line with
//! the upper half.

use std::collections::BTreeMap;

/// A machine instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub address: u64,
    /// With its modifiers: `IMAD.WIDE.U32.X`.
    pub opcode: String,
    /// Whether a predicate may turn it off.
    pub predicated: bool,
    /// Where a branch or a call goes.
    pub target: Option<u64>,
    /// Cycles that ptxas has the warp wait before its next instruction.
    pub stall: u64,
}

/// What an instruction is to the multiply pipe.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Multiply,
    /// A move, shift or sum that ptxas gives to the pipe, in the guise of a product.
    Move,
    Other,
    /// Fills up the code's end.
    Padding,
}

impl Instruction {
    pub fn kind(&self) -> Kind {
        let mut parts = self.opcode.split('.');
        match (parts.next(), parts.next()) {
            (Some("NOP"), _) => Kind::Padding,
            (Some("BRA"), _) if self.target == Some(self.address) => Kind::Padding,
            (Some("IMAD"), Some("MOV" | "SHL" | "IADD" | "X")) => Kind::Move,
            (Some("IMAD"), _) => Kind::Multiply,
            _ => Kind::Other,
        }
    }

    pub fn is(&self, operation: &str) -> bool {
        self.opcode.split('.').next() == Some(operation)
    }
}

/// The code of each function. Those that a kernel calls are a part of it, and follow it.
pub fn functions(disassembly: &str) -> BTreeMap<String, Vec<Instruction>> {
    let mut functions = BTreeMap::<_, Vec<_>>::new();
    let mut name = String::new();
    let mut pending = None;
    for line in disassembly.lines() {
        if let Some((_, function)) = line.split_once("Function : ") {
            name = function.trim().to_string();
        } else if let Some((text, _)) = line.split_once(';') {
            pending = instruction(text);
        } else if let (Some(upper), Some(mut instruction)) = (encoding(line), pending.take()) {
            // Control bits: the stall count is bits 105 to 108 of the whole.
            instruction.stall = upper >> 41 & 15;
            functions.entry(name.clone()).or_default().push(instruction);
        }
    }
    functions
}

/// `/*0120*/  @!P0 BRA 0x8570`
fn instruction(text: &str) -> Option<Instruction> {
    let (address, text) = text.trim().strip_prefix("/*")?.split_once("*/")?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let mut words = text.split_whitespace().peekable();
    let guard = words.next_if(|word| word.starts_with('@'));
    let opcode = words.next()?.to_string();
    let operands: Vec<&str> = words.collect();
    // Branches also take a predicate as their first operand: `BRA P0, 0x8570`, `BRA.U !UP0, 0x8570`.
    let jumps = ["BRA", "CALL", "BSSY"].iter().any(|jump| opcode.split('.').next() == Some(jump));
    let target = operands.last().filter(|_| jumps).and_then(|last| hexadecimal(last));
    let condition = jumps && operands.len() > 1 && operands[0].trim_start_matches('!').contains('P');
    Some(Instruction { address, opcode, predicated: guard.is_some() || condition, target, stall: 0 })
}

/// `/* 0x000fe20000000a00 */`
fn encoding(line: &str) -> Option<u64> {
    hexadecimal(line.trim().strip_prefix("/*")?.strip_suffix("*/")?.trim())
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Code with a cycle an instruction, 16 bytes apart.
    pub fn code(lines: &[&str]) -> Vec<Instruction> {
        let line = |(k, line): (usize, &&str)| instruction(&format!("/*{:04x}*/ {line}", 16 * k)).unwrap();
        lines
            .iter()
            .enumerate()
            .map(line)
            .map(|instruction| Instruction { stall: 1, ..instruction })
            .collect()
    }

    #[test]
    fn instructions_are_read_with_their_control_bits() {
        let text = "
		Function : stage
	.headerflags	@\"EF_CUDA_SM90\"
        /*0000*/                   LDC R1, c[0x0][0x28] ;                    /* 0x00000a00ff017b82 */
                                                                             /* 0x000e220000000800 */
        /*0010*/              @!P0 BRA 0x40 ;                                /* 0x0000008000d48947 */
                                                                             /* 0x000fea0003800000 */
		Function : other
        /*0000*/                   IMAD.WIDE.U32.X R2, R3, 0x40, R56, P1 ;   /* 0x0000004003387825 */
                                                                             /* 0x004fc800078e0038 */
";
        let found = functions(text);
        let stage = &found["stage"];
        assert_eq!((stage[0].opcode.as_str(), stage[0].stall, stage[0].predicated), ("LDC", 1, false));
        assert_eq!((stage[1].target, stage[1].stall, stage[1].predicated), (Some(0x40), 5, true));
        assert_eq!((found["other"][0].kind(), found["other"][0].stall), (Kind::Multiply, 4));
    }

    #[test]
    fn moves_and_padding_are_no_products() {
        let kinds = |lines: &[&str]| code(lines).iter().map(Instruction::kind).collect::<Vec<_>>();
        let lines = [
            "IMAD.MOV.U32 R1, RZ, RZ, R2",
            "IMAD R1, R2, R3, RZ",
            "UIMAD UR4, UR5, UR6, URZ",
            "BRA 0x30",
            "NOP",
        ];
        assert_eq!(kinds(&lines), [Kind::Move, Kind::Multiply, Kind::Other, Kind::Padding, Kind::Padding]);
    }
}
