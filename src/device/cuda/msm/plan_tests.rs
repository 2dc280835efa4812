use super::super::step::MAX_SEGMENT;
use super::*;
use crate::device::{G1, G2};

fn uniform(bits: u32, n: usize, room: &Room) -> CudaMsmPlan {
    CudaMsmPlan::new(&BitHistogram::uniform(n, bits), n, Cut { items: 1, piece: n }, room, None)
}

/// The rounds of `cuda/msm_reduce.cu` with numbers for points.
#[test]
fn rounds_weigh_buckets_by_their_number() {
    for log_n in 1..=12u32 {
        let n = 1usize << log_n;
        let start: Vec<i64> = (0..n as i64).map(|i| i * i % 1009 - 300).collect();
        let branch = |tree: usize| if tree == 0 { 0 } else { 1 << (tree - 1) };
        let mut at = start.clone();
        for round in 0..log_n as usize {
            for thread in 0..(round + 1) * (n >> (round + 1)) {
                let log_pairs = log_n as usize - round - 1;
                let pair = thread & ((1 << log_pairs) - 1);
                let left = branch(thread >> log_pairs) + (pair << (round + 1));
                at[left] += at[left + (1 << round)];
            }
        }
        let branches: i64 = (0..log_n as usize).map(|t| at[1 << t] << t).sum();
        let expected: i64 = start.iter().zip(1..).map(|(value, weight)| weight * value).sum();
        assert_eq!(at[0] + branches, expected, "{n} buckets");
    }
}

/// The jobs of `cuda/msm_segments.cu` with numbers for points.
#[test]
fn rounds_of_merging_sum_all_segments_within_their_lists() {
    for segments in [1u64, 2, 7, 8, 9, 63, 64, 65, 100, 512, 513, 5000] {
        let segment = 16;
        let entries = (segments - 1) * segment + 1;
        let step = Step { digits: entries, entries, row_entries: entries, buckets: 1, segment };
        let mut sums: Vec<u64> = (0..segments).map(|j| j * j + 1).collect();
        let expected: u64 = sums.iter().sum();
        assert!(segments <= step.segments());
        for round in 0..step.rounds() {
            let distance = FAN_IN.pow(round);
            let targets = (0..segments).filter(|j| j % (distance * FAN_IN) == 0 && j + distance < segments);
            let targets: Vec<u64> = targets.collect();
            assert!(targets.len() as u64 <= step.jobs(round), "{segments} segments, round {round}");
            for j in targets {
                let summands = ((segments - 1 - j) / distance).min(FAN_IN - 1);
                sums[j as usize] += (1..=summands).map(|i| sums[(j + i * distance) as usize]).sum::<u64>();
            }
        }
        assert_eq!(sums[0], expected, "{segments} segments");
    }
}

#[test]
fn plans_keep_within_their_memory() {
    for (n, items, memory_bytes) in [
        (1, 1, 1 << 30),
        (1 << 14, 1, 16 << 20),
        (1 << 20, 3, 300 << 20),
        (1 << 16, 100, 1 << 30),
        (1 << 26, 1, 60 << 30),
    ] {
        for (arithmetic, upload_bytes) in [(Arithmetic::G1, 32), (Arithmetic::G2, 0)] {
            let room = Room { arithmetic, memory_bytes, ..H100 };
            let cut = Cut::new(n, items, upload_bytes, &room);
            assert!(cut.items <= items && cut.piece <= n);
            let histogram = BitHistogram::uniform(cut.items * cut.piece, 253);
            let plan = CudaMsmPlan::new(&histogram, n, cut, &room, None);
            assert!(plan.peak_bytes <= memory_bytes, "{n}: {plan:?}");
            assert_eq!(plan, CudaMsmPlan::new(&histogram, n, cut, &room, None));
        }
    }
}

#[test]
fn costs_follow_the_scalars() {
    let full = CudaMsmPlan::on_h100::<G1>(1 << 20);
    assert_eq!(full, uniform(253, 1 << 20, &H100));
    // 16 windows of 16 bits: 2^24 additions of 10 products, 2^20 of 14 for the reduction.
    assert_eq!((full.shape.window_bits, full.shape.windows), (16, 16));
    assert_eq!(full.products, 10 * (1 << 24) + 14 * 16 * (2 * (1 << 15) - 17));
    assert!(full.modelled_h100_seconds() < 6e-3, "{}", full.modelled_h100_seconds());
    assert!(uniform(16, 1 << 20, &H100).cost * 6 < full.cost);
    assert_eq!(uniform(0, 1 << 14, &H100).products, 0);
    let costs = [CudaMsmPlan::on_h100::<G1>(1 << 16).cost, CudaMsmPlan::on_h100::<G2>(1 << 16).cost];
    assert!(costs[1] > 2 * costs[0]);
}

/// The table of docs/KERNELS.md.
#[test]
fn figures_of_the_documents() {
    for (log_n, window_bits, launches, products, peak_mb, moved_mb, us) in [
        (14, 12, 27, 4.9, 12, 87, [370, 927]),
        (16, 13, 28, 15.4, 27, 231, [549, 1428]),
        (18, 15, 30, 52.4, 92, 791, [1179, 3207]),
        (20, 16, 33, 182.4, 275, 2433, [3419, 9523]),
        (22, 17, 35, 656.7, 893, 8118, [11_575, 32_533]),
    ] {
        let (g1, g2) = (CudaMsmPlan::on_h100::<G1>(1 << log_n), CudaMsmPlan::on_h100::<G2>(1 << log_n));
        assert_eq!((g1.window_bits(), g1.launches), (window_bits, launches));
        assert_eq!((g1.products as f64 / 1e5).round() / 10.0, products);
        let megabytes = |bytes: u64| (bytes as f64 / 1e6).round() as u64;
        assert_eq!((megabytes(g1.peak_bytes), megabytes(g1.moved_bytes)), (peak_mb, moved_mb));
        assert_eq!([g1, g2].map(|plan| (plan.modelled_h100_seconds() * 1e6).round() as u64), us);
    }
}

#[test]
fn segments_are_split_where_threads_would_be_missing() {
    let step = |n: usize, bits, c| {
        let histogram = BitHistogram::uniform(n, bits);
        Step::new(&histogram, n, 1, &H100, &Shape::new(bits, c, 1))
    };
    // 2^15 buckets in each of 16 rows keep all lanes busy.
    assert_eq!(step(1 << 20, 253, 16).segment, MAX_SEGMENT);
    // Two rows of 128 do not.
    let few = step(1 << 20, 8, 8);
    assert_eq!(few.segment, 64);
    assert!(few.segments() * 2 >= H100.lanes / 2);
}

#[test]
fn tables_are_made_where_they_pay() {
    let n = 1 << 16;
    let tables = TablePlan::new(n, 2 << 30, &H100).unwrap();
    assert!(tables.bytes(n, &H100) <= 2 << 30);
    let histogram = BitHistogram::uniform(n, 253);
    let cut = Cut { items: 1, piece: n };
    let plan = CudaMsmPlan::new(&histogram, n, cut, &H100, Some(tables));
    assert_eq!(plan.shape.levels, tables.levels);
    assert!(plan.cost * 10 <= uniform(253, n, &H100).cost * 9);
    assert_eq!(TablePlan::new(n, 1000, &H100), None);
    // Narrow scalars do without.
    let narrow = CudaMsmPlan::new(&BitHistogram::uniform(n, 8), n, cut, &H100, Some(tables));
    assert_eq!(narrow.shape.levels, 1);
}
