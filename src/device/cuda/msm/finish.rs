//! What the host does of an MSM.

use super::step::Shape;
use crate::device::gpu::window_combine;
use zkwatt_kernels::curve::Xyzz;
use zkwatt_kernels::field::Field;
use zkwatt_kernels::parallel;

/// The sums of several items, from the points that `msm_window_points` leaves of each of their rows.
pub(super) fn item_sums<F: Field>(points: &[Xyzz<F>], shape: &Shape) -> Vec<Xyzz<F>> {
    let row_points = shape.log_buckets() as usize + 1;
    let rows: Vec<&[Xyzz<F>]> = points.chunks_exact(row_points).collect();
    let rows = parallel::map_range(rows.len(), |row| row_sum(rows[row]));
    let bits = shape.window_bits * shape.levels as u32;
    rows.chunks_exact(shape.rows()).map(|rows| window_combine(rows, bits)).collect()
}

/// T + Σ 2^t·O_t of T, O_0, O_1, ….
fn row_sum<F: Field>(points: &[Xyzz<F>]) -> Xyzz<F> {
    let Some((trunk, branches)) = points.split_first() else { return Xyzz::IDENTITY };
    branches.iter().rev().fold(Xyzz::IDENTITY, |sum, branch| sum.double() + *branch) + *trunk
}
