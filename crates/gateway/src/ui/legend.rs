//! What the colours of a picture mean.

use maud::{Markup, html};

/// A line for each class of the style sheet, with its colour.
pub(super) fn legend(keys: &[(&str, &str)]) -> Markup {
    html! {
        ul.legend aria-label="Legend" {
            @for (class, words) in keys {
                li { svg.key viewBox="0 0 10 10" aria-hidden="true" focusable="false" { rect class=(class) width="10" height="10" {} } (words) }
            }
        }
    }
}
