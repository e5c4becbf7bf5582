//! English is spelled in two ways, the British (*colour*, *optimise*) and the American (*color*, *optimize*). Who asks in one finds the other.

use std::borrow::Cow;

/// Words that are spelled in two ways by more than an ending, whose stems differ by that: as the British have it, and as Americans do.
pub(super) const PAIRS: &str = "behaviour behavior|colour color|favour favor|flavour flavor|honour honor|humour humor|labour labor|\
    neighbour neighbor|neighbourhood neighborhood|rumour rumor|harbour harbor|armour armor|endeavour endeavor|vapour vapor|savour savor|\
    rigour rigor|odour odor|parlour parlor|clamour clamor|splendour splendor|centre center|fibre fiber|theatre theater|litre liter|\
    metre meter|calibre caliber|spectre specter|catalogue catalog|dialogue dialog|analogue analog|licence license|defence defense|\
    offence offense|pretence pretense|practise practice|grey gray|artefact artifact|judgement judgment|analyse analyze|\
    paralyse paralyze|catalyse catalyze|sceptic skeptic|plough plow|mould mold|moustache mustache|\
    aluminium aluminum";

/// What stands before an "-ise" that Americans write, too.
const NEVER_IZE: [&str; 35] = [
    "advert", "adv", "appr", "chast", "circumc", "compr", "comprom", "conc", "dem", "desp", "dev",
    "enfranch", "enterpr", "exc", "exerc", "expert", "franch", "imprec", "improv", "inc", "merchand",
    "moonr", "mort", "parad", "pract", "prec", "prem", "prom", "repr", "rev", "sunr", "superv", "surm",
    "surpr", "telev",
];
/// Shorter beginnings are of words such as *rise*, *wise* and *size*.
const SHORTEST: usize = 3;
/// What stands behind "is" in a form of such a word, or behind "iz".
const ENDINGS: [&str; 9] = ["e", "ed", "es", "er", "ers", "ing", "ation", "ations", "able"];

/// A word in lower case as Americans spell its ending.
pub(super) fn with_ize(word: &str) -> Cow<'_, str> {
    respelled(word, "is", "iz").map_or(Cow::Borrowed(word), Cow::Owned)
}

/// The other spelling of the ending of a word in lower case, if there is one.
pub(super) fn other_ending(word: &str) -> Option<String> {
    respelled(word, "is", "iz").or_else(|| respelled(word, "iz", "is"))
}

fn respelled(word: &str, from: &str, to: &str) -> Option<String> {
    let (before, behind) = word.rsplit_once(from)?;
    // As in raise and noise, and in otherwise.
    let is_of_the_word = before.ends_with(['a', 'e', 'i', 'o', 'u', 'w']);
    let may_be_both = ENDINGS.contains(&behind) && before.len() >= SHORTEST && !is_of_the_word;
    (may_be_both && !NEVER_IZE.contains(&before)).then(|| format!("{before}{to}{behind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_respelled_where_it_is_spelled_in_two_ways() {
        for (british, american) in [
            ("optimise", "optimize"),
            ("serialised", "serialized"),
            ("organisations", "organizations"),
            ("minimising", "minimizing"),
            ("initialiser", "initializer"),
        ] {
            assert_eq!(with_ize(british), american);
            assert_eq!(with_ize(american), american);
            assert_eq!(other_ending(british).as_deref(), Some(american));
            assert_eq!(other_ending(american).as_deref(), Some(british));
        }
    }

    #[test]
    fn other_words_stay_as_they_are() {
        for word in
            ["rise", "promised", "precise", "exercising", "noise", "likewise", "basis", "list", "is", "größe"]
        {
            assert_eq!(with_ize(word), word);
            assert_eq!(other_ending(word), None);
        }
        assert_eq!(other_ending("size"), None);
    }
}
