//! What a tokenizer's file says: of which kind it is, and which tokens stand before and behind a text.

use serde::Deserialize;
use std::collections::HashMap;

/// The only kind of tokenizer that is understood.
const KNOWN: &str = "WordPiece";

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

/// The marks that a tokenizer's file names; none if it names none, so that they are `[CLS]` and `[SEP]`.
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
    match file.post_processor {
        None => Ok(None),
        Some(Marking::BertProcessing(pair) | Marking::RobertaProcessing(pair)) => {
            Ok(Some(Marks { begin: pair.cls.1, end: pair.sep.1 }))
        }
        Some(Marking::TemplateProcessing(template)) => template.marks().map(Some),
        Some(Marking::Other) => Err("it sets marks around a text in a way that is not understood".to_owned()),
    }
}

impl Template {
    fn marks(&self) -> Result<Marks, String> {
        let number = |name| self.special_tokens.get(name).and_then(|special| special.ids.first().copied());
        let marks = match &self.single[..] {
            [Piece::SpecialToken { id: begin }, Piece::Sequence {}, Piece::SpecialToken { id: end }] => {
                number(begin).zip(number(end))
            }
            _ => None,
        };
        let reason = "it does not set one mark before a text and one behind it";
        marks.map(|(begin, end)| Marks { begin, end }).ok_or_else(|| reason.to_owned())
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
        assert_eq!(marks_of(template), Ok(Some(Marks { begin: 101, end: 102 })));
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
