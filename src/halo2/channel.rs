//! Any transcript of upstream behind one type, so that the prover is compiled once for each device and no more.

use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2_axiom::halo2curves::bn256::G1Affine as HaloG1Affine;
use halo2_axiom::transcript::{EncodedChallenge, TranscriptWrite};
use std::io;
use std::marker::PhantomData;
use zkwatt_kernels::{Fr, G1Affine};

/// A prover's side of a transcript.
pub(super) trait Channel {
    /// Absorbs a value that the verifier knows.
    fn absorb(&mut self, scalar: Fr) -> Result<()>;
    /// Sends a point.
    fn send_point(&mut self, point: G1Affine) -> Result<()>;
    /// Sends a scalar.
    fn send_scalar(&mut self, scalar: Fr) -> Result<()>;
    /// The verifier's next challenge.
    fn challenge(&mut self) -> Fr;
}

/// A transcript of upstream as a [`Channel`].
pub(super) struct Upstream<'t, T, E>(&'t mut T, PhantomData<E>);

impl<'t, T, E> Upstream<'t, T, E> {
    pub fn new(transcript: &'t mut T) -> Self {
        Self(transcript, PhantomData)
    }
}

impl<T, E> Channel for Upstream<'_, T, E>
where
    E: EncodedChallenge<HaloG1Affine>,
    T: TranscriptWrite<HaloG1Affine, E>,
{
    fn absorb(&mut self, scalar: Fr) -> Result<()> {
        self.0.common_scalar(interop::halo2_scalar(&scalar)).map_err(|e| refused(&e))
    }

    fn send_point(&mut self, point: G1Affine) -> Result<()> {
        self.0.write_point(interop::halo2_g1_point(&point)).map_err(|e| refused(&e))
    }

    fn send_scalar(&mut self, scalar: Fr) -> Result<()> {
        self.0.write_scalar(interop::halo2_scalar(&scalar)).map_err(|e| refused(&e))
    }

    fn challenge(&mut self) -> Fr {
        interop::scalar(&self.0.squeeze_challenge_scalar::<()>())
    }
}

fn refused(error: &io::Error) -> Error {
    Error::invalid("transcript", error.to_string())
}
