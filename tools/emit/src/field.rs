//! The file of arithmetic of one limb form; both fields share it.

use crate::inverse;
use crate::limbs::{LimbForm, Step};
use crate::wgsl::Wgsl;
use crate::words::{bind_add, bind_sub, bind_words, element, limb_unmasked, word};
use core::ops::Range;

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
            w.bind(format!("less{k}"), format!("({x} < {y}) || ((less{}) && ({x} == {y}))", k - 1));
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
            if self.form.karatsuba {
                self.reduced_columns(w, |w, k| self.karatsuba_column(w, k));
            } else {
                self.reduced_columns(w, |_, k| Column::plain(products("a", "b", 0..self.form.count, k)));
            }
        });
        file.function("", "fe_square(a: Fe) -> Fe", |w| {
            self.unpack(w, "a");
            for k in 0..self.form.count {
                w.bind(format!("twice{k}"), self.widen(&format!("{} << 1u", self.narrow(&format!("a{k}")))));
            }
            self.reduced_columns(w, |_, k| Column::plain(self.square_terms(k)));
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

    fn square_terms(&self, column: usize) -> Vec<String> {
        let upper = pairs(0..self.form.count, column).filter(|(i, j)| i <= j);
        upper.map(|(i, j)| if i == j { format!("a{i} * a{i}") } else { format!("twice{i} * a{j}") }).collect()
    }

    /// low + ((a_low + a_high)·(b_low + b_high) − low − high)·2^half + high·2^count.
    ///
    /// Only the whole column is known to fit its word; below it, words wrap. A column of the halves' products is bound
    /// where it is first needed, which keeps fewer of them in registers.
    fn karatsuba_column(&self, w: &mut Wgsl, column: usize) -> Column {
        let half = self.form.count / 2;
        let of_halves = |k: Option<usize>| k.filter(|&k| k < 2 * half - 1);
        let mut sum = Column::default();
        if let Some(k) = of_halves(Some(column)) {
            w.bind_sum(format!("low{k}"), &products("a", "b", 0..half, k));
            sum.terms.push(format!("low{k}"));
        }
        if column == half {
            self.bind_sums_of_halves(w);
        }
        if let Some(k) = of_halves(column.checked_sub(half)) {
            w.bind_sum(format!("high{k}"), &products("a", "b", half..2 * half, k + 2 * half));
            sum.terms.extend(products("a_sum", "b_sum", 0..half, k));
            sum.less = Some(format!("(low{k} + high{k})"));
        }
        if let Some(k) = of_halves(column.checked_sub(2 * half)) {
            sum.terms.push(format!("high{k}"));
        }
        sum
    }

    fn bind_sums_of_halves(&self, w: &mut Wgsl) {
        let half = self.form.count / 2;
        for of in ["a", "b"] {
            for k in 0..half {
                w.bind(format!("{of}_sum{k}"), format!("{of}{k} + {of}{}", k + half));
            }
        }
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
    fn reduced_columns(&self, w: &mut Wgsl, products: impl Fn(&mut Wgsl, usize) -> Column) {
        let LimbForm { bits, count, .. } = *self.form;
        let last = count - 1;
        for k in 0..2 * count - 1 {
            let Column { mut terms, less } = products(w, k);
            terms.extend(self.reduction_terms(k));
            if k > 0 {
                terms.push(format!("(total{} >> {bits}u)", k - 1));
            }
            if let (Some(less), Some(term)) = (less, terms.last_mut()) {
                term.push_str(&format!(" - {less}"));
            }
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

/// What the product of two elements adds to one column.
#[derive(Default)]
struct Column {
    terms: Vec<String>,
    less: Option<String>,
}

impl Column {
    fn plain(terms: Vec<String>) -> Self {
        Self { terms, less: None }
    }
}

/// (i, j) with i + j = `column`, both in `limbs`.
fn pairs(limbs: Range<usize>, column: usize) -> impl Iterator<Item = (usize, usize)> {
    limbs.clone().filter_map(move |i| column.checked_sub(i).filter(|j| limbs.contains(j)).map(|j| (i, j)))
}

fn products(a: &str, b: &str, limbs: Range<usize>, column: usize) -> Vec<String> {
    pairs(limbs, column).map(|(i, j)| format!("{a}{i} * {b}{j}")).collect()
}
