//! Which layers each pass of a transform does, and where its tiles lie; pure.

/// Elements of a tile: the 16 KiB of workgroup memory that every WebGPU device has.
pub(super) const LOG_TILE: u32 = 9;

/// Layers of a pass where there are several: tiles have at least two columns then, so that accesses are of at
/// least 64 bytes.
const MAX_LAYERS: u32 = 8;

/// Several neighbouring layers in one pass over memory.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// The first layer, counted from the one with a single block.
    pub(super) first_layer: u32,
    pub(super) layers: u32,
}

/// The passes of a transform of 2^`log_n` elements, from the first layer on; one without layers for one
/// element.
pub(super) fn passes(log_n: u32) -> Vec<Pass> {
    let count = if log_n <= LOG_TILE { 1 } else { log_n.div_ceil(MAX_LAYERS) };
    let mut first_layer = 0;
    let pass = |i| {
        // Evenly, the larger ones first.
        let layers = (log_n - first_layer).div_ceil(count - i);
        first_layer += layers;
        Pass { first_layer: first_layer - layers, layers }
    };
    (0..count).map(pass).collect()
}

/// Where the tiles of a pass lie, in elements; see `shaders/ntt.wgsl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    pub(super) tiles: u64,
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) row_stride: u32,
    pub(super) column_stride: u32,
    pub(super) tiles_of_group: u32,
    pub(super) group_stride: u32,
    pub(super) tile_stride: u32,
    pub(super) group_block_mask: u32,
    pub(super) tile_block_stride: u32,
    pub(super) column_block_stride: u32,
}

impl Pass {
    /// The tiles of `count` transforms of 2^`log_n` elements that lie one after the other.
    pub(super) fn tiling(self, log_n: u32, count: u64) -> Tiling {
        let log_below = log_n - self.first_layer - self.layers;
        if log_n <= LOG_TILE {
            self.whole_transforms(log_n, count)
        } else if log_below > 0 {
            self.neighbouring_columns(log_n, log_below, count)
        } else {
            self.neighbouring_rows(log_n, count)
        }
    }

    /// Every column of a tile is a transform, or nothing where there are not so many.
    fn whole_transforms(self, log_n: u32, count: u64) -> Tiling {
        let columns = 1 << (LOG_TILE - log_n);
        Tiling {
            tiles: count.div_ceil(u64::from(columns)),
            rows: 1 << log_n,
            columns,
            row_stride: 1,
            column_stride: 1 << log_n,
            tiles_of_group: 1,
            group_stride: columns << log_n,
            tile_stride: 0,
            group_block_mask: 0,
            tile_block_stride: 0,
            column_block_stride: 0,
        }
    }

    /// A group of tiles is a block of the first layer; rows are 2^`log_below` apart.
    fn neighbouring_columns(self, log_n: u32, log_below: u32, count: u64) -> Tiling {
        let log_columns = LOG_TILE - self.layers;
        Tiling {
            tiles: count << (log_n - self.layers - log_columns),
            rows: 1 << self.layers,
            columns: 1 << log_columns,
            row_stride: 1 << log_below,
            column_stride: 1,
            tiles_of_group: 1 << (log_below - log_columns),
            group_stride: 1 << (log_n - self.first_layer),
            tile_stride: 1 << log_columns,
            group_block_mask: (1 << self.first_layer) - 1,
            tile_block_stride: 0,
            column_block_stride: 0,
        }
    }

    /// A group of tiles is a transform, a column of a tile one of its blocks. The blocks of a tile lie as far
    /// apart as they can, since they are neighbours when their places are reversed.
    fn neighbouring_rows(self, log_n: u32, count: u64) -> Tiling {
        let log_columns = LOG_TILE - self.layers;
        let log_tiles = self.first_layer - log_columns;
        Tiling {
            tiles: count << log_tiles,
            rows: 1 << self.layers,
            columns: 1 << log_columns,
            row_stride: 1,
            column_stride: 1 << (log_tiles + self.layers),
            tiles_of_group: 1 << log_tiles,
            group_stride: 1 << log_n,
            tile_stride: 1 << self.layers,
            group_block_mask: 0,
            tile_block_stride: 1,
            column_block_stride: 1 << log_tiles,
        }
    }
}
