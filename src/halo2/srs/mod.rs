//! Structured reference strings of KZG over BN254, from files and for development.
//!
//! For a secret τ that nobody shall know and n = 2^k: G_i = \[τ^i\]G and L_i = \[ℓ_i(τ)\]G for i < n, and \[τ\]H, with the
//! standard generators G of G1 and H of G2, and ℓ_i the Lagrange basis over the powers of Halo2's root of unity.

mod check;
mod file;
mod halo2;
mod insecure;
mod lagrange;
mod points;
mod ptau;

use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use crate::source::Source;
pub(super) use check::pairings_agree;
use halo2_axiom::SerdeFormat;
use halo2_axiom::poly::kzg::commitment::ParamsKZG;
use halo2curves_axiom::bn256::Bn256;
use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::Path;
use std::sync::OnceLock;
use zkwatt_kernels::ntt::MAX_LOG_N;
use zkwatt_kernels::{G1Affine, G2Affine};

/// Name of these files in errors.
const WHAT: &str = "SRS file";

/// How much of a file is checked. Coordinates are below the modulus and points on the curve in any case.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Validate {
    /// \[τ\]H is in the group of order r, the powers are those of its τ, and the Lagrange basis belongs to them. Cost:
    /// about 2½ MSMs of n full-width scalars and two pairings.
    #[default]
    Full,
    /// Nothing more; for files that this machine wrote.
    Trust,
}

/// How a file is read.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The k to cut the file down to; `None` for all of it.
    pub k: Option<u32>,
    /// What is checked.
    pub validate: Validate,
}

/// The parameters of KZG, checked, with their Lagrange basis.
///
/// Memory: 128 bytes a row; as much again once [`Srs::params`] has been called.
#[derive(Debug)]
pub struct Srs {
    k: u32,
    g: Vec<G1Affine>,
    g_lagrange: Vec<G1Affine>,
    s_g2: G2Affine,
    digest: [u8; 32],
    insecure: bool,
    params: OnceLock<ParamsKZG<Bn256>>,
}

/// What a file holds: n = 2^k powers, and the Lagrange basis if the file has one.
struct Parts {
    k: u32,
    g: Vec<G1Affine>,
    g_lagrange: Option<Vec<G1Affine>>,
    s_g2: G2Affine,
    insecure: bool,
}

impl Srs {
    /// A string whose secret is a hash of `seed`, **for development only**: whoever knows the seed can prove anything.
    ///
    /// [`Srs::is_insecure`] says so, also of copies that went through [`Srs::write`]. Cost: 2n multiples of G from a
    /// table.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless 1 ≤ k ≤ 28.
    pub fn insecure(k: u32, seed: &[u8]) -> Result<Self> {
        check_k(k)?;
        Ok(Self::from_parts(insecure::generate(k, seed)))
    }

    /// [`Srs::insecure`] with the possible k that is nearest to `k`.
    pub(super) fn insecure_clamped(k: u32, seed: &[u8]) -> Self {
        Self::from_parts(insecure::generate(k.clamp(1, MAX_LOG_N), seed))
    }

