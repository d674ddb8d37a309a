//! What people say about an episode: noisy, and correlated with success and efficiency.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A person's score of an episode in \[0, 1\], in hundredths. An optimal success gets about 0.97, one
/// that took half again as many calls about 0.83, one that took three times as many about 0.7, and
/// a failure about 0.2.
pub(super) fn score(success: bool, efficiency: Option<f64>, random: &mut ChaCha8Rng) -> f64 {
    let (middle, spread) =
        if success { (0.55 + 0.42 * efficiency.unwrap_or(0.5), 0.05) } else { (0.2, 0.12) };
    let noisy = middle + random.random_range(-spread..spread);
    (noisy.clamp(0.0, 1.0) * 100.0).round() / 100.0
}

/// The word that goes with a score.
pub(super) fn label(score: f64) -> &'static str {
    match score {
        s if s > 0.9 => "great",
        s if s >= 0.6 => "fine",
        s if s >= 0.4 => "poor",
        _ => "failed",
    }
}

/// A short text that goes with a score.
pub(super) fn remark(score: f64, random: &mut ChaCha8Rng) -> &'static str {
    let texts: [&'static str; 3] = match label(score) {
        "great" => ["Exactly what I asked for.", "Straight to the point.", "Could not be shorter."],
        "fine" => ["Works, with detours.", "Good result, slow way.", "Fine after some tries."],
        "poor" => ["Hardly usable.", "Too many needless calls.", "I would not wait again."],
        _ => ["It never finished.", "No result.", "It went in circles."],
    };
    texts.get(random.random_range(0..texts.len())).copied().unwrap_or_default()
}
