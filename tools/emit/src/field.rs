//! The file of arithmetic of one limb form; both fields share it.

use crate::limbs::{LimbForm, R_BITS, Step};
use crate::wgsl::Wgsl;

/// What needs no unrolling is written by hand.
const COMMON: &str = include_str!("field_common.wgsl");

pub(crate) fn file(form: &LimbForm) -> String {
    let about = format!(
        "Arithmetic modulo p; products in {} limbs of {} bits in {}.",
        form.count, form.bits, form.word
    );
    let mut file = Wgsl::generated(&about);
    file.blank();
    file.verbatim(COMMON);
    less(&mut file);
    add(&mut file);
    sub(&mut file);
    subtract_modulus(&mut file);
    Product { form }.functions(&mut file);
    file.finish()
}

/// Word k of an element.
fn word(of: &str, k: usize) -> String {
    format!("{of}.{}.{}", if k < 4 { "lo" } else { "hi" }, ["x", "y", "z", "w"][k % 4])
}

/// An element of eight words with a common prefix.
fn element(prefix: &str) -> String {
    let half = |from: usize| (from..from + 4).map(|k| format!("{prefix}{k}")).collect::<Vec<_>>().join(", ");
    format!("Fe(vec4<u32>({}), vec4<u32>({}))", half(0), half(4))
}

/// Binds `{to}0` … `{to}7` to a + b; the caller knows that it fits 256 bits.
fn bind_add(w: &mut Wgsl, to: &str, a: &str, b: &str) {
    for k in 0..8 {
        let (x, y) = (word(a, k), word(b, k));
        if k == 0 {
            w.bind("s0", format!("{x} + {y}"));
            w.bind(format!("{to}0"), "s0");
            w.bind("c0", format!("select(0u, 1u, s0 < {x})"));
            continue;
        }
        w.bind(format!("s{k}"), format!("{x} + {y}"));
        w.bind(format!("{to}{k}"), format!("s{k} + c{}", k - 1));
        if k < 7 {
            w.bind(format!("c{k}"), format!("select(0u, 1u, (s{k} < {x}) || ({to}{k} < s{k}))"));
        }
    }
}

/// Binds `{to}0` … `{to}7` to a − b mod 2^256 and `borrow7` to whether b is above a.
fn bind_sub(w: &mut Wgsl, to: &str, a: &str, b: &str) {
    for k in 0..8 {
        let (x, y) = (word(a, k), word(b, k));
        if k == 0 {
            w.bind(format!("{to}0"), format!("{x} - {y}"));
            w.bind("borrow0", format!("{x} < {y}"));
            continue;
        }
        w.bind(format!("m{k}"), format!("{x} - {y}"));
        w.bind(format!("b{k}"), format!("select(0u, 1u, borrow{})", k - 1));
        w.bind(format!("{to}{k}"), format!("m{k} - b{k}"));
        w.bind(format!("borrow{k}"), format!("({x} < {y}) || (m{k} < b{k})"));
    }
}

fn less(file: &mut Wgsl) {
    file.function("fe_less(a: Fe, b: Fe) -> bool", |w| {
        w.bind("less0", format!("{} < {}", word("a", 0), word("b", 0)));
        for k in 1..8 {
            let (x, y) = (word("a", k), word("b", k));
            w.bind(format!("less{k}"), format!("({x} < {y}) || ((less{}) && ({x} == {y}))", k - 1));
        }
        w.line("return less7;");
    });
}

fn add(file: &mut Wgsl) {
    file.function("fe_add(a: Fe, b: Fe) -> Fe", |w| {
        bind_add(w, "r", "a", "b");
        w.line(format!("return fe_subtract_modulus({});", element("r")));
    });
}

fn sub(file: &mut Wgsl) {
    file.function("fe_sub(a: Fe, b: Fe) -> Fe", |w| {
        bind_sub(w, "d", "a", "b");
        w.bind("difference", element("d"));
        w.bind("correction", "fe_select(fe_zero(), FE_MODULUS, borrow7)");
        bind_add(w, "r", "difference", "correction");
        w.line(format!("return {};", element("r")));
    });
}

fn subtract_modulus(file: &mut Wgsl) {
    file.blank();
    file.line("// In: a < 2p. Out: < p.");
    file.function("fe_subtract_modulus(a: Fe) -> Fe", |w| {
        bind_sub(w, "d", "a", "FE_MODULUS");
        w.line(format!("return fe_select({}, a, borrow7);", element("d")));
    });
}

/// Montgomery products: columns of limb products, from which the reduction takes the lowest ones away.
struct Product<'a> {
    form: &'a LimbForm,
}

