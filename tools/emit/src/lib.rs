//! Writes the generated shaders from the constants of `zkwatt-kernels`.

mod field;
mod inverse;
mod limbs;
mod modulus;
mod wgsl;
mod words;

use zkwatt_kernels::field::{FqParams, FrParams};

/// The folder of generated shaders.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/generated");

/// Every generated file: its name in [`FOLDER`] and its text.
pub fn files() -> Vec<(String, String)> {
    let mut files = vec![
        ("modulus_fr.wgsl".to_string(), modulus::file::<FrParams>()),
        ("modulus_fq.wgsl".to_string(), modulus::file::<FqParams>()),
    ];
    for form in [limbs::INT32, limbs::INT64] {
        files.push((format!("field_{}.wgsl", form.name), field::file(&form)));
    }
    files
}

/// The names of files that are not as [`files`] has them.
pub fn stale() -> Vec<String> {
    let differs = |name: &str, text: &str| {
        std::fs::read_to_string(format!("{FOLDER}/{name}")).map_or(true, |found| found != text)
    };
    files().into_iter().filter(|(name, text)| differs(name, text)).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_shaders_are_fresh() {
        assert_eq!(super::stale(), Vec::<String>::new(), "run `cargo run -p zkwatt-emit`");
    }
}
