//! Energy of a run.

/// Something that can say how much energy passed between two moments.
pub trait Meter {
    /// `user`, the sensor's name, or `none: <reason>`, as records carry it.
    fn source(&self) -> String;

    /// A run begins.
    fn begin(&mut self) {}

    /// The run that began last took `wall_s` seconds; its joules, if this meter can tell.
    fn end(&mut self, wall_s: f64) -> Option<f64>;
}

/// A constant power that the user vouches for.
#[derive(Copy, Clone, Debug)]
pub struct UserWatts(pub f64);

impl Meter for UserWatts {
    fn source(&self) -> String {
        "user".into()
    }

    fn end(&mut self, wall_s: f64) -> Option<f64> {
        Some(self.0 * wall_s)
    }
}

/// No meter, and why.
#[derive(Clone, Debug)]
pub struct NoMeter(pub String);

impl Meter for NoMeter {
    fn source(&self) -> String {
        format!("none: {}", self.0)
    }

    fn end(&mut self, _wall_s: f64) -> Option<f64> {
        None
    }
}

/// The meter for `--watts`.
pub fn meter(watts: Option<f64>) -> Box<dyn Meter> {
    match watts {
        Some(watts) => Box::new(UserWatts(watts)),
        None => Box::new(NoMeter("this version reads no power sensor; pass --watts".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_watts_are_labelled() {
        let mut meter = meter(Some(250.0));
        assert_eq!((meter.source().as_str(), meter.end(2.0)), ("user", Some(500.0)));
    }

    #[test]
    fn missing_meter_says_why() {
        let mut meter = meter(None);
        assert!(meter.source().starts_with("none: "));
        assert_eq!(meter.end(2.0), None);
    }
}
