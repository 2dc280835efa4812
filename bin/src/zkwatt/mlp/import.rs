//! `zkwatt mlp import`

use crate::console::say;
use std::path::PathBuf;
use zkwatt::Result;
use zkwatt::mlp::Model;
use zkwatt_harness::table::Table;

/// Reads an ONNX file and shows its layers.
///
/// An operator, shape or weight that cannot be proved is an error that names it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ONNX file
    #[arg(value_name = "FILE.onnx")]
    file: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let model = Model::from_onnx_file(&args.file)?;
    model.validate()?;
    let mut table =
        Table::new(&["layer", "inputs", "outputs", "activation", "largest |weight|", "|bias|"]).left(&[3]);
    let largest = |values: &[f32]| format!("{:.4}", values.iter().fold(0f32, |m, x| m.max(x.abs())));
    for (l, layer) in model.layers.iter().enumerate() {
        table.row(vec![
            l.to_string(),
            layer.inputs.to_string(),
            layer.outputs.to_string(),
            if layer.relu { "ReLU" } else { "none" }.into(),
            largest(&layer.weights),
            largest(&layer.bias),
        ]);
    }
    let dims: Vec<String> = model.dims().iter().map(usize::to_string).collect();
    let mut text = format!("{}: {}, {} parameters\n\n", model.name, dims.join("-"), model.parameters());
    text.push_str(&table.render());
    if !model.dropped.is_empty() {
        let names = model.dropped.join(", ");
        text.push_str(&format!("\n\nleft out, since the class does not depend on it: {names}"));
    }
    say(text)
}
