//! Every shader in every form: it is valid, translates for all drivers, and keeps to what all of them can do.
#![cfg(feature = "wgpu")]

mod lint;
mod translate;

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, EntryPoint, Module};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use zkwatt::device::wgpu::{LimbForm, ShaderText, shaders};

/// Files of `shaders/` that only tests of the backend run.
const FOR_TESTS: [&str; 2] = ["field", "field_representation"];

/// A shader as naga sees it.
struct Checked {
    shader: ShaderText,
    module: Module,
    info: ModuleInfo,
}

impl Checked {
    fn entry_point(&self) -> (usize, &EntryPoint) {
        let named = |(_, entry): &(usize, &EntryPoint)| entry.name == self.shader.entry;
        let found = self.module.entry_points.iter().enumerate().find(named);
        found.unwrap_or_else(|| {
            panic!("shaders/{}.wgsl has no entry point {}", self.shader.file, self.shader.entry)
        })
    }

    /// The global variables that the entry point uses.
    fn globals(&self, space: impl Fn(AddressSpace) -> bool) -> Vec<&naga::GlobalVariable> {
        let uses = self.info.get_entry_point(self.entry_point().0);
        let used = self.module.global_variables.iter().filter(|(handle, _)| !uses[*handle].is_empty());
        used.map(|(_, variable)| variable).filter(|variable| space(variable.space)).collect()
    }
}

/// All shaders; the form without 64-bit integers is validated as WebGPU does it, with no capability beyond the core.
fn checked() -> &'static [Checked] {
    static CHECKED: OnceLock<Vec<Checked>> = OnceLock::new();
    CHECKED.get_or_init(|| shaders().into_iter().map(check).collect())
}

fn check(shader: ShaderText) -> Checked {
    let name = shader.name();
    let module = naga::front::wgsl::parse_str(&shader.text)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&shader.text)));
    let capabilities = match shader.form {
        Some(LimbForm::Int64) => Capabilities::SHADER_INT64,
        _ => Capabilities::empty(),
    };
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(&shader.text)));
    Checked { shader, module, info }
}

#[test]
fn every_entry_point_is_in_the_catalogue() {
    let listed: BTreeSet<_> = shaders().iter().map(|shader| shader.entry.to_string()).collect();
    let mut written = BTreeSet::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders")).unwrap() {
        let path = file.unwrap().path();
        let is_stage = !path.file_stem().is_some_and(|name| FOR_TESTS.iter().any(|test| name == *test));
        if is_stage && path.extension().is_some_and(|ending| ending == "wgsl") {
            written.extend(entry_points(&std::fs::read_to_string(path).unwrap()));
        }
    }
    assert_eq!(listed, written, "left: `STAGES` of the modules; right: shaders/*.wgsl");
}

/// The names of functions after `@compute`.
fn entry_points(text: &str) -> Vec<String> {
    let functions = text.split("@compute").skip(1).filter_map(|rest| rest.split("fn ").nth(1));
    functions.filter_map(|rest| rest.split('(').next()).map(|name| name.trim().to_string()).collect()
}

#[test]
fn names_are_unique() {
    let mut names = BTreeSet::new();
    for shader in shaders() {
        assert!(names.insert(shader.name()), "{} is listed twice", shader.name());
    }
}