impl Product<'_> {
    fn functions(&self, file: &mut Wgsl) {
        self.constants(file);
        file.function("fe_mul(a: Fe, b: Fe) -> Fe", |w| {
            self.unpack(w, "a");
            self.unpack(w, "b");
            self.reduced_columns(w, |k| self.product_terms(k));
        });
        file.function("fe_square(a: Fe) -> Fe", |w| {
            self.unpack(w, "a");
            for k in 0..self.form.count {
                w.bind(format!("twice{k}"), format!("a{k} << 1u"));
            }
            self.reduced_columns(w, |k| self.square_terms(k));
        });
    }

    fn constants(&self, file: &mut Wgsl) {
        let LimbForm { word, bits, suffix, .. } = self.form;
        file.blank();
        file.line(format!("const LIMB: {word} = {:#x}{suffix};", self.form.mask()));
        file.line(format!("const LAST_LIMB: {word} = {:#x}{suffix};", (1u64 << self.form.last_bits()) - 1));
        file.line(format!("const INV: {word} = {word}(INV_{bits});"));
        for prefix in ["P", "N"] {
            for k in 0..self.form.count {
                file.line(format!("const {prefix}{k}: {word} = {word}({prefix}{bits}_{k});"));
            }
        }
    }

    /// Binds the limbs `{of}0` … of an element.
    fn unpack(&self, w: &mut Wgsl, of: &str) {
        for k in 0..self.form.count {
            let (from, to) = (self.form.bits * k, (self.form.bits * (k + 1)).min(R_BITS));
            let (low, shift) = (from / 32, from % 32);
            let mut value = word(of, low);
            if shift > 0 {
                value = format!("({value} >> {shift}u)");
            }
            if to > 32 * (low + 1) {
                value = format!("({value} | ({} << {}u))", word(of, low + 1), 32 - shift);
            }
            w.bind(format!("{of}{k}"), format!("{} & LIMB", self.widen(&value)));
        }
    }

    fn widen(&self, value: &str) -> String {
        if self.form.word == "u32" { value.to_string() } else { format!("{}({value})", self.form.word) }
    }

    fn product_terms(&self, column: usize) -> Vec<String> {
        self.pairs(column).map(|(i, j)| format!("a{i} * b{j}")).collect()
    }

    fn square_terms(&self, column: usize) -> Vec<String> {
        let upper = self.pairs(column).filter(|(i, j)| i <= j);
        upper.map(|(i, j)| if i == j { format!("a{i} * a{i}") } else { format!("twice{i} * a{j}") }).collect()
    }

    /// Limbs (i, j) with i + j = `column`.
    fn pairs(&self, column: usize) -> impl Iterator<Item = (usize, usize)> {
        let count = self.form.count;
        (0..count).filter_map(move |i| column.checked_sub(i).filter(|&j| j < count).map(|j| (i, j)))
    }

    /// What the steps below `column` add to it.
    fn reduction_terms(&self, column: usize) -> Vec<String> {
        (0..self.form.count.min(column))
            .filter_map(|i| {
                let (prefix, j) = match self.form.step(i) {
                    Step::Folded => ("N", column - i - 1),
                    Step::Plain => ("P", column - i),
                };
                (j < self.form.count).then(|| format!("q{i} * {prefix}{j}"))
            })
            .collect()
    }

    /// Every column in turn: `column{k}` is its sum, `q{k}` the factor that clears its lowest limb.
    fn reduced_columns(&self, w: &mut Wgsl, terms: impl Fn(usize) -> Vec<String>) {
        let LimbForm { bits, count, .. } = *self.form;
        let last = count - 1;
        for k in 0..2 * count - 1 {
            let mut sum = terms(k);
            sum.extend(self.reduction_terms(k));
            if k > 0 {
                sum.push(format!("(total{} >> {bits}u)", k - 1));
            }
            w.bind_sum(if k > last { format!("total{k}") } else { format!("column{k}") }, &sum);
            if k <= last {
                self.clear_lowest_limb(w, k);
            }
        }
        self.pack(w);
    }

    fn clear_lowest_limb(&self, w: &mut Wgsl, k: usize) {
        let mask = if k == self.form.count - 1 { "LAST_LIMB" } else { "LIMB" };
        match self.form.step(k) {
            Step::Folded => {
                w.bind(format!("q{k}"), format!("column{k} & {mask}"));
                w.bind(format!("total{k}"), format!("column{k}"));
            }
            Step::Plain => {
                w.bind(format!("q{k}"), format!("((column{k} & {mask}) * INV) & {mask}"));
                w.bind(format!("total{k}"), format!("column{k} + q{k} * P0"));
            }
        }
    }

    /// Cuts the columns from the last step on into words, without the bits that the last step cleared.
    fn pack(&self, w: &mut Wgsl) {
        let LimbForm { bits, count, word, .. } = *self.form;
        for k in 0..count {
            w.bind(format!("limb{k}"), format!("total{} & LIMB", count - 1 + k));
        }
        w.bind(format!("limb{count}"), format!("total{} >> {bits}u", 2 * count - 2));
        let offset = self.form.last_bits();
        for k in 0..8 {
            let (from, to) = (offset + 32 * k, offset + 32 * (k + 1));
            let parts: Vec<String> = (from / bits..=count)
                .take_while(|j| bits * j < to)
                .map(|j| match (bits * j).cmp(&from) {
                    core::cmp::Ordering::Less => format!("(limb{j} >> {}u)", from - bits * j),
                    core::cmp::Ordering::Equal => format!("limb{j}"),
                    core::cmp::Ordering::Greater => format!("(limb{j} << {}u)", bits * j - from),
                })
                .collect();
            let joined = parts.join(" | ");
            w.bind(format!("r{k}"), if word == "u32" { joined } else { format!("u32({joined})") });
        }
        w.line(format!("return fe_subtract_modulus({});", element("r")));
    }
}
