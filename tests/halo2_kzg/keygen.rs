//! Keys against upstream's, byte for byte.

use crate::circuit::{Mixed, SHAPES, Shape, Stray};
use crate::device_srs;
use halo2_axiom::SerdeFormat;
use halo2_axiom::plonk::{keygen_pk as upstream_pk, keygen_vk_custom};
use zkwatt::error::Error;
use zkwatt::halo2::keygen::{Selectors, keygen_pk, keygen_pk_from_vk, keygen_vk};

const RAW: SerdeFormat = SerdeFormat::RawBytes;

#[test]
fn keys_are_upstreams_byte_for_byte() {
    for (i, shape) in SHAPES.into_iter().enumerate() {
        let circuit = Mixed { shape, x: 3, stray: None };
        for k in [5, 6] {
            let srs = device_srs(k);
            for (selectors, compress) in [(Selectors::Direct, false), (Selectors::Compressed, true)] {
                let vk = keygen_vk_custom(srs.srs().params(), &circuit, compress).unwrap();
                let ours = keygen_vk(&srs, &circuit, selectors).unwrap();
                assert_eq!(ours.to_bytes(RAW), vk.to_bytes(RAW), "shape {i}, k = {k}, {selectors:?}");
                assert_eq!(ours.transcript_repr(), vk.transcript_repr());
                assert_eq!(format!("{:?}", ours.pinned()), format!("{:?}", vk.pinned()));
                let pk = upstream_pk(srs.srs().params(), vk.clone(), &circuit).unwrap().to_bytes(RAW);
                // Not assert_eq: nobody wants to read them.
                assert!(keygen_pk(&srs, &circuit, selectors).unwrap().to_bytes(RAW) == pk, "shape {i}");
                assert!(keygen_pk_from_vk(&srs, vk, &circuit).unwrap().to_bytes(RAW) == pk, "shape {i}");
            }
        }
    }
}

#[test]
fn compression_saves_columns_here() {
    let circuit = Mixed { shape: SHAPES[3], x: 3, stray: None };
    let srs = device_srs(5);
    let columns = |selectors| keygen_vk(&srs, &circuit, selectors).unwrap().fixed_commitments().len();
    assert!(columns(Selectors::Compressed) < columns(Selectors::Direct));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let shape = Shape { constants: true, ..SHAPES[3] };
    let srs = device_srs(5);
    let vk = |circuit: &Mixed| keygen_vk(&srs, circuit, Selectors::Direct);
    let circuit = |stray| Mixed { shape, x: 3, stray };
    // 32 rows less at least six.
    assert!(vk(&circuit(Some((Stray::Fixed, 20)))).is_ok());
    for stray in [Stray::Fixed, Stray::Selector, Stray::Copy] {
        for row in [26, 31, 32, usize::MAX] {
            let message = match vk(&circuit(Some((stray, row)))) {
                Err(e @ Error::InvalidArgument { argument: "circuit", .. }) => e.to_string(),
                other => panic!("{stray:?} {row}: {:?}", other.map(|_| ())),
            };
            assert!(message.contains("2^5 rows"), "{message}");
        }
    }
    let message = vk(&circuit(Some((Stray::Unequal, 0)))).unwrap_err().to_string();
    assert!(message.contains("must be included in the permutation"), "{message}");
    // The table alone needs nine rows.
    assert!(keygen_vk(&device_srs(3), &circuit(None), Selectors::Direct).is_err());
    assert!(keygen_pk(&device_srs(2), &circuit(None), Selectors::Direct).is_err());
}

#[test]
fn a_verifying_key_of_another_circuit_is_refused() {
    let srs = device_srs(5);
    let of = |shape| Mixed { shape, x: 3, stray: None };
    let vk = keygen_vk(&srs, &of(SHAPES[1]), Selectors::Direct).unwrap();
    for (srs, circuit) in [(&srs, of(SHAPES[2])), (&device_srs(6), of(SHAPES[1]))] {
        let result = keygen_pk_from_vk(srs, vk.clone(), &circuit);
        assert!(matches!(result, Err(Error::Mismatch { .. })));
    }
    assert!(keygen_pk_from_vk(&srs, vk, &of(SHAPES[1])).is_ok());
}
