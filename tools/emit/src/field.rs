//! The file of arithmetic of one limb form; both fields share it.

use crate::inverse;
use crate::limbs::{LimbForm, Step};
use crate::wgsl::Wgsl;
use crate::words::{bind_add, bind_sub, bind_words, element, limb_unmasked, word};

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
    inverse::function(&mut file);
    file.finish()
}

fn less(file: &mut Wgsl) {
    file.function("", "fe_less(a: Fe, b: Fe) -> bool", |w| {
        w.bind("less0", format!("{} < {}", word("a", 0), word("b", 0)));
        for k in 1..8 {
            let (x, y) = (word("a", k), word("b", k));
            w.bind(format!("less{k}"), format!("({x} < {y}) | (less{} & ({x} == {y}))", k - 1));
        }
        w.line("return less7;");
    });
}

fn add(file: &mut Wgsl) {
    file.function("", "fe_add(a: Fe, b: Fe) -> Fe", |w| {
        bind_add(w, "r", "a", "b");
        w.line(format!("return fe_subtract_modulus({});", element("r")));
    });
}

fn sub(file: &mut Wgsl) {
    file.function("", "fe_sub(a: Fe, b: Fe) -> Fe", |w| {
        bind_sub(w, "d", "a", "b");
        w.bind("difference", element("d"));
        w.bind("correction", "fe_select(fe_zero(), FE_MODULUS, negative)");
        bind_add(w, "r", "difference", "correction");
        w.line(format!("return {};", element("r")));
    });
}

fn subtract_modulus(file: &mut Wgsl) {
    file.function("In: a < 2p. Out: < p.", "fe_subtract_modulus(a: Fe) -> Fe", |w| {
        bind_sub(w, "d", "a", "FE_MODULUS");
        w.line(format!("return fe_select({}, a, negative);", element("d")));
    });
}

/// Montgomery products: columns of limb products, from which the reduction takes the lowest ones away.
struct Product<'a> {
    form: &'a LimbForm,
}

impl Product<'_> {
    fn functions(&self, file: &mut Wgsl) {
        self.constants(file);
        file.function("", "fe_mul(a: Fe, b: Fe) -> Fe", |w| {
            self.unpack(w, "a");
            self.unpack(w, "b");
            self.reduced_columns(w, |k| self.product_terms(k));
        });
        file.function("", "fe_square(a: Fe) -> Fe", |w| {
            self.unpack(w, "a");
            for k in 0..self.form.count {
                w.bind(format!("twice{k}"), self.widen(&format!("{} << 1u", self.narrow(&format!("a{k}")))));
            }
            self.reduced_columns(w, |k| self.square_terms(k));
        });
    }

    fn constants(&self, file: &mut Wgsl) {
        let LimbForm { word, bits, .. } = self.form;
        file.blank();
        file.line(format!("const LIMB = {:#x}u;", self.form.mask()));
        file.line(format!("const LAST_LIMB = {:#x}u;", (1u64 << self.form.last_bits()) - 1));
        file.line(format!("const INV = INV_{bits};"));
        for prefix in ["P", "N"] {
            for k in 0..self.form.count {
                file.line(format!("const {prefix}{k} = {word}({prefix}{bits}_{k});"));
            }
        }
    }

    /// Binds the limbs `{of}0` … of an element.
    fn unpack(&self, w: &mut Wgsl, of: &str) {
        for k in 0..self.form.count {
            let value = limb_unmasked(of, self.form.bits, k);
            w.bind(format!("{of}{k}"), self.widen(&format!("{value} & LIMB")));
        }
    }

    /// Compilers see a product of 32 by 32 bits only where both factors were widened last.
    fn widen(&self, value: &str) -> String {
        if self.form.word == "u32" { value.to_string() } else { format!("{}({value})", self.form.word) }
    }

    fn narrow(&self, value: &str) -> String {
        if self.form.word == "u32" { value.to_string() } else { format!("u32({value})") }
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
    ///
    /// A sum begins with the carry, so that compilers can add every product to what is there.
    fn reduced_columns(&self, w: &mut Wgsl, products: impl Fn(usize) -> Vec<String>) {
        let LimbForm { bits, count, .. } = *self.form;
        let last = count - 1;
        for k in 0..2 * count - 1 {
            let carry = k.checked_sub(1).map(|below| format!("(total{below} >> {bits}u)"));
            let mut terms: Vec<_> = carry.into_iter().collect();
            terms.extend(products(k));
            terms.extend(self.reduction_terms(k));
            w.bind_sum(if k > last { format!("total{k}") } else { format!("column{k}") }, &terms);
            if k <= last {
                self.clear_lowest_limb(w, k);
            }
        }
        self.pack(w);
    }

    fn clear_lowest_limb(&self, w: &mut Wgsl, k: usize) {
        let mask = if k == self.form.count - 1 { "LAST_LIMB" } else { "LIMB" };
        let column = self.narrow(&format!("column{k}"));
        match self.form.step(k) {
            Step::Folded => {
                w.bind(format!("q{k}"), self.widen(&format!("{column} & {mask}")));
                w.bind(format!("total{k}"), format!("column{k}"));
            }
            Step::Plain => {
                w.bind(format!("q{k}"), self.widen(&format!("(({column} & {mask}) * INV) & {mask}")));
                w.bind(format!("total{k}"), format!("column{k} + q{k} * P0"));
            }
        }
    }

    /// Cuts the columns from the last step on into words, without the bits that the last step cleared.
    fn pack(&self, w: &mut Wgsl) {
        let LimbForm { bits, count, .. } = *self.form;
        for k in 0..count {
            let total = format!("total{}", count - 1 + k);
            w.bind(format!("limb{k}"), format!("{} & LIMB", self.narrow(&total)));
        }
        let last = format!("total{} >> {bits}u", 2 * count - 2);
        w.bind(format!("limb{count}"), self.narrow(&last));
        bind_words(w, "limb", bits, count + 1, self.form.last_bits());
        w.line(format!("return fe_subtract_modulus({});", element("r")));
    }
}
