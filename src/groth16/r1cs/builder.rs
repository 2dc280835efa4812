//! Writing constraints row by row.

use super::R1cs;
use super::label::{Label, Labels};
use super::matrix::MatrixBuilder;
use crate::error::{Error, Result};
use crate::kernels::{Field, Fr};

/// Σ coefficient · variable; variable 0 is the constant one.
///
/// Kept as it is written; [`R1csBuilder::enforce`] merges duplicates and drops zeros.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinearCombination {
    terms: Vec<(u32, Fr)>,
}

impl LinearCombination {
    /// 0.
    pub fn zero() -> Self {
        Self::default()
    }

    /// A constant.
    pub fn constant(value: Fr) -> Self {
        Self { terms: vec![(0, value)] }
    }

    /// One variable.
    pub fn variable(variable: u32) -> Self {
        Self { terms: vec![(variable, Fr::ONE)] }
    }

    /// Σ 2^i · bits\[i\] for consecutive variables.
    pub fn from_bits(bits: core::ops::Range<u32>) -> Self {
        let mut lc = Self::zero();
        let mut weight = Fr::ONE;
        for bit in bits {
            lc.push(bit, weight);
            weight = weight.double();
        }
        lc
    }

    /// Adds coefficient · variable.
    pub fn push(&mut self, variable: u32, coefficient: Fr) {
        self.terms.push((variable, coefficient));
    }

    /// Replaces the first term, which [`LinearCombination::constant`] wrote, by another constant.
    pub(crate) fn set_constant(&mut self, value: Fr) {
        if let Some(first @ (0, _)) = self.terms.first_mut() {
            first.1 = value;
        }
    }

    /// This plus coefficient · variable.
    pub fn plus(mut self, variable: u32, coefficient: Fr) -> Self {
        self.push(variable, coefficient);
        self
    }

    /// Adds factor · other.
    pub fn add_scaled(&mut self, other: &Self, factor: Fr) {
        self.terms.extend(other.terms.iter().map(|(v, c)| (*v, *c * factor)));
    }

    /// The terms as they were written.
    pub fn terms(&self) -> &[(u32, Fr)] {
        &self.terms
    }

    /// Columns ascending and distinct, no coefficient zero.
    fn normalise(&mut self) {
        if !self.terms.is_sorted_by(|a, b| a.0 < b.0) {
            self.terms.sort_by_key(|(variable, _)| *variable);
            self.terms.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    earlier.1 += later.1;
                }
                same
            });
        }
        self.terms.retain(|(_, coefficient)| !coefficient.is_zero());
    }
}

/// Builds an [`R1cs`]; every row goes straight into the matrices, nothing symbolic is kept.
#[derive(Clone, Debug)]
pub struct R1csBuilder {
    num_instance: usize,
    num_witness: usize,
    a: MatrixBuilder,
    b: MatrixBuilder,
    c: MatrixBuilder,
    constraints: Labels,
    variables: Labels,
    num_constraints: usize,
}

impl R1csBuilder {
    /// A system with `num_public` public values; they are variables 1..=`num_public`.
    pub fn new(num_public: usize) -> Self {
        let mut variables = Labels::default();
        variables.push(0, Label::new("the constant one"));
        if num_public > 0 {
            variables.push(1, Label::new("public value"));
        }
        Self {
            num_instance: num_public + 1,
            num_witness: 0,
            a: MatrixBuilder::new(),
            b: MatrixBuilder::new(),
            c: MatrixBuilder::new(),
            constraints: Labels::default(),
            variables,
            num_constraints: 0,
        }
    }

    /// A fresh private variable.
    pub fn witness(&mut self, label: Label) -> u32 {
        let index = self.num_instance + self.num_witness;
        self.variables.push(index, label);
        self.num_witness += 1;
        index as u32 // `finish` refuses a system whose indices do not fit
    }

    /// `count` fresh private variables with consecutive indices.
    pub fn witnesses(&mut self, count: usize, label: Label) {
        if count > 0 {
            self.variables.push(self.num_instance + self.num_witness, label);
            self.num_witness += count;
        }
    }

    /// Adds the constraint a · b = c.
    pub fn enforce(
        &mut self,
        mut a: LinearCombination,
        mut b: LinearCombination,
        mut c: LinearCombination,
        label: Label,
    ) {
        self.constraints.push(self.num_constraints, label);
        for (matrix, lc) in [(&mut self.a, &mut a), (&mut self.b, &mut b), (&mut self.c, &mut c)] {
            lc.normalise();
            matrix.push_row(&lc.terms);
        }
        self.num_constraints += 1;
    }

    /// Adds the constraint lc = 0, as lc · 1 = 0.
    pub fn enforce_zero(&mut self, lc: LinearCombination, label: Label) {
        self.enforce(lc, LinearCombination::constant(Fr::ONE), LinearCombination::zero(), label);
    }

    /// A fresh private variable b with b · (b − 1) = 0.
    pub fn boolean(&mut self, label: Label) -> u32 {
        let bit = self.witness(label);
        let minus_one = LinearCombination::constant(-Fr::ONE);
        self.enforce(
            LinearCombination::variable(bit),
            minus_one.plus(bit, Fr::ONE),
            LinearCombination::zero(),
            label,
        );
        bit
    }

    /// `count` fresh boolean variables with consecutive indices.
    pub fn booleans(&mut self, count: u32, label: Label) -> core::ops::Range<u32> {
        let first = (self.num_instance + self.num_witness) as u32;
        for _ in 0..count {
            self.boolean(label);
        }
        first..first + count
    }

    /// Constraints so far.
    pub fn num_constraints(&self) -> usize {
        self.num_constraints
    }

    /// The finished system. Errors: more than 2^32 − 1 variables.
    pub fn finish(self) -> Result<R1cs> {
        let variables = self.num_instance + self.num_witness;
        if u32::try_from(variables).is_err() {
            return Err(Error::Unsupported {
                what: format!("a constraint system of {variables} variables"),
                reason: "at most 2^32 − 1 fit; prove a smaller model".into(),
            });
        }
        Ok(R1cs {
            num_instance: self.num_instance,
            num_witness: self.num_witness,
            a: self.a.finish(),
            b: self.b.finish(),
            c: self.c.finish(),
            constraints: self.constraints,
            variables: self.variables,
        })
    }
}
