//! Operations for callers that may not block, as in a browser.

use super::{WgpuBuffer, WgpuDevice};
use crate::device::gpu::{Lookups, VectorAsync};
use crate::error::Result;
use zkwatt_kernels::Fr;
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::vector::Scan;

macro_rules! forms {
    ($($of:literal $name:ident: $trait:ident::$method:ident($($argument:ident: $type:ty),*) -> $value:ty;)*) => {
        impl WgpuDevice {$(
            #[doc = concat!("As [`", $of, "`](crate::device::", $of, ").")]
            pub async fn $name(&self, $($argument: $type),*) -> Result<$value> {
                $trait::$method(self, $($argument),*).await
            }
        )*}
    };
}

forms! {
    "VectorOps::prefix_sum" prefix_sum_async: VectorAsync::prefix_sum_async(a: &mut WgpuBuffer<Fr>, scan: Scan) -> Fr;
    "VectorOps::prefix_product" prefix_product_async: VectorAsync::prefix_product_async(a: &mut WgpuBuffer<Fr>, scan: Scan) -> Fr;
    "VectorOps::evaluate" evaluate_async: VectorAsync::evaluate_async(coefficients: &WgpuBuffer<Fr>, x: Fr) -> Fr;
    "VectorOps::evaluate_many" evaluate_many_async: VectorAsync::evaluate_many_async(polynomials: &[&WgpuBuffer<Fr>], x: Fr) -> Vec<Fr>;
    "VectorOps::divide_by_linear" divide_by_linear_async: VectorAsync::divide_by_linear_async(coefficients: &mut WgpuBuffer<Fr>, z: Fr) -> Fr;
    "LookupOps::multiplicities_range" multiplicities_range_async: Lookups::multiplicities_range_async(values: &WgpuBuffer<Fr>, table: RangeTable) -> WgpuBuffer<u32>;
    "LookupOps::multiplicities_table" multiplicities_table_async: Lookups::multiplicities_table_async(values: &WgpuBuffer<Fr>, table: &WgpuBuffer<Fr>) -> WgpuBuffer<u32>;
    "LookupOps::logup_terms" logup_terms_async: Lookups::logup_terms_async(values: &WgpuBuffer<Fr>, table: &WgpuBuffer<Fr>, multiplicities: &WgpuBuffer<u32>, beta: Fr) -> [WgpuBuffer<Fr>; 2];
    "LookupOps::grand_sum" grand_sum_async: Lookups::grand_sum_async(inputs: &[&WgpuBuffer<Fr>], table: &WgpuBuffer<Fr>) -> (WgpuBuffer<Fr>, Fr);
    "LookupOps::permuted_pair" permuted_pair_async: Lookups::permuted_pair_async(input: &WgpuBuffer<Fr>, table: &WgpuBuffer<Fr>) -> [WgpuBuffer<Fr>; 2];
}
