//! Number-theoretic transforms.

use crate::Conforming;
use crate::support::{all_ours, ark, arks, assert_same, in_place, mixed, random, randoms, rng};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use zkwatt::Error;
use zkwatt::kernels::ntt::{Direction, Generator, NttPlan, Order};
use zkwatt::kernels::{Field, Fr};

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Inverse];
const ORDERS: [Order; 4] = [Order::NN, Order::NR, Order::RN, Order::RR];

fn plan(log_n: u32, direction: Direction, order: Order, coset: Option<Fr>) -> NttPlan {
    let plan = NttPlan::new(log_n, direction).unwrap().order(order);
    coset.map_or(plan.clone(), |shift| plan.coset(shift).unwrap())
}

/// One column through arkworks, natural order on both ends.
fn judge(values: &[Fr], direction: Direction, coset: Option<Fr>) -> Vec<Fr> {
    let domain = Radix2EvaluationDomain::new(values.len()).unwrap();
    let domain = coset.map_or(domain, |shift| domain.get_coset(ark(&shift)).unwrap());
    let values = arks(values);
    all_ours(&match direction {
        Direction::Forward => domain.fft(&values),
        Direction::Inverse => domain.ifft(&values),
    })
}

fn bit_reversed(values: &[Fr]) -> Vec<Fr> {
    zkwatt::kernels::reference::bit_reverse_permute(values).unwrap()
}

/// `values` in natural order, as the order's input or output side has it.
fn arranged(values: &[Fr], natural: bool) -> Vec<Fr> {
    if natural { values.to_vec() } else { bit_reversed(values) }
}

fn sides(order: Order) -> (bool, bool) {
    (matches!(order, Order::NN | Order::NR), matches!(order, Order::NN | Order::RN))
}

/// Sizes 1 to 2^14 in every order and direction, on ⟨ω⟩ and on cosets.
pub fn ntt_all_sizes<D: Conforming>(device: &D) {
    for log_n in 0..=14 {
        let values = mixed(1 << log_n, u64::from(log_n));
        for coset in [None, Some(Fr::from(5u64)), Some(random(&mut rng(1)))] {
            for direction in DIRECTIONS {
                let expected = judge(&values, direction, coset);
                for order in ORDERS {
                    let (from_natural, to_natural) = sides(order);
                    let plan = plan(log_n, direction, order, coset);
                    let actual = in_place(device, &arranged(&values, from_natural), |v| {
                        device.ntt(v, &plan).unwrap();
                    });
                    assert_same(&actual, &arranged(&expected, to_natural), &format!("{plan:?}"));
                }
            }
        }
    }
}

/// Each column for itself, and none at all.
pub fn ntt_columns<D: Conforming>(device: &D) {
    for (log_n, columns) in [(0, 5), (1, 3), (5, 7), (10, 2), (13, 3), (8, 0)] {
        let n = 1 << log_n;
        let values = randoms(n * columns, 2);
        for direction in DIRECTIONS {
            for order in ORDERS {
                let (from_natural, to_natural) = sides(order);
                let plan = plan(log_n, direction, order, Some(Fr::from(7u64)));
                let input: Vec<_> = values.chunks(n).flat_map(|c| arranged(c, from_natural)).collect();
                let expected: Vec<_> = values
                    .chunks(n)
                    .flat_map(|c| arranged(&judge(c, direction, plan.coset), to_natural))
                    .collect();
                let actual = in_place(device, &input, |v| device.ntt(v, &plan).unwrap());
                assert_same(&actual, &expected, &format!("{columns} columns, {plan:?}"));
            }
        }
    }
}

/// Refused transforms leave the data as they were.
pub fn ntt_refuses<D: Conforming>(device: &D) {
    let values = randoms(8, 3);
    let natural = |log_n| NttPlan {
        log_n,
        direction: Direction::Forward,
        order: Order::NN,
        coset: None,
        generator: Generator::Five,
    };
    let mut buffer = device.upload(&values).unwrap();
    for log_n in [29, 32, 64, u32::MAX] {
        match device.ntt(&mut buffer, &natural(log_n)) {
            Err(Error::DomainTooLarge { log_n: asked, max: 28 }) => assert_eq!(asked, log_n),
            other => panic!("{other:?}"),
        }
    }
    let error = device.ntt(&mut buffer, &natural(4)).unwrap_err().to_string();
    assert!(error.contains("8 elements") && error.contains("16"), "{error}");
    let zero_coset = NttPlan { direction: Direction::Inverse, coset: Some(Fr::ZERO), ..natural(3) };
    assert!(device.ntt(&mut buffer, &zero_coset).is_err());
    assert_same(&device.download_blocking(&buffer).unwrap(), &values, "refused transforms");
}

/// 2^16 elements.
pub fn ntt_of_many<D: Conforming>(device: &D) {
    let values = randoms(1 << 16, 22);
    for (direction, coset) in [(Direction::Forward, Some(Fr::from(5u64))), (Direction::Inverse, None)] {
        let plan = plan(16, direction, Order::NN, coset);
        let actual = in_place(device, &values, |v| device.ntt(v, &plan).unwrap());
        assert_same(&actual, &judge(&values, direction, coset), &format!("{plan:?}"));
    }
}
