//! What the layout of a Halo2 circuit is chosen for.

use clap::ValueEnum;
use zkwatt::mlp::plonkish::Objective;

/// Plans, as command lines name them.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Plan {
    /// Least work of the prover.
    #[default]
    Fast,
    /// The smallest proof of at most four times the least work.
    Small,
    /// Least memory of the prover.
    Memory,
}

impl Plan {
    /// The name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Small => "small",
            Self::Memory => "memory",
        }
    }
}

impl From<Plan> for Objective {
    fn from(plan: Plan) -> Self {
        match plan {
            Plan::Fast => Self::Fast,
            Plan::Small => Self::Small,
            Plan::Memory => Self::Memory,
        }
    }
}
