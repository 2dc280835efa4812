//! `zkwatt circom info`

use super::warn_of;
use crate::console::{field, note, say};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zkwatt::groth16::ProverPlan;
use zkwatt::groth16::circom::{PtauInfo, Witness, WitnessClasses, Zkey, predicted_plan, read_r1cs};
use zkwatt::{Error, Result};
use zkwatt_harness::table;

/// Says what .zkey, .r1cs, .wtns and .ptau files hold: constraints, domain, widths of values, memory of a proof.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The files; their first bytes say which kind each is
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Rows beyond a power of two, as a part of it, that are worth a hint.
const JUST_OVER: f64 = 0.1;

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    for (i, path) in args.files.iter().enumerate() {
        let mut lines = vec![path.display().to_string()];
        lines.extend(match &magic(path)? {
            b"zkey" => zkey(path)?,
            b"r1cs" => r1cs(path)?,
            b"wtns" => wtns(path)?,
            b"ptau" => ptau(path)?,
            _ => {
                let reason = "is none of .zkey, .r1cs, .wtns and .ptau, by its first bytes";
                return Err(Error::format(path.display().to_string(), reason));
            }
        });
        say(format!("{}{}", if i == 0 { "" } else { "\n" }, lines.join("\n")))?;
    }
    Ok(())
}

fn magic(path: &Path) -> Result<[u8; 4]> {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    match read {
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok([0; 4]),
        read => read.map(|()| magic).map_err(|e| Error::io(path, e)),
    }
}

fn zkey(path: &Path) -> Result<Vec<String>> {
    let zkey = Zkey::open(path)?;
    warn_of(&zkey);
    let matrices = zkey.matrices()?;
    let (header, info) = (zkey.header(), zkey.info());
    let constraints = super::constraints(header, &matrices);
    hint_of(constraints + header.num_public + 1, 1 << header.log_n);
    let plan = predicted_plan(header, &matrices);
    let mut lines = vec![
        field("kind", "proving key, Groth16 over BN254"),
        field("variables", header.num_variables),
        field("public", format!("{} values", header.num_public)),
        field("constraints", format!("{constraints} in a domain of 2^{}", header.log_n)),
        field("coefficients", zkey.num_coefficients()),
        field("size", table::bytes(info.bytes)),
    ];
    lines.extend(info.contributions.map(|count| field("ceremony", format!("{count} contributions"))));
    lines.extend(memory(&plan));
    Ok(lines)
}

fn memory(plan: &ProverPlan) -> [String; 2] {
    let on_cpu = table::bytes(plan.peak_on_cpu_bytes());
    let [bases, host] = [plan.bases_bytes, plan.host_bytes].map(table::bytes);
    let at_a_time = table::bytes(plan.one_query_at_a_time().peak_on_cpu_bytes());
    [
        field(
            "memory",
            format!("{on_cpu} on the CPU, bases {bases}; on a GPU {host} of it stay on the host"),
        ),
        field("", format!("{at_a_time} with --plan memory")),
    ]
}

fn r1cs(path: &Path) -> Result<Vec<String>> {
    let file = read_r1cs(path)?;
    let r1cs = &file.r1cs;
    let rows = r1cs.num_constraints() + r1cs.num_instance();
    let n = rows.next_power_of_two();
    hint_of(rows, n);
    let [a, b, c] = r1cs.non_zeros();
    Ok(vec![
        field("kind", "circuit of circom over BN254"),
        field("wires", r1cs.num_variables()),
        field("public", format!("outputs {}, inputs {}", file.public_outputs, file.public_inputs)),
        field("private", format!("inputs {}", file.private_inputs)),
        field("constraints", format!("{} in a domain of 2^{}", r1cs.num_constraints(), n.ilog2())),
        field("non-zeros", format!("{a} in A, {b} in B, {c} in C")),
    ])
}

fn wtns(path: &Path) -> Result<Vec<String>> {
    let witness = Witness::read(path)?;
    let classes = WitnessClasses::of(witness.values());
    Ok(vec![
        field("kind", "witness over BN254"),
        field("values", witness.values().len()),
        field("widths", classes),
    ])
}

fn ptau(path: &Path) -> Result<Vec<String>> {
    let info = PtauInfo::read(path)?;
    let prepared = if info.prepared {
        "prepared for `snarkjs groth16 setup`"
    } else {
        "not prepared: `snarkjs powersoftau prepare phase2` makes what `snarkjs groth16 setup` takes"
    };
    Ok(vec![
        field("kind", "powers of tau over BN254, a ceremony's first phase"),
        field("power", format!("{}, for circuits of up to 2^{} rows", info.power, info.power)),
        field("ceremony", format!("{} contributions, power {}", info.contributions, info.ceremony_power)),
        field("phase 2", prepared),
        field("size", table::bytes(info.bytes)),
    ])
}

/// A proof costs what the domain says.
fn hint_of(rows: usize, n: usize) {
    let over = rows.saturating_sub(n / 2);
    if n > 2 && over > 0 && (over as f64) < JUST_OVER * (n / 2) as f64 {
        note(format!(
            "{over} constraints fewer would halve the domain of {n}, and with it a part of the time"
        ));
    }
}
