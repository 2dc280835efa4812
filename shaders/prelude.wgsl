// First part of every stage: the parameters of a dispatch and the index of a thread.

// Word 0 is the number of threads. Sixteen vectors, because uniform arrays have a stride of 16 bytes.
@group(1) @binding(0) var<uniform> params: array<vec4<u32>, 16>;

// Dispatches are folded to two dimensions where one would exceed the limit of workgroups.
fn global_index(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return (group.y * groups.x + group.x) * WORKGROUP + local;
}
