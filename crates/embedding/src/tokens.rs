//! What a tokenizer's file says: of which kind it is, and which tokens stand before and behind a text.

use serde::Deserialize;
use std::collections::HashMap;

/// The only kind of tokenizer that is understood.
const KNOWN: &str = "WordPiece";

/// What the tokenizer (rten-text 0.27) sets before and behind a text, whatever its file says.
const USUAL: [&str; 2] = ["[CLS]", "[SEP]"];

/// The numbers of the tokens that mark where a text begins and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) begin: i32,
    pub(crate) end: i32,
}

#[derive(Deserialize)]
struct TokenizerFile {
    model: TokenizerModel,
    post_processor: Option<Marking>,
}

#[derive(Deserialize)]
struct TokenizerModel {
    #[serde(rename = "type", default)]
    kind: String,
}

/// Who sets the marks.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Marking {
    BertProcessing(Pair),
    RobertaProcessing(Pair),
    TemplateProcessing(Template),
    #[serde(other)]
    Other,
}

/// The names and numbers of both.
#[derive(Deserialize)]
struct Pair {
    cls: (String, i32),
    sep: (String, i32),
}

#[derive(Deserialize)]
struct Template {
    /// Around one text.
    single: Vec<Piece>,
    special_tokens: HashMap<String, Special>,
}

#[derive(Deserialize)]
enum Piece {
    SpecialToken { id: String },
    Sequence {},
}

#[derive(Deserialize)]
struct Special {
    ids: Vec<i32>,
}

/// The marks that a tokenizer's file names, unless they are `[CLS]` and `[SEP]` anyway.
///
/// # Errors
/// What about it is not understood.
pub(crate) fn marks(file: &str) -> Result<Option<Marks>, String> {
    let file: TokenizerFile =
        serde_json::from_str(file).map_err(|error| format!("it is no tokenizer: {error}"))?;
    let kind = file.model.kind;
    if kind != KNOWN {
        return Err(format!(
            "its kind is {kind:?}, and only {KNOWN:?} is understood (models of BERT's family)"
        ));
    }
    let named = match file.post_processor {
        None => return Ok(None),
        Some(Marking::BertProcessing(pair) | Marking::RobertaProcessing(pair)) => [pair.cls, pair.sep],
        Some(Marking::TemplateProcessing(template)) => template.marks()?,
        Some(Marking::Other) => {
            return Err("it sets marks around a text in a way that is not understood".to_owned());
        }
    };
    let is_usual = named.iter().zip(USUAL).all(|((name, _), usual)| name == usual);
    let [(_, begin), (_, end)] = named;
    Ok((!is_usual).then_some(Marks { begin, end }))
}

impl Template {
    /// The names and numbers of both.
    fn marks(self) -> Result<[(String, i32); 2], String> {
        let numbered = |name: &String| {
            let number = self.special_tokens.get(name)?.ids.first().copied()?;
            Some((name.clone(), number))
        };
        let marks = match &self.single[..] {
            [Piece::SpecialToken { id: begin }, Piece::Sequence {}, Piece::SpecialToken { id: end }] => {
                numbered(begin).zip(numbered(end)).map(|(begin, end)| [begin, end])
            }
            _ => None,
        };
        marks.ok_or_else(|| "it does not set one mark before a text and one behind it".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks_of(post_processor: &str) -> Result<Option<Marks>, String> {
        marks(&format!(
            r#"{{"model": {{"type": "WordPiece", "vocab": {{}}}}, "post_processor": {post_processor}}}"#
        ))
    }

    #[test]
    fn the_marks_are_those_that_the_file_names() {
        let roberta =
            r#"{"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": true}"#;
        assert_eq!(marks_of(roberta), Ok(Some(Marks { begin: 0, end: 2 })));
        let template = r#"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}], "pair": [],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]},
            "[SEP]": {"id": "[SEP]", "ids": [102], "tokens": ["[SEP]"]}}}"#;
        assert_eq!(marks_of(template), Ok(None), "these are set anyway");
        let other = template.replace("[CLS]", "<s>");
        assert_eq!(marks_of(&other), Ok(Some(Marks { begin: 101, end: 102 })));
        assert_eq!(marks_of("null"), Ok(None));
    }

    #[test]
    fn other_marks_than_one_before_and_one_behind_are_refused() {
        let only_behind = r#"{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "x", "type_id": 0}}], "special_tokens": {"x": {"ids": [1]}}}"#;
        let without_number = r#"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "x", "type_id": 0}}], "special_tokens": {}}"#;
        for odd in [only_behind, without_number, r#"{"type": "ByteLevel"}"#] {
            assert!(marks_of(odd).is_err(), "{odd}");
        }
    }
}
