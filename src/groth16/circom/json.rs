//! `proof.json`, `public.json` and `verification_key.json` of snarkjs.
//!
//! Numbers are decimal strings. Points are projective, `[x, y, z]` with z = 1, or z = 0 for infinity; elements of F_q² are
//! `[c0, c1]`.

use crate::error::{Error, Result};
use crate::files;
use crate::groth16::{Proof, VerifyingKey};
use crate::interop::ark;
use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::{One, Zero};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::str::FromStr;
use zkwatt_kernels::Fr;

/// Longer files are not read: a verifying key has 200 bytes a public value or so.
const MAX_BYTES: u64 = 1 << 28;
/// Decimal digits of the largest element.
const MAX_DIGITS: usize = 77;

type G1Json = [String; 3];
type G2Json = [[String; 2]; 3];

#[derive(Serialize, Deserialize)]
struct ProofJson {
    pi_a: G1Json,
    pi_b: G2Json,
    pi_c: G1Json,
    #[serde(default = "groth16")]
    protocol: String,
    #[serde(default = "bn128")]
    curve: String,
}

#[derive(Serialize, Deserialize)]
struct VerifyingKeyJson {
    protocol: String,
    curve: String,
    #[serde(rename = "nPublic")]
    n_public: usize,
    vk_alpha_1: G1Json,
    vk_beta_2: G2Json,
    vk_gamma_2: G2Json,
    vk_delta_2: G2Json,
    /// e(α, β), which verifiers need not read.
    #[serde(default)]
    vk_alphabeta_12: Option<[[[String; 2]; 3]; 2]>,
    #[serde(rename = "IC")]
    ic: Vec<G1Json>,
}

fn groth16() -> String {
    "groth16".into()
}

fn bn128() -> String {
    "bn128".into()
}

/// The text of a `proof.json`.
pub fn write_proof(proof: &Proof) -> String {
    to_text(&ProofJson {
        pi_a: g1_to(&proof.a),
        pi_b: g2_to(&proof.b),
        pi_c: g1_to(&proof.c),
        protocol: groth16(),
        curve: bn128(),
    })
}

/// Reads a `proof.json`. The points are on their curves; whether they are in their groups, verification finds out.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] with the field that is wrong.
pub fn read_proof(path: impl AsRef<Path>) -> Result<Proof> {
    parse_proof(&text(path.as_ref())?).map_err(|e| e.in_file(path.as_ref()))
}

/// As [`read_proof`], from text.
pub fn parse_proof(text: &str) -> Result<Proof> {
    const WHAT: &str = "proof.json";
    let json: ProofJson = parse(WHAT, text)?;
    expect_system(WHAT, &json.protocol, &json.curve)?;
    let bad = |reason| Error::format(WHAT, reason);
    Ok(Proof {
        a: g1_from(&json.pi_a, "pi_a").map_err(bad)?,
        b: g2_from(&json.pi_b, "pi_b").map_err(bad)?,
        c: g1_from(&json.pi_c, "pi_c").map_err(bad)?,
    })
}

