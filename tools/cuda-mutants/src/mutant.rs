//! What can be dropped from PTX.

use std::fmt;

/// What an instruction loses.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `.cc`: the carry goes nowhere.
    Carry,
    /// A barrier of a block or a warp.
    Barrier,
    /// A comparison that something is done or left out by: a branch that is always or never taken, a minimum or maximum that is one
    /// of its operands.
    Bounds,
    /// Bits or words that are chosen: `and` and `selp` that are one of their operands.
    Mask,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Carry, Self::Barrier, Self::Bounds, Self::Mask];

    pub fn name(self) -> &'static str {
        match self {
            Self::Carry => "carry",
            Self::Barrier => "barrier",
            Self::Bounds => "bounds",
            Self::Mask => "mask",
        }
    }
}

/// One line of a file, changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    pub kind: Kind,
    /// The kernel, or the function that kernels call.
    pub function: String,
    pub is_kernel: bool,
    /// Of its kind in its function, from zero.
    pub number: usize,
    /// What the instruction becomes: `dropped`, `always`, `never`, `first`, `second`.
    pub change: &'static str,
    /// Of the file, from zero.
    pub line: usize,
    pub original: String,
    pub mutated: String,
}

impl Mutant {
    /// The file's text with the change.
    pub fn apply(&self, text: &str) -> String {
        let mut lines: Vec<&str> = text.split('\n').collect();
        lines[self.line] = &self.mutated;
        lines.join("\n")
    }
}

impl fmt::Display for Mutant {
    /// `vector_fr carry 12 dropped`: its name, as long as the PTX stays.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.function, self.kind.name(), self.number, self.change)
    }
}

/// An instruction's name and operands: `@%p1 add.cc.u32 %r1, %r2, 1;` is `add.cc.u32` and three.
fn parts(line: &str) -> Option<(&str, Vec<&str>)> {
    let instruction = line.trim().strip_suffix(';')?;
    let (name, operands) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
    Some((name, operands.split(',').map(str::trim).collect()))
}

/// Whether an instruction has one of these parts in its name.
fn has(name: &str, parts: &[&str]) -> bool {
    name.split('.').any(|part| parts.contains(&part))
}

/// Whether an instruction of the same basic block reads the carry that `lines[0]` writes.
fn carry_is_read(lines: &[&str]) -> bool {
    for line in &lines[1..] {
        let Some((name, _)) = parts(line) else {
            // Labels and braces; an empty line is nothing.
            if line.trim().is_empty() {
                continue;
            }
            return false;
        };
        if has(name, &["addc", "subc", "madc"]) {
            return true;
        }
        if has(name, &["cc", "bra", "ret", "exit", "call"]) || name.starts_with('@') {
            return false;
        }
    }
    false
}

/// What one instruction can become, and how that is called.
fn changes(lines: &[&str]) -> Vec<(Kind, &'static str, String)> {
    let line = lines[0];
    let Some((name, operands)) = parts(line) else { return Vec::new() };
    if has(name, &["cc"]) {
        let dropped = || (Kind::Carry, "dropped", line.replacen(".cc", "", 1));
        return carry_is_read(lines).then(dropped).into_iter().collect();
    }
    if has(name, &["bar", "barrier"]) {
        return vec![(Kind::Barrier, "dropped", String::new())];
    }
    if name.starts_with('@') {
        // `@%p1 bra LABEL`.
        let label = operands[0].strip_prefix("bra").map(str::trim);
        let branch = |label| [("always", format!("bra {label};")), ("never", String::new())];
        return label.map(branch).into_iter().flatten().map(|(how, to)| (Kind::Bounds, how, to)).collect();
    }
    let kind = match name.split('.').next() {
        Some("and" | "selp") if !name.ends_with(".pred") => Kind::Mask,
        Some("min" | "max") => Kind::Bounds,
        _ => return Vec::new(),
    };
    let [to, first, second, ..] = operands[..] else { return Vec::new() };
    let bits: String = name.chars().filter(char::is_ascii_digit).collect();
    let moved = |from: &str| format!("mov.u{bits} {to}, {from};");
    vec![(kind, "first", moved(first)), (kind, "second", moved(second))]
}

