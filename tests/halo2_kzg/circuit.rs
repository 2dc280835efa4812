//! A circuit with a bit of everything: selectors that can and cannot share a column, lookups, rotations, constants, fixed
//! cells with denominators, copies in long cycles, several instance columns, a second phase.

use halo2_axiom::circuit::{Layouter, SimpleFloorPlanner, Value};
use halo2_axiom::halo2curves::bn256::Fr;
use halo2_axiom::plonk::{
    Advice, Assigned, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed,
    Instance, SecondPhase, Selector, TableColumn,
};
use halo2_axiom::poly::Rotation;

#[derive(Copy, Clone, Debug, Default)]
pub struct Shape {
    /// Advice columns beside the three of the gates; copies run through them.
    pub extra: usize,
    pub instances: usize,
    pub lookups: usize,
    pub constants: bool,
    pub challenge: bool,
}

/// Proves knowledge of x with public 4x and 4x + 5.
#[derive(Clone, Debug, Default)]
pub struct Mixed {
    pub shape: Shape,
    pub x: u64,
    /// A row where a fixed cell, a selector or a copy is put in addition.
    pub stray: Option<(Stray, usize)>,
}

#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Stray {
    Fixed,
    Selector,
    Copy,
    /// A copy of a column without equality, at any row.
    Unequal,
}

#[derive(Clone, Debug)]
pub struct Config {
    abc: [Column<Advice>; 3],
    extra: Vec<Column<Advice>>,
    unequal: Column<Advice>,
    second: Option<(Column<Advice>, Challenge, Selector)>,
    mul: Selector,
    add: Selector,
    scaled: Selector,
    in_table: Selector,
    factor: Column<Fixed>,
    table: [TableColumn; 2],
    instances: Vec<Column<Instance>>,
}

fn value(x: u64) -> Value<Assigned<Fr>> {
    Value::known(Assigned::Trivial(Fr::from(x)))
}

impl Mixed {
    /// The instance columns: all values in the first, copies of the last in the others.
    pub fn instances(&self) -> Vec<Vec<Fr>> {
        let (product, sum) = (Fr::from(4 * self.x), Fr::from(4 * self.x + 5));
        (0..self.shape.instances).map(|i| if i == 0 { vec![product, sum] } else { vec![sum] }).collect()
    }
}

