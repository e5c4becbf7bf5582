//! What a model is shown of long texts: enough of each, and of all together no more than there is room for.

use domain::conversation::estimated_tokens;
use domain::segment::fair_share;
use std::borrow::Cow;

/// Each of `texts` as it is shown where all may have `room` tokens together: what is more than a fair share of that is cut.
pub(crate) fn within<'t>(texts: &[&'t str], room: u64) -> Vec<Cow<'t, str>> {
    let sizes: Vec<u64> = texts.iter().map(|text| estimated_tokens(text)).collect();
    let share = fair_share(&sizes, room);
    texts.iter().map(|text| ends(text, share)).collect()
}

/// Both ends of a text that has more than `tokens`: errors stand at the end of an output as often as at its beginning.
fn ends(text: &str, tokens: u64) -> Cow<'_, str> {
    if estimated_tokens(text) <= tokens {
        return text.into();
    }
    let half = usize::try_from(tokens.saturating_mul(2)).unwrap_or(usize::MAX);
    let head: String = text.chars().take(half).collect();
    let left_out = text.chars().count().saturating_sub(2 * half);
    let tail: String = text.chars().skip(half + left_out).collect();
    format!("{head}\n[{left_out} characters left out]\n{tail}").into()
}