/// The text of a `public.json`.
pub fn write_public(values: &[Fr]) -> String {
    to_text(&ark::ark_scalars(values).iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Reads a `public.json`: the outputs, then the public inputs.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] with the value that is wrong.
pub fn read_public(path: impl AsRef<Path>) -> Result<Vec<Fr>> {
    parse_public(&text(path.as_ref())?).map_err(|e| e.in_file(path.as_ref()))
}

/// As [`read_public`], from text.
pub fn parse_public(text: &str) -> Result<Vec<Fr>> {
    const WHAT: &str = "public.json";
    let values: Vec<String> = parse(WHAT, text)?;
    let value = |(i, text): (usize, &String)| {
        let value =
            number::<ark_bn254::Fr>(text).map_err(|e| Error::format(WHAT, format!("value {i} {e}")))?;
        Ok(ark::scalar(&value))
    };
    values.iter().enumerate().map(value).collect()
}

/// The text of a `verification_key.json`, with e(α, β) as snarkjs writes it.
pub fn write_verifying_key(key: &VerifyingKey) -> String {
    let alpha_beta = ark_bn254::Bn254::pairing(key.alpha_g1, key.beta_g2).0;
    let alpha_beta = [alpha_beta.c0, alpha_beta.c1].map(|c| [c.c0, c.c1, c.c2].map(|c| fq2_to(&c)));
    to_text(&VerifyingKeyJson {
        protocol: groth16(),
        curve: bn128(),
        n_public: key.gamma_abc_g1.len().saturating_sub(1),
        vk_alpha_1: g1_to(&key.alpha_g1),
        vk_beta_2: g2_to(&key.beta_g2),
        vk_gamma_2: g2_to(&key.gamma_g2),
        vk_delta_2: g2_to(&key.delta_g2),
        vk_alphabeta_12: Some(alpha_beta),
        ic: key.gamma_abc_g1.iter().map(g1_to).collect(),
    })
}

/// Reads a `verification_key.json`. Its points are in their groups, and those of a setup are not infinity.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] with the field that is wrong.
pub fn read_verifying_key(path: impl AsRef<Path>) -> Result<VerifyingKey> {
    parse_verifying_key(&text(path.as_ref())?).map_err(|e| e.in_file(path.as_ref()))
}

/// As [`read_verifying_key`], from text.
pub fn parse_verifying_key(text: &str) -> Result<VerifyingKey> {
    const WHAT: &str = "verification_key.json";
    let json: VerifyingKeyJson = parse(WHAT, text)?;
    expect_system(WHAT, &json.protocol, &json.curve)?;
    let bad = |reason: String| Error::format(WHAT, reason);
    if json.ic.len().checked_sub(1) != Some(json.n_public) {
        return Err(bad(format!(
            "IC has {} points for {} public values; expected one more than values",
            json.ic.len(),
            json.n_public
        )));
    }
    let g1 = |point: &G1Json, name: &str| match g1_from(point, name) {
        Ok(p) if p.is_zero() => Err(bad(format!("{name} is infinity; no setup makes such a key"))),
        other => other.map_err(bad),
    };
    let g2 = |point: &G2Json, name: &str| match g2_from(point, name) {
        Ok(p) if p.is_zero() => Err(bad(format!("{name} is infinity; no setup makes such a key"))),
        Ok(p) if !p.is_in_correct_subgroup_assuming_on_curve() => {
            Err(bad(format!("{name} is on the curve but not in the group of order r")))
        }
        other => other.map_err(bad),
    };
    let ic = json.ic.iter().enumerate().map(|(i, point)| g1_from(point, &format!("IC[{i}]")).map_err(bad));
    Ok(VerifyingKey {
        alpha_g1: g1(&json.vk_alpha_1, "vk_alpha_1")?,
        beta_g2: g2(&json.vk_beta_2, "vk_beta_2")?,
        gamma_g2: g2(&json.vk_gamma_2, "vk_gamma_2")?,
        delta_g2: g2(&json.vk_delta_2, "vk_delta_2")?,
        gamma_abc_g1: ic.collect::<Result<_>>()?,
    })
}

fn text(path: &Path) -> Result<String> {
    let bytes = files::read_at_most(path, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| Error::format(path.display().to_string(), "is not text"))
}

fn to_text(value: &impl Serialize) -> String {
    // Strings and lists of them cannot fail.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn parse<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::format(what, e.to_string()))
}

fn expect_system(what: &str, protocol: &str, curve: &str) -> Result<()> {
    let bad = |reason| Err(Error::format(what, reason));
    if protocol != "groth16" {
        return bad(format!("is of protocol `{}`; expected `groth16`", protocol.escape_debug()));
    }
    if !["bn128", "bn254", "BN254", "altbn128"].contains(&curve) {
        return bad(format!("is over the curve `{}`; expected `bn128`", curve.escape_debug()));
    }
    Ok(())
}

/// A decimal number below the modulus, without signs and leading zeros.
fn number<F: FromStr + ToString>(text: &str) -> Result<F, String> {
    let shown = || text.chars().take(MAX_DIGITS + 3).collect::<String>().escape_debug().to_string();
    let digits = !text.is_empty() && text.len() <= MAX_DIGITS && text.bytes().all(|c| c.is_ascii_digit());
    let value = if digits { F::from_str(text).ok() } else { None };
    // Values beyond the modulus are reduced; then they read differently.
    value
        .filter(|value| value.to_string() == text)
        .ok_or_else(|| format!("is `{}`; expected a decimal number below the modulus", shown()))
}

fn fq(text: &str, name: &str) -> Result<Fq, String> {
    number(text).map_err(|e| format!("{name} {e}"))
}

fn fq2([c0, c1]: &[String; 2], name: &str) -> Result<Fq2, String> {
    Ok(Fq2::new(fq(c0, name)?, fq(c1, name)?))
}

fn fq2_to(value: &Fq2) -> [String; 2] {
    [value.c0.to_string(), value.c1.to_string()]
}

fn g1_to(point: &G1Affine) -> G1Json {
    let coordinates =
        if point.is_zero() { [Fq::zero(), Fq::one(), Fq::zero()] } else { [point.x, point.y, Fq::one()] };
    coordinates.map(|c| c.to_string())
}

fn g2_to(point: &G2Affine) -> G2Json {
    let coordinates =
        if point.is_zero() { [Fq2::zero(), Fq2::one(), Fq2::zero()] } else { [point.x, point.y, Fq2::one()] };
    coordinates.map(|c| fq2_to(&c))
}

/// A point on the curve.
fn g1_from([x, y, z]: &G1Json, name: &str) -> Result<G1Affine, String> {
    let (x, y, z) = (fq(x, name)?, fq(y, name)?, fq(z, name)?);
    if z.is_zero() {
        return Ok(G1Affine::identity());
    }
    let point = G1Affine::new_unchecked(x, y);
    check(z.is_one(), point.is_on_curve(), name)?;
    Ok(point)
}

/// A point on the twist; it need not be in the group of order r.
fn g2_from([x, y, z]: &G2Json, name: &str) -> Result<G2Affine, String> {
    let (x, y, z) = (fq2(x, name)?, fq2(y, name)?, fq2(z, name)?);
    if z.is_zero() {
        return Ok(G2Affine::identity());
    }
    let point = G2Affine::new_unchecked(x, y);
    check(z.is_one(), point.is_on_curve(), name)?;
    Ok(point)
}

fn check(is_affine: bool, on_curve: bool, name: &str) -> Result<(), String> {
    if !is_affine {
        return Err(format!("{name} has another third coordinate than 0 and 1"));
    }
    if !on_curve {
        return Err(format!("{name} is not on the curve"));
    }
    Ok(())
}