impl Circuit<Fr> for Mixed {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn params(&self) -> Shape {
        self.shape
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Config {
        Self::configure_with_params(meta, Shape::default())
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Config {
        let abc @ [a, b, c] = [(); 3].map(|()| meta.advice_column());
        let extra: Vec<_> = (0..shape.extra).map(|_| meta.advice_column()).collect();
        let unequal = meta.advice_column();
        let factor = meta.fixed_column();
        let [mul, add, scaled] = [(); 3].map(|()| meta.selector());
        let in_table = meta.complex_selector();
        let table = [(); 2].map(|()| meta.lookup_table_column());
        let instances: Vec<_> = (0..shape.instances).map(|_| meta.instance_column()).collect();
        for column in abc.iter().chain(&extra) {
            meta.enable_equality(*column);
        }
        for column in &instances {
            meta.enable_equality(*column);
        }
        if shape.constants {
            let column = meta.fixed_column();
            meta.enable_constant(column);
        }
        let cells = |meta: &mut halo2_axiom::plonk::VirtualCells<'_, Fr>| {
            abc.map(|column| meta.query_advice(column, Rotation::cur()))
        };
        meta.create_gate("product", |meta| {
            let [a, b, c] = cells(meta);
            vec![meta.query_selector(mul) * (a * b - c)]
        });
        meta.create_gate("sum", |meta| {
            let ([a, b, c], before) = (cells(meta), meta.query_advice(c, Rotation::prev()));
            let on = meta.query_selector(add);
            vec![on.clone() * (a.clone() + b - c), on * (before - a)]
        });
        meta.create_gate("scaled", |meta| {
            let [a, b, _] = cells(meta);
            let f = meta.query_fixed(factor, Rotation::cur());
            let next = meta.query_fixed(factor, Rotation::next());
            vec![meta.query_selector(scaled) * (a - b * f + next)]
        });
        for i in 0..shape.lookups {
            meta.lookup("squares", |meta| {
                let on = meta.query_selector(in_table);
                let x = meta.query_advice(a, Rotation(i as i32));
                let y = meta.query_advice(b, Rotation(i as i32));
                vec![(on.clone() * x, table[0]), (on * y, table[1])]
            });
        }
        let second = shape.challenge.then(|| {
            let (column, selector) = (meta.advice_column_in(SecondPhase), meta.selector());
            let challenge = meta.challenge_usable_after(FirstPhase);
            meta.create_gate("times the challenge", |meta| {
                let a = meta.query_advice(a, Rotation::cur());
                let d = meta.query_advice(column, Rotation::cur());
                let r: Expression<Fr> = meta.query_challenge(challenge);
                vec![meta.query_selector(selector) * (d - a * r)]
            });
            (column, challenge, selector)
        });
        let _ = (b, c);
        Config { abc, extra, unequal, second, mul, add, scaled, in_table, factor, table, instances }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let [a, b, c] = config.abc;
        let x = self.x;
        layouter.assign_table(
            || "squares",
            |mut table| {
                for i in 0..9usize {
                    for (column, y) in config.table.iter().zip([i, i * i]) {
                        table.assign_cell(|| "", *column, i, || value(y as u64))?;
                    }
                }
                Ok(())
            },
        )?;
        let (product, sum) = layouter.assign_region(
            || "all",
            |mut region| {
                config.mul.enable(&mut region, 0)?;
                let first = region.assign_advice(a, 0, value(x));
                region.assign_advice(b, 0, value(4));
                let product = region.assign_advice(c, 0, value(4 * x));
                config.add.enable(&mut region, 1)?;
                let again = region.assign_advice(a, 1, value(4 * x));
                region.constrain_equal(product.cell(), again.cell());
                region.assign_advice(b, 1, value(5));
                let sum = region.assign_advice(c, 1, value(4 * x + 5));
                // a = b/2 − 0: first another factor, then the right one; 3/0 counts as 0.
                config.scaled.enable(&mut region, 3)?;
                region.assign_fixed(config.factor, 3, Assigned::Rational(Fr::from(7), Fr::from(9)));
                region.assign_fixed(config.factor, 3, Assigned::Rational(Fr::from(1), Fr::from(2)));
                region.assign_fixed(config.factor, 4, Assigned::Rational(Fr::from(3), Fr::from(0)));
                region.assign_fixed(config.factor, 5, Assigned::Rational(Fr::from(3), Fr::from(4)));
                region.assign_fixed(config.factor, 5, Assigned::Trivial(Fr::from(11)));
                region.assign_advice(a, 3, value(5));
                region.assign_advice(b, 3, value(10));
                // Two rows, for a lookup at this one and one at the next.
                config.in_table.enable(&mut region, 5)?;
                for (row, y) in [(5, 3), (6, 7)] {
                    region.assign_advice(a, row, value(y));
                    region.assign_advice(b, row, value(y * y));
                }
                // Cycles that grow, merge and are merged again.
                let mut last = sum.cell();
                let mut cells = Vec::new();
                for (i, column) in config.extra.iter().enumerate() {
                    for row in 0..3 {
                        let cell = region.assign_advice(*column, row, value(4 * x + 5));
                        if (i + row) % 2 == 0 {
                            region.constrain_equal(last, cell.cell());
                        }
                        cells.push(cell.cell());
                        last = cell.cell();
                    }
                }
                for pair in cells.windows(2).rev() {
                    region.constrain_equal(pair[1], pair[0]);
                }
                if self.shape.constants {
                    region.constrain_constant(sum.cell(), Assigned::Trivial(Fr::from(4 * x + 5)))?;
                    region
                        .constrain_constant(first.cell(), Assigned::Rational(Fr::from(3 * x), Fr::from(3)))?;
                }
                match self.stray {
                    Some((Stray::Fixed, row)) => {
                        region.assign_fixed(config.factor, row, Assigned::Trivial(Fr::from(1)));
                    }
                    Some((Stray::Selector, row)) => config.mul.enable(&mut region, row)?,
                    Some((Stray::Copy, row)) => {
                        let cell = region.assign_advice(a, row, value(0));
                        region.constrain_equal(cell.cell(), sum.cell());
                    }
                    Some((Stray::Unequal, row)) => {
                        let cell = region.assign_advice(config.unequal, row, value(0));
                        region.constrain_equal(cell.cell(), sum.cell());
                    }
                    None => {}
                }
                if let Some((column, challenge, selector)) = config.second {
                    region.next_phase();
                    selector.enable(&mut region, 0)?;
                    let r = region.get_challenge(challenge);
                    region.assign_advice(column, 0, r.map(|r| Assigned::Trivial(r * Fr::from(x))));
                }
                Ok((product.cell(), sum.cell()))
            },
        )?;
        for (i, column) in config.instances.iter().enumerate() {
            if i == 0 {
                layouter.constrain_instance(product, *column, 0);
                layouter.constrain_instance(sum, *column, 1);
            } else {
                layouter.constrain_instance(sum, *column, 0);
            }
        }
        Ok(())
    }
}

/// Shapes that together use everything.
pub const SHAPES: [Shape; 5] = [
    Shape { extra: 0, instances: 0, lookups: 0, constants: false, challenge: false },
    Shape { extra: 0, instances: 1, lookups: 1, constants: false, challenge: false },
    Shape { extra: 3, instances: 2, lookups: 0, constants: true, challenge: false },
    Shape { extra: 5, instances: 3, lookups: 2, constants: true, challenge: false },
    Shape { extra: 1, instances: 1, lookups: 1, constants: true, challenge: true },
];
