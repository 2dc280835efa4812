//! Passes and rounds of a transform, and where tiles lie; pure.

/// Elements that a thread holds in registers, and layers that it does on them in a round.
const LOG_ELEMENTS: u32 = 3;

/// Tiles of 256 threads and of 128.
const LARGE_LOG_TILE: u32 = 11;
const SMALL_LOG_TILE: u32 = 10;

/// From so many elements on there are large tiles enough to give every multiprocessor two: they save a pass where
/// n > 2^18.
const LARGE_LOG_COUNT: u32 = 19;

/// Columns of one size, and the passes that transform them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) log_n: u32,
    pub(super) columns: u64,
    pub(super) log_tile: u32,
    /// From the first layer on.
    pub(super) passes: Vec<Pass>,
}

/// Several neighbouring layers in one pass over memory.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// The first layer, counted from the one with a single block.
    pub(super) first_layer: u32,
    pub(super) layers: u32,
}

impl Shape {
    /// `columns` transforms of 2^`log_n` elements, one after the other.
    pub(super) fn new(log_n: u32, columns: u64) -> Self {
        let large = columns << log_n >> LARGE_LOG_COUNT > 0 || log_n == LARGE_LOG_TILE;
        Self::with_tiles(log_n, columns, if large { LARGE_LOG_TILE } else { SMALL_LOG_TILE })
    }

    /// The same in tiles of 2^`log_tile` elements: at least 2^4, and at most 2^11.
    pub(super) fn with_tiles(log_n: u32, columns: u64, log_tile: u32) -> Self {
        Self { log_n, columns, log_tile, passes: passes(log_n, log_tile) }
    }

    /// Threads of a block.
    pub(super) fn block(&self) -> u32 {
        1 << (self.log_tile - LOG_ELEMENTS)
    }
}

/// The passes of a transform of 2^`log_n` elements; one without layers for one element.
fn passes(log_n: u32, log_tile: u32) -> Vec<Pass> {
    // Where there are several, tiles have at least two columns, so that accesses are of at least 64 bytes.
    let count = if log_n <= log_tile { 1 } else { log_n.div_ceil(log_tile - 1) };
    let mut first_layer = 0;
    let pass = |i| {
        // Evenly, the larger ones first.
        let layers = (log_n - first_layer).div_ceil(count - i);
        first_layer += layers;
        Pass { first_layer: first_layer - layers, layers }
    };
    (0..count).map(pass).collect()
}

/// Layers that a thread does on its eight elements.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// The lowest of the three bits of places in the tile in which the elements of a thread differ.
    pub(super) window: u32,
    /// Bit k: whether the layer that pairs elements 2^k·2^window apart is done.
    pub(super) layers: u32,
}

/// Where the tiles of a pass lie, in elements, and what is done with them; see `cuda/ntt.cu`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    pub(super) tiles: u64,
    pub(super) log_columns: u32,
    pub(super) log_row_stride: u32,
    pub(super) log_column_stride: u32,
    pub(super) log_group_tiles: u32,
    pub(super) log_group_stride: u32,
    pub(super) log_tile_stride: u32,
    pub(super) group_block_mask: u32,
    pub(super) tile_blocks: u32,
    pub(super) column_blocks: u32,
    /// From the first layer on.
    pub(super) rounds: Vec<Round>,
}

impl Pass {
    pub(super) fn tiling(self, shape: &Shape) -> Tiling {
        let log_below = shape.log_n - self.first_layer - self.layers;
        if shape.log_n <= shape.log_tile {
            self.whole_transforms(shape)
        } else if log_below > 0 {
            self.neighbouring_columns(shape, log_below)
        } else {
            self.neighbouring_rows(shape)
        }
    }

    /// Every column of a tile is a transform, or nothing where there are not so many.
    fn whole_transforms(self, shape: &Shape) -> Tiling {
        let log_columns = shape.log_tile - shape.log_n;
        Tiling {
            tiles: shape.columns.div_ceil(1 << log_columns),
            log_columns,
            log_row_stride: 0,
            log_column_stride: shape.log_n,
            log_group_tiles: 0,
            log_group_stride: shape.log_tile,
            log_tile_stride: 0,
            group_block_mask: 0,
            tile_blocks: 0,
            column_blocks: 0,
            rounds: self.rounds(shape.log_tile),
        }
    }

    /// A group of tiles is a block of the first layer; rows are 2^`log_below` apart.
    fn neighbouring_columns(self, shape: &Shape, log_below: u32) -> Tiling {
        let log_columns = shape.log_tile - self.layers;
        Tiling {
            tiles: shape.columns << (shape.log_n - shape.log_tile),
            log_columns,
            log_row_stride: log_below,
            log_column_stride: 0,
            log_group_tiles: log_below - log_columns,
            log_group_stride: shape.log_n - self.first_layer,
            log_tile_stride: log_columns,
            group_block_mask: (1 << self.first_layer) - 1,
            tile_blocks: 0,
            column_blocks: 0,
            rounds: self.rounds(shape.log_tile),
        }
    }

    /// A group of tiles is a transform, a column of a tile one of its blocks. The blocks of a tile lie as far apart as
    /// they can, since they are neighbours when their places are reversed.
    fn neighbouring_rows(self, shape: &Shape) -> Tiling {
        let log_columns = shape.log_tile - self.layers;
        let log_tiles = self.first_layer - log_columns;
        Tiling {
            tiles: shape.columns << (shape.log_n - shape.log_tile),
            log_columns,
            log_row_stride: 0,
            log_column_stride: log_tiles + self.layers,
            log_group_tiles: log_tiles,
            log_group_stride: shape.log_n,
            log_tile_stride: self.layers,
            group_block_mask: 0,
            tile_blocks: 1,
            column_blocks: 1 << log_tiles,
            rounds: self.rounds(shape.log_tile),
        }
    }

    /// Rows are the highest bits of places in a tile. Three layers a round, the rest in the last one; its window also
    /// has bits of columns or of layers that have been done.
    fn rounds(self, log_tile: u32) -> Vec<Round> {
        let top = log_tile - LOG_ELEMENTS;
        let all = (1 << LOG_ELEMENTS) - 1;
        if self.layers < LOG_ELEMENTS {
            return vec![Round { window: top, layers: all << (LOG_ELEMENTS - self.layers) & all }];
        }
        let round = |first: u32| match self.layers - first {
            left if left < LOG_ELEMENTS => Round { window: log_tile - self.layers, layers: (1 << left) - 1 },
            _ => Round { window: top - first, layers: all },
        };
        (0..self.layers).step_by(LOG_ELEMENTS as usize).map(round).collect()
    }
}

impl Pass {
    /// The rounds in the order in which a pass to natural or to reversed order does them, a byte each, and the window of
    /// the last one.
    pub(super) fn packed_rounds(self, tiling: &Tiling, to_natural: bool) -> (u32, u32) {
        // The round of layer 0 has a bit of its own.
        let pack = |packed: u32, (i, round): (usize, &Round)| {
            let has_layer_0 = u32::from(self.first_layer == 0 && i == 0);
            packed << 8 | has_layer_0 << 7 | round.layers << 4 | round.window
        };
        let rounds = tiling.rounds.iter().enumerate();
        // The first one is packed last.
        let packed = if to_natural { rounds.fold(0, pack) } else { rounds.rev().fold(0, pack) };
        let last = if to_natural { tiling.rounds.first() } else { tiling.rounds.last() };
        (packed, last.map_or(0, |round| round.window))
    }
}
