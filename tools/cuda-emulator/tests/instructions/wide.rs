//! Immediates and special registers.

use super::common::{Arg, Session, Shape, module, report, run_words};
use super::double;
use zkwatt_cuda_emulator::api::cuLaunchKernel;

#[test]
fn immediates() {
    double("add.u32 %x, %a, 0x80000000; cvt.u64.u32 %X, %x;", |a, _, _| {
        u64::from((a as u32).wrapping_add(1 << 31))
    });
    double("add.u32 %x, %a, 0b101; cvt.u64.u32 %X, %x;", |a, _, _| u64::from((a as u32).wrapping_add(5)));
    double("add.u32 %x, %a, 017; cvt.u64.u32 %X, %x;", |a, _, _| u64::from((a as u32).wrapping_add(15)));
    double("add.u32 %x, %a, 4294967295U; cvt.u64.u32 %X, %x;", |a, _, _| {
        u64::from((a as u32).wrapping_sub(1))
    });
    double("mov.f32 %x, 0f3F800000; cvt.u64.u32 %X, %x;", |_, _, _| 0x3f80_0000);
    double("add.u32 %x, WARP_SZ, 0; cvt.u64.u32 %X, %x;", |_, _, _| 32);
}

#[test]
fn lanes_and_warps() {
    let found = run_words(
        "mov.u32 %r0, %laneid; mov.u32 %r1, %warpid; mad.lo.u32 %r2, %r1, 100, %r0; st.global.u32 [%at], %r2;",
        80,
    );
    assert!(found.iter().enumerate().all(|(i, &x)| x as usize == i / 32 * 100 + i % 32));
    type Model = fn(u32) -> u32;
    let models: [(&str, Model); 5] = [
        ("eq", |i| 1 << i),
        ("lt", |i| (0..i).fold(0, |m, j| m | 1 << j)),
        ("le", |i| (0..=i).fold(0, |m, j| m | 1 << j)),
        ("gt", |i| (i + 1..32).fold(0, |m, j| m | 1 << j)),
        ("ge", |i| (i..32).fold(0, |m, j| m | 1 << j)),
    ];
    for (name, model) in models {
        let found = run_words(&format!("mov.u32 %r0, %lanemask_{name}; st.global.u32 [%at], %r0;"), 32);
        assert!(found.iter().zip(0..).all(|(&x, i)| x == model(i)), "{name}");
    }
}

#[test]
fn three_dimensions() {
    // Each thread counts itself at its own place.
    let text = module(
        ".visible .entry t(.param .u64 out)
{
.reg .b32 %r<32>; .reg .b64 %d<4>;
mov.u32 %r0, %tid.x; mov.u32 %r1, %tid.y; mov.u32 %r2, %tid.z;
mov.u32 %r3, %ntid.x; mov.u32 %r4, %ntid.y; mov.u32 %r5, %ntid.z;
mov.u32 %r6, %ctaid.x; mov.u32 %r7, %ctaid.y; mov.u32 %r8, %ctaid.z;
mov.u32 %r9, %nctaid.x; mov.u32 %r10, %nctaid.y;
mad.lo.u32 %r11, %r8, %r10, %r7; mad.lo.u32 %r11, %r11, %r9, %r6;
mad.lo.u32 %r11, %r11, %r5, %r2; mad.lo.u32 %r11, %r11, %r4, %r1; mad.lo.u32 %r11, %r11, %r3, %r0;
ld.param.u64 %d0, [out]; mad.wide.u32 %d0, %r11, 4, %d0;
red.global.add.u32 [%d0], 1;
ret;
}",
    );
    let session = Session::new();
    let function = session.function(&text, "t");
    let (grid, block) = ([2_u32, 3, 5], [4_u32, 3, 7]);
    let count = grid.iter().product::<u32>() * block.iter().product::<u32>();
    let out = session.upload_words(&vec![0; count as usize]);
    let arg = Arg::from(out);
    let mut pointers = [arg.0.as_ptr().cast_mut().cast()];
    // SAFETY: there is a pointer to the parameter.
    let status = unsafe {
        cuLaunchKernel(
            function,
            grid[0],
            grid[1],
            grid[2],
            block[0],
            block[1],
            block[2],
            0,
            0,
            pointers.as_mut_ptr(),
            std::ptr::null_mut(),
        )
    };
    assert_eq!(status, 0, "{}", report());
    assert_eq!(session.download_words(out, count as usize), vec![1; count as usize]);
    assert_eq!(session.launch(function, Shape::new(0, 1), &[out.into()]), 1);
}
