//! The container of iden3's files.

/// A file of these sections.
pub fn file(magic: &[u8; 4], version: u32, sections: &[Vec<u8>]) -> Vec<u8> {
    let head = [*magic, version.to_le_bytes(), (sections.len() as u32).to_le_bytes()];
    [head.as_flattened(), &sections.concat()].concat()
}

/// A section with its type and length.
pub fn section(kind: u32, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(content.len() as u64).to_le_bytes(), content].concat()
}

/// The size of a field's elements and its modulus.
pub fn modulus(modulus: [u64; 4]) -> [u8; 36] {
    let mut out = [0; 36];
    out[0] = 32;
    out[4..].copy_from_slice(modulus.map(u64::to_le_bytes).as_flattened());
    out
}
