//! Middles, ends and slopes.

use std::time::Duration;

/// What so large a share of the values do not exceed.
pub fn share(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

pub fn median(values: &[f64]) -> f64 {
    share(values, 0.5)
}

pub fn milliseconds(spans: &[Duration]) -> Vec<f64> {
    spans.iter().map(|span| span.as_secs_f64() * 1000.0).collect()
}

/// How much y grows with each x, by least squares.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let over = |of: fn((f64, f64)) -> f64| points.iter().map(|point| of((point.0 - x, point.1 - y))).sum::<f64>();
    over(|(x, y)| x * y) / over(|(x, _)| x * x)
}

/// The exponent e of y = c · xᵉ: 1 is linear growth, less is better.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    slope(&logs)
}
