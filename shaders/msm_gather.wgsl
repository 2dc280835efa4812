// Points from where the pair trees leave them.

@group(0) @binding(0) var<storage, read> wanted: array<u32>;
@group(0) @binding(1) var<storage, read> sums: array<Point>;
@group(0) @binding(2) var<storage, read_write> gathered: array<Point>;

// gathered[b] <- sum of bucket b, which is in the first of its slots; `wanted` tells where these start.
// Params: buckets.
@compute @workgroup_size(WORKGROUP)
fn msm_bucket_gather(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let bucket = global_index(group, groups, local);
    if (bucket >= params[0].x) { return; }
    let slot = wanted[bucket];
    if (slot == wanted[bucket + 1u]) {
        gathered[bucket] = Point(coord_zero(), coord_zero());
    } else {
        gathered[bucket] = sums[slot];
    }
}

// gathered[t] <- sums[wanted[t]]. Params: points.
@compute @workgroup_size(WORKGROUP)
fn msm_window_points(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    gathered[t] = sums[wanted[t]];
}
