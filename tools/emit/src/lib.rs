//! Writes the generated shaders and CUDA headers from the constants of `zkwatt-kernels`.

mod cuda;
mod field;
mod inverse;
mod limbs;
mod modulus;
mod wgsl;
mod words;

use zkwatt_kernels::field::{FqParams, FrParams};

/// The folder that generated files are named from.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Every generated file: its name in [`ROOT`] and its text.
pub fn files() -> Vec<(String, String)> {
    let mut files = vec![
        ("cuda/generated/constants.cuh".to_string(), cuda::constants()),
        ("shaders/generated/modulus_fr.wgsl".to_string(), modulus::file::<FrParams>()),
        ("shaders/generated/modulus_fq.wgsl".to_string(), modulus::file::<FqParams>()),
    ];
    for form in [limbs::INT32, limbs::INT64] {
        files.push((format!("shaders/generated/field_{}.wgsl", form.name), field::file(&form)));
    }
    files
}

/// The names of files that are not as [`files`] has them.
pub fn stale() -> Vec<String> {
    let differs = |name: &str, text: &str| {
        std::fs::read_to_string(format!("{ROOT}/{name}")).map_or(true, |found| found != text)
    };
    files().into_iter().filter(|(name, text)| differs(name, text)).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_files_are_fresh() {
        assert_eq!(super::stale(), Vec::<String>::new(), "run `cargo run -p zkwatt-emit`");
    }
}