    /// Reads a file in one of these formats, told apart by their first bytes and lengths:
    ///
    /// - this library's ([`Srs::write`]);
    /// - `.srs` of halo2 as `ParamsKZG::write` and EZKL write it (uncompressed), or with `SerdeFormat::Processed`
    ///   (compressed);
    /// - `.ptau` of snarkjs, sections 2 and 3; a file that is prepared for phase 2 also has the Lagrange basis.
    ///
    /// Where the file has no Lagrange basis of the size that is asked for, it is computed by a transform of the points,
    /// n/2·k multiplications in G1, which takes much longer than everything else.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for a file that is none of these, is damaged, or fails a check.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::read_with(path, &ReadOptions::default())
    }

    /// As [`Srs::read`]; loads no more than `options` ask for.
    ///
    /// # Errors
    /// Also [`Error::InvalidArgument`] if the file has fewer powers than asked for.
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Self::load(&mut Source::new(BufReader::new(file), WHAT, path)?, options)
    }

    /// As [`Srs::read_with`], from memory.
    pub fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Self> {
        Self::load(&mut Source::new(Cursor::new(bytes), WHAT, Path::new(""))?, options)
    }

    fn load<R: std::io::Read + std::io::Seek>(source: &mut Source<R>, options: &ReadOptions) -> Result<Self> {
        options.k.map_or(Ok(()), check_k)?;
        let parts = file::parse(source, options.k)?;
        if parts.g.first() != Some(&G1Affine::generator()) {
            return Err(source.error("the first power is not the generator of G1"));
        }
        let k = parts.k;
        if options.validate == Validate::Full {
            check::powers(&parts).map_err(|reason| source.error(reason))?;
            check::lagrange(&parts).map_err(|reason| source.error(reason))?;
        }
        debug_assert_eq!(parts.g.len(), 1 << k);
        Ok(Self::from_parts(parts))
    }

    fn from_parts(parts: Parts) -> Self {
        let Parts { k, g, g_lagrange, s_g2, insecure } = parts;
        let digest = check::digest(k, &g, &s_g2);
        let g_lagrange = g_lagrange.unwrap_or_else(|| lagrange::from_powers(&g, k));
        Self { k, g, g_lagrange, s_g2, digest, insecure, params: OnceLock::new() }
    }

    /// The first 2^k powers. Cost: as [`Srs::read`] says of files without a Lagrange basis.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if k is 0 or more than [`Srs::k`].
    pub fn downsized(&self, k: u32) -> Result<Self> {
        check_k(k)?;
        let g = self.g.get(..1 << k).ok_or_else(|| too_small(k, self.k))?.to_vec();
        let g_lagrange = (k == self.k).then(|| self.g_lagrange.clone());
        Ok(Self::from_parts(Parts { k, g, g_lagrange, s_g2: self.s_g2, insecure: self.insecure }))
    }

    /// Base-two logarithm of the number of powers.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The number of powers, 2^k.
    pub fn n(&self) -> usize {
        self.g.len()
    }

    /// The powers G_i.
    pub fn g(&self) -> &[G1Affine] {
        &self.g
    }

    /// The Lagrange basis L_i.
    pub fn g_lagrange(&self) -> &[G1Affine] {
        &self.g_lagrange
    }

    /// \[τ\]H.
    pub fn s_g2(&self) -> G2Affine {
        self.s_g2
    }

    /// SHA-256 of k, the powers and \[τ\]H, by which files and keys name their SRS.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Whether the secret is known to whoever knows a seed.
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The parameters as halo2-axiom holds them; a copy, made by the first call.
    pub fn params(&self) -> &ParamsKZG<Bn256> {
        self.params.get_or_init(|| upstream(self.k, &self.g, &self.g_lagrange, &self.s_g2))
    }

    /// [`verifier_params`] of this SRS.
    pub fn verifier_params(&self) -> ParamsKZG<Bn256> {
        upstream(self.k, &[G1Affine::generator()], &[], &self.s_g2)
    }

    /// The bytes of this library's format: the uncompressed `.srs` with whether it is insecure, and a checksum.
    pub fn encode(&self) -> Vec<u8> {
        file::encode(self)
    }

    /// The bytes of an uncompressed `.srs`, for halo2 and EZKL. **The format has no place to say that an SRS is
    /// insecure.**
    pub fn encode_halo2(&self) -> Vec<u8> {
        halo2::encode(self)
    }

    /// Writes [`Srs::encode`] to a file; never a part of it.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::files::write_atomic(path, &self.encode())
    }
}

impl Clone for Srs {
    /// Without the copy that [`Srs::params`] made.
    fn clone(&self) -> Self {
        let (g, g_lagrange) = (self.g.clone(), self.g_lagrange.clone());
        Self { g, g_lagrange, params: OnceLock::new(), ..*self }
    }
}

/// The parameters that halo2-axiom's verifier reads: k, G, H and \[τ\]H, all of them public and small. **Not** for
/// proving: the powers are missing.
///
/// # Errors
/// [`Error::InvalidArgument`] unless 1 ≤ k ≤ 28 and `s_g2` is a point of G2 other than the identity. That it is the one
/// of a trusted SRS is for the caller to know.
pub fn verifier_params(k: u32, s_g2: &G2Affine) -> Result<ParamsKZG<Bn256>> {
    check_k(k)?;
    if s_g2.is_identity() || !s_g2.is_on_curve() || !check::in_group(s_g2) {
        return Err(Error::invalid("s_g2", "is the identity or not a point of G2"));
    }
    Ok(upstream(k, &[G1Affine::generator()], &[], s_g2))
}

fn upstream(k: u32, g: &[G1Affine], g_lagrange: &[G1Affine], s_g2: &G2Affine) -> ParamsKZG<Bn256> {
    // `from_parts` is a method; any parameters serve to call it, and reading k = 0 and four zero points cannot fail.
    let zeros = [0; 4 + 2 * halo2::RAW_G1 + 2 * halo2::RAW_G2];
    let any = ParamsKZG::<Bn256>::read_custom(&mut &zeros[..], SerdeFormat::RawBytesUnchecked);
    any.unwrap_or_else(|_| ParamsKZG::setup(1, insecure::Zeros)).from_parts(
        k,
        interop::halo2_g1_points(g).to_vec(),
        Some(interop::halo2_g1_points(g_lagrange).to_vec()),
        interop::halo2_g2_point(&G2Affine::generator()),
        interop::halo2_g2_point(s_g2),
    )
}

fn check_k(k: u32) -> Result<()> {
    if (1..=MAX_LOG_N).contains(&k) {
        return Ok(());
    }
    Err(Error::invalid("k", format!("is {k}; expected 1 to {MAX_LOG_N}")))
}

fn too_small(k: u32, has: u32) -> Error {
    Error::invalid(
        "k",
        format!("2^{k} powers were asked for but the SRS has 2^{has}; use a larger SRS or a smaller circuit"),
    )
}
