use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::time::Instant;
use zkwatt_kernels::{msm::*, *};
fn points(n: usize) -> Vec<G1Affine> {
    let g = G1Affine::generator();
    let mut p = vec![g; n];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let k: Vec<Fr> = (0..n).map(|_| Fr::from(rng.next_u64())).collect();
    let table = curve::fixed_base::FixedBase::new(CpuPath::active(), g, n);
    p.copy_from_slice(&table.mul_batch_vartime(CpuPath::active(), &k));
    p
}
fn time(mut f: impl FnMut(), reps: usize) -> f64 {
    f();
    let mut t: Vec<f64> = (0..reps)
        .map(|_| {
            let s = Instant::now();
            f();
            s.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    t.sort_by(f64::total_cmp);
    t[0]
}
fn main() {
    let logs: Vec<u32> = std::env::args()
        .nth(1)
        .unwrap_or("8,10,12,14,16".into())
        .split(',')
        .map(|s| s.parse().unwrap())
        .collect();
    let sweep: bool = std::env::args().nth(2).is_some_and(|s| s == "sweep");
    let max = 1usize << logs.iter().max().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let all = points(max);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    pool.install(|| {
        for log in logs {
            let n = 1usize << log;
            let bases = MsmBases::new(all[..n].to_vec());
            let uniform: Vec<Fr> =
                (0..n).map(|_| Fr::from_u256_reduced(core::array::from_fn(|_| rng.next_u64()))).collect();
            let zkml: Vec<Fr> = (0..n)
                .map(|_| match rng.next_u32() % 20 {
                    0..14 => Fr::from(0u64),
                    14..17 => Fr::from(i64::from(rng.next_u32() as i8)),
                    _ => Fr::from(i64::from(rng.next_u32() as i16)),
                })
                .collect();
            for (name, s) in [("uniform", &uniform), ("zkml", &zkml)] {
                if std::env::args().nth(3).is_some_and(|only| only != name) {
                    continue;
                }
                let s = Scalars::Field(s);
                let reps = if n > 1 << 17 {
                    3
                } else if n < 1 << 13 {
                    300
                } else {
                    30
                };
                let plan = bases.plan(s);
                let lanes = time(
                    || {
                        std::hint::black_box(msm(CpuPath::ifma().unwrap(), &bases, s));
                    },
                    reps,
                );
                if sweep {
                    print!("2^{log} {name} c={}: {lanes:.3}  ", plan.window_bits);
                    for c in plan.window_bits.saturating_sub(3).max(4)..=(plan.window_bits + 3).min(15) {
                        print!(
                            "[{c}] {:.3} ",
                            time(
                                || {
                                    std::hint::black_box(msm_with_window_bits(
                                        CpuPath::ifma().unwrap(),
                                        &bases,
                                        s,
                                        c,
                                    ));
                                },
                                reps
                            )
                        );
                    }
                    println!();
                } else {
                    if std::env::args().nth(2).is_some() {
                        println!("2^{log} {name} c={} lanes {lanes:.3}", plan.window_bits);
                        continue;
                    }
                    let adx = time(
                        || {
                            std::hint::black_box(msm(CpuPath::adx().unwrap(), &bases, s));
                        },
                        reps.min(3),
                    );
                    println!(
                        "2^{log} {name} c={} lanes {lanes:.3} ms, adx {adx:.3} ms, ratio {:.2}",
                        plan.window_bits,
                        adx / lanes
                    );
                }
            }
        }
    });
}
