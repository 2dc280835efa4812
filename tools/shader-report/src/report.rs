//! All that is known of the shaders, and how it is printed.

use crate::count::{Counter, Operations};
use crate::radv::{self, Compiled, FAMILIES, Statistics};
use crate::translate::Translated;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use zkwatt::device::wgpu::{ShaderText, shaders};

/// Functions whose operations are reported apart, for every field and form.
const FUNCTIONS: [&str; 4] = ["fe_mul", "fe_square", "fe_add", "fe_sub"];

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{name}: {message}")]
    Shader { name: String, message: String },
    #[error(
        "no RADV, AMD's Vulkan driver of Mesa: {0}\n  `apt-get install mesa-vulkan-drivers` has it; --no-radv does without"
    )]
    NoRadv(String),
    #[error("{0}")]
    Io(std::io::Error),
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("{0}")]
    Json(serde_json::Error),
    #[error("{}\n  `cargo run -p zkwatt-shader-report -- --write-budgets` makes new budgets; nothing may spill in any case", .0.join("\nerror: "))]
    Exceeded(Vec<String>),
}

impl Error {
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(if matches!(self, Self::NoRadv(_)) { 4 } else { 1 })
    }
}

/// A shader.
#[derive(Debug, Serialize)]
pub struct Line {
    pub shader: String,
    pub file: &'static str,
    pub operations: Operations,
    /// By family.
    pub radv: BTreeMap<&'static str, Statistics>,
}

/// Everything.
#[derive(Debug)]
pub struct Report {
    /// `None` if RADV was not asked.
    pub driver: Option<String>,
    /// By `fe_mul fr int32`.
    pub functions: BTreeMap<String, Operations>,
    pub shaders: Vec<Line>,
}

/// The shaders with one of these texts in their names; all if there are none.
pub fn wanted_shaders(wanted: &[String]) -> Vec<ShaderText> {
    let is_wanted = |shader: &ShaderText| {
        let name = shader.name();
        wanted.is_empty() || wanted.iter().any(|text| name.contains(text.as_str()))
    };
    shaders().into_iter().filter(is_wanted).collect()
}

impl Report {
    pub fn new(wanted: &[String], with_radv: bool) -> Result<Self, Error> {
        let compiled = if with_radv { radv::compiled(wanted)? } else { BTreeMap::new() };
        let driver = compiled.values().next().map(|family| family.driver.clone());
        let mut report = Self { driver, functions: BTreeMap::new(), shaders: Vec::new() };
        for shader in wanted_shaders(wanted) {
            report.add(&shader, &compiled)?;
        }
        Ok(report)
    }

    fn add(&mut self, shader: &ShaderText, compiled: &BTreeMap<&'static str, Compiled>) -> Result<(), Error> {
        let translated = Translated::new(shader)?;
        let counter = Counter::new(&translated.module, &translated.info);
        let name = shader.name();
        let missing = || Error::Shader { name: name.clone(), message: "no such entry point".into() };
        let operations = counter.entry(shader.entry).ok_or_else(missing)?;
        if let (Some(form), Some(arithmetic)) = (shader.form, shader.arithmetic) {
            let field = if arithmetic == "fr" { "fr" } else { "fq" };
            for function in FUNCTIONS {
                let name = format!("{function} {field} {}", form.name());
                self.functions.extend(counter.function(function).map(|operations| (name, operations)));
            }
        }
        let of_family =
            |(family, compiled): (&&'static str, &Compiled)| Some((*family, *compiled.shaders.get(&name)?));
        let radv = compiled.iter().filter_map(of_family).collect();
        self.shaders.push(Line { shader: name.clone(), file: shader.file, operations, radv });
        Ok(())
    }

    pub fn json(&self) -> Result<String, Error> {
        let mut lines = String::new();
        for line in &self.shaders {
            lines.push_str(&serde_json::to_string(line).map_err(Error::Json)?);
            lines.push('\n');
        }
        Ok(lines)
    }

    pub fn table(&self) -> String {
        let mut rows =
            vec![row(&["function", "mul32", "mul64", "add", "shift", "bitwise", "compare", "select"])];
        rows.extend(self.functions.iter().map(|(name, operations)| function_row(name, operations)));
        let mut text = aligned(&rows);
        text.push('\n');
        let mut header = row(&["shader", "products", "mul32", "mul64", "other"]);
        if self.driver.is_some() {
            for family in FAMILIES {
                header.extend(row(&[family, "vgpr", "sgpr", "spill", "waves", "latency", "inv.thr."]));
            }
        }
        let mut rows = vec![header];
        rows.extend(self.shaders.iter().map(shader_row));
        text.push_str(&aligned(&rows));
        if let Some(driver) = &self.driver {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "\n{}: instructions, then registers, spilled registers, subgroups on a SIMD, and cycles as modelled by \
                 the compiler of RADV, {driver}, on null hardware; not measured.",
                FAMILIES.join(", ")
            );
        }
        text
    }
}

fn function_row(name: &str, operations: &Operations) -> Vec<String> {
    let o = operations;
    let counts = [o.multiplies_32, o.multiplies_64, o.adds, o.shifts, o.bitwise, o.compares, o.selects];
    std::iter::once(name.to_string()).chain(counts.map(|count| count.to_string())).collect()
}

fn shader_row(line: &Line) -> Vec<String> {
    let o = &line.operations;
    let other = o.adds + o.shifts + o.bitwise + o.compares + o.selects + o.divisions + o.atomics;
    let mut cells = vec![line.shader.clone()];
    cells.extend([o.products, o.multiplies_32, o.multiplies_64, other].map(|count| count.to_string()));
    for family in FAMILIES {
        let Some(s) = line.radv.get(family) else { continue };
        let counts =
            [s.instructions, s.vgprs, s.sgprs, s.spills, s.occupancy, s.latency, s.inverse_throughput];
        cells.extend(counts.map(|count| count.to_string()));
    }
    cells
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| cell.to_string()).collect()
}

/// Rows with their columns below each other: the first to the left, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ =
                if column == 0 { write!(text, "{cell:width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.push('\n');
    }
    text
}
