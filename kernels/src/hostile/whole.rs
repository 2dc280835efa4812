//! Whole kernels on every path of this CPU.

use super::choices::Choices;
use crate::curve::Coordinate;
use crate::dispatch::CpuPath;
use crate::field::{Field, Fq, Fq2, Fr, FrParams};
use crate::lookup::logup_terms;
use crate::msm::{BaseHints, MsmBases, Scalars, msm, msm_with_window_bits};
use crate::ntt::{Direction, Generator, NttPlan, Order, Twiddles, ntt};
use crate::vector::{self, Scan};
use core::fmt::Debug;

/// All paths must give what plain Rust gives.
fn on_every_path<R: PartialEq + Debug>(f: impl Fn(CpuPath) -> R) {
    let expected = f(CpuPath::PLAIN);
    for path in CpuPath::available().filter(|path| *path != CpuPath::PLAIN) {
        let result = f(path);
        assert!(result == expected, "{path}: {result:?} is not {expected:?}");
    }
}

/// `values` again and again, `n` in all, turned by one each time: what repeats would meet itself otherwise.
fn repeated<T: Copy>(values: &[T], n: usize) -> Vec<T> {
    (0..n).map(|i| values[(i + i / values.len()) % values.len()]).collect()
}

/// Multi-scalar multiplications of points that are equal, opposite or the identity.
pub(super) fn sums(choices: &mut Choices<'_>) {
    if choices.byte() & 3 == 0 { sum::<Fq2>(choices, 150) } else { sum::<Fq>(choices, 1100) }
}

/// Of up to `longest` points.
fn sum<F: Coordinate>(choices: &mut Choices<'_>, longest: usize) {
    let (own, length, width, hints) = (1 + choices.below(24), choices.byte(), choices.byte(), choices.byte());
    // Most are short: a fuzzer tries more of them.
    let n = match length {
        0..=199 => own,
        200..=249 => 3 * own + 40,
        _ => longest,
    };
    let points = repeated(&choices.points::<F>(own), n);
    let scalars = Owned::choose(choices, own).repeated(n);
    let hints = BaseHints { repeats: hints & 3 == 1, table_bytes: if hints & 12 == 4 { 1 << 20 } else { 0 } };
    on_every_path(|path| {
        let bases = MsmBases::with_hints(path, points.clone(), hints);
        match width % 16 {
            // Wide windows cost buckets.
            c @ 2..=7 => msm_with_window_bits(path, &bases, scalars.borrow(), c.into()),
            _ => msm(path, &bases, scalars.borrow()),
        }
    });
}

/// Scalars of one of their widths.
enum Owned {
    Field(Vec<Fr>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I64(Vec<i64>),
    I128(Vec<i128>),
}

impl Owned {
    fn choose(choices: &mut Choices<'_>, n: usize) -> Self {
        macro_rules! integers {
            ($t:ident) => {
                (0..n)
                    .map(|_| match choices.byte() {
                        0 => $t::MIN,
                        1 => $t::MAX,
                        2 => $t::MIN + 1,
                        small @ 3..128 => (small as $t) - 64,
                        _ => choices.word() as $t,
                    })
                    .collect()
            };
        }
        match choices.byte() & 15 {
            0 => Self::I8(integers!(i8)),
            1 => Self::I16(integers!(i16)),
            2 => Self::I64(integers!(i64)),
            3 => Self::I128(integers!(i128)),
            _ => Self::Field((0..n).map(|_| choices.element::<FrParams>()).collect()),
        }
    }

    fn repeated(self, n: usize) -> Self {
        match self {
            Self::Field(v) => Self::Field(repeated(&v, n)),
            Self::I8(v) => Self::I8(repeated(&v, n)),
            Self::I16(v) => Self::I16(repeated(&v, n)),
            Self::I64(v) => Self::I64(repeated(&v, n)),
            Self::I128(v) => Self::I128(repeated(&v, n)),
        }
    }

    fn borrow(&self) -> Scalars<'_> {
        match self {
            Self::Field(v) => Scalars::Field(v),
            Self::I8(v) => Scalars::I8(v),
            Self::I16(v) => Scalars::I16(v),
            Self::I64(v) => Scalars::I64(v),
            Self::I128(v) => Scalars::I128(v),
        }
    }
}

