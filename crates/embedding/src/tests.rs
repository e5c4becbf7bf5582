//! The whole way from a folder to a vector, with a model of a few words (`testdata/make.py`).

use crate::{Model, Side, UnusableFolder};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn bakery() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/bakery")
}

/// A folder with the same files, to be spoilt.
fn copy() -> TempDir {
    let folder = TempDir::new().unwrap();
    for file in ["model.onnx", "tokenizer.json"] {
        fs::copy(bakery().join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn likeness(model: &Model, one: &str, other: &str) -> f64 {
    let embed = |text| model.embed(text, Side::Passage).unwrap();
    embed(one).likeness(embed(other).as_bytes())
}

#[test]
fn texts_that_mean_alike_have_vectors_that_point_the_same_way() {
    let model = Model::open(&bakery()).unwrap();
    assert!(likeness(&model, "The loaf", "Bread!") > 0.8);
    assert!(likeness(&model, "The loaf", "the engine") < 0.2);
}

#[test]
fn a_text_of_one_word_that_is_cut_into_pieces_has_a_vector() {
    let folder = copy();
    let file = folder.path().join("tokenizer.json");
    let tokenizer = fs::read_to_string(&file).unwrap();
    let with_pieces = tokenizer.replace("\"bread\": 5,", "\"bread\": 5, \"##a\": 6,");
    assert_ne!(with_pieces, tokenizer);
    fs::write(file, with_pieces).unwrap();
    let model = Model::open(folder.path()).unwrap();
    for pieces in [3, 95, 96] {
        let word = format!("bread{}", "a".repeat(pieces));
        let likeness = model
            .embed(&word, Side::Query)
            .map(|vector| vector.likeness(model.embed("loaf", Side::Passage).unwrap().as_bytes()));
        assert_eq!(likeness.is_ok_and(|likeness| likeness > 0.8), pieces < 96, "{word}");
    }
}

#[test]
fn a_model_in_the_folder_onnx_is_found_and_is_the_same_model() {
    let folder = copy();
    let name = Model::open(folder.path()).unwrap().name();
    fs::create_dir(folder.path().join("onnx")).unwrap();
    fs::rename(folder.path().join("model.onnx"), folder.path().join("onnx/model.onnx")).unwrap();
    assert_eq!(Model::open(folder.path()).unwrap().name(), name);
    assert_eq!(Model::open(&bakery()).unwrap().name(), name, "wherever it lies");
}

#[test]
fn whatever_changes_a_vector_changes_the_models_name() {
    let folder = copy();
    let mut names = vec![Model::open(folder.path()).unwrap().name()];
    let pooling = folder.path().join("1_Pooling/config.json");
    fs::create_dir(pooling.parent().unwrap()).unwrap();
    let changes = [
        (pooling, r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#),
        (folder.path().join("sentence_bert_config.json"), r#"{"max_seq_length": 16}"#),
        (folder.path().join("config_sentence_transformers.json"), r#"{"prompts": {"query": "what is "}}"#),
    ];
    for (file, text) in changes {
        fs::write(file, text).unwrap();
        names.push(Model::open(folder.path()).unwrap().name());
        assert!(!names[..names.len() - 1].contains(names.last().unwrap()), "{text}");
    }
}

#[test]
fn a_long_text_is_read_as_far_as_the_model_reads() {
    let folder = copy();
    fs::write(folder.path().join("sentence_bert_config.json"), r#"{"max_seq_length": 5}"#).unwrap();
    let model = Model::open(folder.path()).unwrap();
    assert!(likeness(&model, "bread bread bread car car car", "bread") > 0.99);
    assert!(likeness(&model, "bread car car", "bread") < 0.99);
}

#[test]
fn a_model_that_wants_to_be_told_which_side_a_text_is_on_is_told() {
    let folder = copy();
    let prompts = r#"{"prompts": {"query": "rain ", "document": "car "}}"#;
    fs::write(folder.path().join("config_sentence_transformers.json"), prompts).unwrap();
    let model = Model::open(folder.path()).unwrap();
    let [query, passage] = [Side::Query, Side::Passage].map(|side| model.embed("today", side).unwrap());
    let bakery = Model::open(&bakery()).unwrap();
    assert_eq!(query, bakery.embed("rain today", Side::Query).unwrap());
    assert_eq!(passage, bakery.embed("car today", Side::Passage).unwrap());
}

#[test]
fn the_first_token_can_stand_for_the_text() {
    let folder = copy();
    fs::create_dir(folder.path().join("1_Pooling")).unwrap();
    fs::write(folder.path().join("1_Pooling/config.json"), r#"{"pooling_mode_cls_token": true}"#).unwrap();
    let model = Model::open(folder.path()).unwrap();
    // The first is the mark of the beginning, which has no direction in this model.
    assert_eq!(likeness(&model, "bread", "bread"), 0.0);
}

#[test]
fn the_marks_around_a_text_are_those_that_its_tokenizer_names() {
    let folder = copy();
    fs::create_dir(folder.path().join("1_Pooling")).unwrap();
    fs::write(folder.path().join("1_Pooling/config.json"), r#"{"pooling_mode_cls_token": true}"#).unwrap();
    let file = folder.path().join("tokenizer.json");
    let marked =
        r#"{ "post_processor": {"type": "RobertaProcessing", "cls": ["bread", 5], "sep": ["car", 10]},"#;
    fs::write(&file, fs::read_to_string(&file).unwrap().replacen('{', marked, 1)).unwrap();
    let embed = |folder: &Path, text| Model::open(folder).unwrap().embed(text, Side::Passage).unwrap();
    let [first, bread] = [embed(folder.path(), "rain"), embed(&bakery(), "bread")];
    assert!(first.likeness(bread.as_bytes()) > 0.99, "the first token is the mark, which is bread here");
    fs::remove_dir_all(folder.path().join("1_Pooling")).unwrap();
    let [mean, said] = [embed(folder.path(), "rain"), embed(&bakery(), "bread rain car")];
    assert!(mean.likeness(said.as_bytes()) > 0.99);
}

#[test]
fn any_text_gets_a_vector() {
    let model = Model::open(&bakery()).unwrap();
    let long = "bread ".repeat(10_000);
    for text in ["", " ", "\0", "🍞", "e\u{301}", "\u{feff}", "日本語", "ﬁ\u{202e}", "unknown words", &long]
    {
        model.embed(text, Side::Query).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
}

#[test]
fn what_is_wrong_with_a_folder_is_said() {
    let wrong = |spoil: &dyn Fn(&Path)| {
        let folder = copy();
        spoil(folder.path());
        let error = Model::open(folder.path()).unwrap_err();
        error.to_string().replace(&folder.path().display().to_string(), "FOLDER")
    };
    let write = |name: &'static str, text: &'static str| {
        move |folder: &Path| {
            fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            fs::write(folder.join(name), text).unwrap();
        }
    };
    let said = [
        wrong(&|folder| fs::remove_dir_all(folder).unwrap()),
        wrong(&|folder| fs::remove_file(folder.join("model.onnx")).unwrap()),
        wrong(&|folder| fs::remove_file(folder.join("tokenizer.json")).unwrap()),
        wrong(&write("model.onnx", "version https://git-lfs.github.com/spec/v1")),
        wrong(&write("tokenizer.json", "<html>")),
        wrong(&write("tokenizer.json", r#"{"model": {"type": "Unigram"}}"#)),
        wrong(&write("tokenizer.json", r#"{"model": {"type": "WordPiece", "vocab": {"a": 0}}}"#)),
        wrong(&write("1_Pooling/config.json", r#"{"pooling_mode_mean_tokens": false}"#)),
        wrong(&write("sentence_bert_config.json", "{")),
    ];
    insta::assert_snapshot!(said.join("\n"));
    assert!(matches!(Model::open(Path::new("/nowhere")), Err(UnusableFolder::Missing(_))));
}
