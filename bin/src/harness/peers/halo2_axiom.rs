//! halo2-axiom's FFT. Its MSM is that of halo2curves.

use super::halo2curves::{Domain, fr, fr_back};
use super::{Peer, Pool, Transform};
use crate::measure::Contestant;
use ::halo2_axiom::arithmetic::best_fft;
use ::halo2_axiom::fft::recursive::FFTData;
use zkwatt::Result;
use zkwatt::kernels::Fr;

/// `arithmetic::best_fft`, with its twiddles prepared.
///
/// # Errors
/// [`zkwatt::Error::DomainTooLarge`].
pub fn ntt<'a>(transform: Transform, data: &[Fr], pool: &Pool) -> Result<Contestant<'a, Vec<Fr>>> {
    let domain = Domain::new(data.len())?;
    let twiddles = FFTData::new(data.len(), domain.omega, domain.omega_inv);
    let data: Vec<_> = data.iter().map(fr).collect();
    let mut work = data.clone();
    let pool = pool.clone();
    Ok(Contestant::new(Peer::Halo2Axiom.name(), Peer::Halo2Axiom.version(), move |watch| {
        pool.run(|| {
            work.copy_from_slice(&data);
            watch.time(|| {
                domain.apply(transform, &mut work, |data, omega| {
                    best_fft(data, omega, domain.log_n, &twiddles, transform == Transform::Inverse);
                });
            });
        });
        Ok(watch.result(|| work.iter().map(fr_back).collect()))
    }))
}
