//! The one run-time choice among the CPU forms of a kernel.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};

#[cfg(target_arch = "x86_64")]
use crate::field::ifma::Ifma;

/// A CPU form of the kernels. Values exist only for what the running CPU can execute.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct CpuPath(Kind);

#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Adx,
    #[cfg(target_arch = "x86_64")]
    Ifma(Ifma),
}

impl CpuPath {
    /// Plain Rust, 4x64-bit limbs; available everywhere.
    pub const PLAIN: Self = Self(Kind::Plain);

    /// 4x64-bit limbs with `mulx`, `adcx`, `adox`, if this CPU has them.
    pub fn adx() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("bmi2") && std::arch::is_x86_feature_detected!("adx") {
            return Some(Self(Kind::Adx));
        }
        None
    }

    /// Eight elements at a time with AVX-512 IFMA, if this CPU has it; what has no such form runs as [`CpuPath::adx`].
    pub fn ifma() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        return Ifma::detect().map(|ifma| Self(Kind::Ifma(ifma)));
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    /// The proof that this path may use the lanes.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn lanes(self) -> Option<Ifma> {
        match self.0 {
            Kind::Ifma(ifma) => Some(ifma),
            _ => None,
        }
    }

    /// The paths that this CPU can execute, fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Self::ifma(), Self::adx(), Some(Self::PLAIN)].into_iter().flatten()
    }

    /// The fastest with 4x64-bit limbs.
    fn portable() -> Self {
        Self::adx().unwrap_or(Self::PLAIN)
    }

    fn fastest() -> Self {
        Self::ifma().unwrap_or_else(Self::portable)
    }

    /// The path that kernels use unless told otherwise: what the environment variable `ZKWATT_CPU` names, else the
    /// fastest one. `portable` is the fastest with 4x64-bit limbs, `plain` is plain Rust. A name that this CPU or
    /// build cannot run is an error of [`CpuPath::from_name`]; here it falls back to the fastest.
    pub fn active() -> Self {
        static CHOICE: AtomicU8 = AtomicU8::new(0);
        match CHOICE.load(Ordering::Relaxed) {
            1 => Self::PLAIN,
            2 => Self::portable(),
            3 => Self::fastest(),
            _ => {
                let named = std::env::var("ZKWATT_CPU").ok().and_then(|name| Self::from_name(&name).ok());
                let path = named.unwrap_or_else(Self::fastest);
                let choice = match path {
                    Self::PLAIN => 1,
                    path if path == Self::portable() => 2,
                    _ => 3,
                };
                CHOICE.store(choice, Ordering::Relaxed);
                path
            }
        }
    }

    /// The path of a name as `ZKWATT_CPU` takes it: `avx512ifma`, `portable`, `portable-adx`, `plain`.
    pub fn from_name(name: &str) -> Result<Self, UnknownCpuPath> {
        match name {
            "plain" => Ok(Self::PLAIN),
            "portable" => Ok(Self::portable()),
            "portable-adx" => Self::adx().ok_or_else(|| UnknownCpuPath { name: name.into() }),
            "avx512ifma" => Self::ifma().ok_or_else(|| UnknownCpuPath { name: name.into() }),
            _ => Err(UnknownCpuPath { name: name.into() }),
        }
    }

    /// The name that measurement records carry.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Kind::Adx => "portable-adx",
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma(_) => "avx512ifma",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

impl fmt::Display for CpuPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A CPU path that this CPU or build does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CPU path `{name}` is not available here; set ZKWATT_CPU to `portable` or `plain`, or unset it")]
pub struct UnknownCpuPath {
    /// What was asked for.
    pub name: String,
}

/// Evaluates the body with `$arith` naming the [`Arith`](crate::field::Arith) form of `$path`.
macro_rules! with_arith {
    ($path:expr, $arith:ident => $body:expr) => {
        match $crate::dispatch::CpuPath::kind($path) {
            $crate::dispatch::Kind::Plain => {
                type $arith = $crate::field::Plain;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            $crate::dispatch::Kind::Adx | $crate::dispatch::Kind::Ifma(_) => {
                type $arith = $crate::field::Adx;
                $body
            }
        }
    };
}
pub(crate) use with_arith;
