use std::time::Instant;
use zkwatt_kernels::{lookup, vector::*, *};
fn time<R>(mut f: impl FnMut() -> R) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..40 {
        let t = Instant::now();
        std::hint::black_box(f());
        best = best.min(t.elapsed().as_secs_f64());
    }
    best
}
fn main() {
    let log: u32 = std::env::args().nth(1).map_or(16, |s| s.parse().unwrap());
    let threads: usize = std::env::args().nth(2).map_or(1, |s| s.parse().unwrap());
    let only = std::env::args().nth(3).unwrap_or_default();
    let n = 1usize << log;
    let mut s = 0x1234567u64;
    let mut next = || {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        s
    };
    let mut rnd = |n: usize| -> Vec<Fr> {
        (0..n).map(|_| Fr::from_u256_reduced([next(), next(), next(), next()])).collect()
    };
    let a = rnd(n);
    let b = rnd(n);
    let x = a[3];
    let small: Vec<Fr> =
        (0..n).map(|i| if i % 2 == 0 { Fr::ZERO } else { Fr::from((i * 7919 % 65536) as u64) }).collect();
    let bytes: Vec<Fr> =
        (0..n).map(|i| if i % 4 != 0 { Fr::ZERO } else { Fr::from((i * 7919 % 251) as i64 - 125) }).collect();
    let ints: Vec<i32> = (0..n).map(|i| if i % 4 != 0 { 0 } else { (i * 7919 % 251) as i32 - 125 }).collect();
    let m = vec![3u32; n];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let paths: Vec<_> = CpuPath::available().filter(|p| p.name() != "plain").collect();
        let mut report = |name: &str, f: &mut dyn FnMut(CpuPath) -> f64| {
            if !only.is_empty() && !name.contains(&only) {
                return;
            }
            let mut t: Vec<f64> = paths.iter().map(|_| f64::MAX).collect();
            for _ in 0..3 {
                for (i, p) in paths.iter().enumerate() {
                    t[i] = t[i].min(f(*p));
                }
            }
            println!(
                "{name:20} {:8.2} ns lanes {:8.2} ns portable  {:.2}x",
                t[0] * 1e9 / n as f64,
                t[1] * 1e9 / n as f64,
                t[1] / t[0]
            );
        };
        report("batch_inverse", &mut |p| {
            let mut v = a.clone();
            time(|| batch_inverse(p, &mut v))
        });
        report("logup_input", &mut |p| {
            time(|| lookup::logup_input_terms(p, &a, x + Fr::ONE).unwrap_or_default())
        });
        report("logup_table", &mut |p| time(|| lookup::logup_table_terms(p, &a, &m, b[3]).unwrap()));
        report("grand_sum", &mut |p| time(|| lookup::grand_sum(p, &[&a], &b).unwrap()));
        report("range 2^16", &mut |p| {
            time(|| {
                lookup::multiplicities_range(p, &small, lookup::RangeTable { start: 0, len: 65536 }).unwrap()
            })
        });
        report("range bytes", &mut |p| {
            time(|| {
                lookup::multiplicities_range(p, &bytes, lookup::RangeTable { start: -128, len: 256 }).unwrap()
            })
        });
        report("integers bytes", &mut |_| {
            time(|| {
                lookup::multiplicities_integers(&ints, lookup::RangeTable { start: -128, len: 256 }).unwrap()
            })
        });
        report("prefix_product", &mut |p| {
            let mut v = a.clone();
            time(|| prefix_product(p, &mut v, Scan::Exclusive))
        });
        report("prefix_sum", &mut |p| {
            let mut v = a.clone();
            time(|| prefix_sum(p, &mut v, Scan::Exclusive))
        });
        report("evaluate", &mut |p| time(|| evaluate(p, &a, x)));
        report("inner_product", &mut |p| time(|| inner_product(p, &a, &b).unwrap()));
        report("powers", &mut |p| time(|| powers(p, x, x, n)));
        report("sum", &mut |p| time(|| sum(p, &a)));
        report("add", &mut |p| {
            let mut v = a.clone();
            time(|| add(p, &mut v, &a, &b))
        });
        report("mul", &mut |p| {
            let mut v = a.clone();
            time(|| mul(p, &mut v, &a, &b))
        });
        report("mul_assign", &mut |p| {
            let mut v = a.clone();
            time(|| mul_assign(p, &mut v, &b))
        });
        report("axpy", &mut |p| {
            let mut v = a.clone();
            time(|| axpy(p, &mut v, x, &b))
        });
        report("scale", &mut |p| {
            let mut v = a.clone();
            time(|| scale(p, &mut v, x))
        });
        report("lincomb 4", &mut |p| {
            let mut v = a.clone();
            time(|| linear_combination(p, &mut v, &[(x, &a), (b[1], &b), (b[2], &a), (b[4], &b)]))
        });
        report("lincomb +-", &mut |p| {
            let mut v = a.clone();
            time(|| linear_combination(p, &mut v, &[(Fr::ONE, &a), (b[1], &b), (-Fr::ONE, &a), (b[4], &b)]))
        });
        report("divide", &mut |p| {
            let mut v = a.clone();
            time(|| divide_by_linear(p, &mut v, x))
        });
    });
}