/// All mutants of a file, in order. Carries that nothing reads are none.
pub fn mutants(text: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found: Vec<Mutant> = Vec::new();
    let (mut function, mut is_kernel) = (String::new(), false);
    let mut numbers = [0; Kind::ALL.len()];
    for (at, line) in lines.iter().enumerate() {
        let header = line.strip_prefix(".visible ").unwrap_or(line);
        if header.starts_with(".entry") || header.starts_with(".func") {
            is_kernel = header.starts_with(".entry");
            function = header_name(header).to_owned();
            numbers = [0; Kind::ALL.len()];
        }
        let changes = changes(&lines[at..]);
        let Some(&(kind, ..)) = changes.first() else { continue };
        let number = numbers[kind as usize];
        numbers[kind as usize] += 1;
        found.extend(changes.into_iter().map(|(kind, change, mutated)| Mutant {
            kind,
            function: function.clone(),
            is_kernel,
            number,
            change,
            line: at,
            original: line.trim().to_owned(),
            mutated,
        }));
    }
    found
}

/// `.entry NAME(` or `.func (RESULT) NAME(`.
fn header_name(header: &str) -> &str {
    let after = header.rsplit_once(')').map_or(header, |(_, after)| after);
    let after = after.trim_start_matches(".entry").trim_start_matches(".func");
    after.trim().trim_end_matches('(')
}

/// The kernels of a file.
pub fn kernels(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix(".visible .entry")).map(header_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
.func  (.param .align 4 .b8 func_retval0[64]) product(
\t.param .b32 x
)
{
\tmad.lo.cc.u32 %r1, %r2, %r3, %r4;

\tmadc.hi.u32 %r1, %r2, %r3, %r4;
\tadd.cc.u32 %r1, %r2, %r3;
\tadd.u32 %r1, %r2, %r3;
\tadd.cc.u32 %r1, %r2, %r3;
\taddc.cc.u32 %r1, %r2, 0;
$L__BB0_1:
\taddc.u32 %r1, %r2, 0;
}
.visible .entry kernel(
\t.param .u64 kernel_param_0
)
{
\t@%p1 bra \t$L__BB1_2;
\t@!%p1 bra $L__BB1_2;
\tbar.sync \t0;
\tand.b32  \t%r1, %r2, 15;
\tand.pred \t%p1, %p2, %p3;
\tselp.b32 \t%r1, 1, %r2, %p3;
\tmin.u32 \t%r1, %r2, %r3;
\tbra.uni \t$L__BB1_2;
$L__BB1_2:
\tret;
}";

    #[test]
    fn instructions_lose_what_they_have() {
        let found: Vec<String> = mutants(TEXT)
            .iter()
            .map(|mutant| format!("{mutant}: {} -> {}", mutant.original, mutant.mutated.trim()))
            .collect();
        let expected = [
            "product carry 0 dropped: mad.lo.cc.u32 %r1, %r2, %r3, %r4; -> mad.lo.u32 %r1, %r2, %r3, %r4;",
            "product carry 1 dropped: add.cc.u32 %r1, %r2, %r3; -> add.u32 %r1, %r2, %r3;",
            "kernel bounds 0 always: @%p1 bra \t$L__BB1_2; -> bra $L__BB1_2;",
            "kernel bounds 0 never: @%p1 bra \t$L__BB1_2; -> ",
            "kernel bounds 1 always: @!%p1 bra $L__BB1_2; -> bra $L__BB1_2;",
            "kernel bounds 1 never: @!%p1 bra $L__BB1_2; -> ",
            "kernel barrier 0 dropped: bar.sync \t0; -> ",
            "kernel mask 0 first: and.b32  \t%r1, %r2, 15; -> mov.u32 %r1, %r2;",
            "kernel mask 0 second: and.b32  \t%r1, %r2, 15; -> mov.u32 %r1, 15;",
            "kernel mask 1 first: selp.b32 \t%r1, 1, %r2, %p3; -> mov.u32 %r1, 1;",
            "kernel mask 1 second: selp.b32 \t%r1, 1, %r2, %p3; -> mov.u32 %r1, %r2;",
            "kernel bounds 2 first: min.u32 \t%r1, %r2, %r3; -> mov.u32 %r1, %r2;",
            "kernel bounds 2 second: min.u32 \t%r1, %r2, %r3; -> mov.u32 %r1, %r3;",
        ];
        assert_eq!(found, expected);
        assert_eq!(kernels(TEXT), ["kernel"]);
    }

    #[test]
    fn a_mutant_changes_its_line_alone() {
        for mutant in mutants(TEXT) {
            let text = mutant.apply(TEXT);
            let differ: Vec<usize> = (0..)
                .zip(TEXT.lines().zip(text.lines()))
                .filter(|(_, (a, b))| a != b)
                .map(|(at, _)| at)
                .collect();
            assert_eq!(differ, [mutant.line]);
            assert_eq!(text.lines().count(), TEXT.lines().count());
        }
    }
}