/// One kernel of vectors: a transform, inverses, terms of lookups and others.
pub(super) fn vectors(choices: &mut Choices<'_>) {
    let (kind, own, length) = (choices.byte(), 1 + choices.below(40), choices.byte());
    // A remainder beside vectors of eight, and now and then more than a chunk.
    let n = match length {
        0..=199 => own,
        200..=253 => 97 + own,
        _ => 4096 + own,
    };
    let x = choices.element::<FrParams>();
    let mut vector = || repeated(&(0..own).map(|_| choices.element()).collect::<Vec<Fr>>(), n);
    let (a, b) = (vector(), vector());
    match kind % 16 {
        0..=3 => transform(choices, &a, x),
        4..=5 => on_every_path(|path| in_place(&a, |v| vector::batch_inverse(path, v))),
        6..=7 => {
            let counts: Vec<u32> = repeated(&[0, 1, u32::MAX, 7, choices.word() as u32], n);
            on_every_path(|path| logup_terms(path, &a, &b, &counts, x));
        }
        8 => on_every_path(|path| {
            [vector::add, vector::sub, vector::mul].map(|f| into(n, |out| f(path, out, &a, &b)))
        }),
        9 => on_every_path(|path| {
            [vector::add_assign, vector::sub_assign, vector::mul_assign]
                .map(|f| in_place(&a, |v| f(path, v, &b).unwrap()))
        }),
        10 => on_every_path(|path| {
            [
                in_place(&a, |v| vector::scale(path, v, x)),
                in_place(&a, |v| vector::axpy(path, v, x, &b).unwrap()),
            ]
        }),
        11 => on_every_path(|path| {
            (
                vector::sum(path, &a),
                vector::inner_product(path, &a, &b),
                vector::evaluate(path, &a, x),
                vector::evaluate_many(path, &[&a, &b, &a[..n / 2]], x),
            )
        }),
        12 => on_every_path(|path| vector::powers(path, x, a[0], n)),
        13 => {
            let scan = if choices.byte() & 1 == 0 { Scan::Inclusive } else { Scan::Exclusive };
            on_every_path(|path| {
                let mut total = Fr::ZERO;
                let products = in_place(&a, |v| total = vector::prefix_product(path, v, scan));
                let sums = in_place(&a, |v| total += vector::prefix_sum(path, v, scan));
                (products, sums, total)
            });
        }
        14 => {
            let terms = [(x, &a[..]), (b[0], &b[..n / 2]), (b[n - 1], &b[..]), (a[0], &a[..])];
            on_every_path(|path| into(n, |out| vector::linear_combination(path, out, &terms)));
        }
        _ => on_every_path(|path| {
            let mut rest = Fr::ZERO;
            (in_place(&a, |v| rest = vector::divide_by_linear(path, v, x)), rest)
        }),
    }
}

fn in_place(values: &[Fr], f: impl FnOnce(&mut [Fr])) -> Vec<Fr> {
    let mut out = values.to_vec();
    f(&mut out);
    out
}

fn into<E>(n: usize, f: impl FnOnce(&mut [Fr]) -> Result<(), E>) -> Option<Vec<Fr>> {
    let mut out = vec![Fr::ONE; n];
    f(&mut out).ok().map(|()| out)
}

/// Transforms of one to three columns.
fn transform(choices: &mut Choices<'_>, values: &[Fr], shift: Fr) {
    let (log_n, columns, form) = (choices.below(12) as u32, 1 + choices.below(3), choices.byte());
    let direction = if form & 1 == 0 { Direction::Forward } else { Direction::Inverse };
    let order = [Order::NN, Order::NR, Order::RN, Order::RR][usize::from(form >> 1 & 3)];
    let generator = if form & 8 == 0 { Generator::Five } else { Generator::Seven };
    let mut plan = NttPlan::new(log_n, direction).unwrap().order(order).generator(generator);
    if form & 16 != 0 && !shift.is_zero() {
        plan = plan.coset(shift).unwrap();
    }
    let data = repeated(values, columns << log_n);
    on_every_path(|path| {
        let twiddles = Twiddles::new(path, log_n, generator).unwrap();
        in_place(&data, |data| ntt(path, data, &plan, &twiddles).unwrap())
    });
}
