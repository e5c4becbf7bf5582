//! Dialogues with questions, in LoCoMo's public form (Maharana and others, 2024): a list of samples, each with a `conversation`
//! of numbered sessions and questions (`qa`) that name the turns in which their answer lies. Other data sets have been put into this
//! form, with categories, dates and names of turns of their own.

use domain::time::UnixMillis;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// How dates are told beside ISO 8601: LoCoMo's "1:56 pm on 8 May, 2023", and LongMemEval's "2023/05/20 (Sat) 02:21".
const DATES: [&str; 2] = ["%I:%M %p on %d %B, %Y", "%Y/%m/%d (%a) %H:%M"];

/// One dialogue.
#[derive(Debug)]
pub(crate) struct Dialogue {
    /// Its name.
    pub(crate) name: String,
    /// In the order of time.
    pub(crate) sessions: Vec<Session>,
    /// Those with evidence in the dialogue.
    pub(crate) questions: Vec<Question>,
}

/// A conversation at one time.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) at: UnixMillis,
    pub(crate) turns: Vec<Turn>,
}

/// What one of the two said.
#[derive(Debug, Deserialize)]
pub(crate) struct Turn {
    pub(crate) speaker: String,
    pub(crate) dia_id: String,
    #[serde(default)]
    text: String,
    /// What the picture shows that was sent along.
    blip_caption: Option<String>,
}

/// A question.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) text: String,
    /// A number in LoCoMo.
    pub(crate) category: String,
    /// The turns that answer it.
    pub(crate) evidence: Vec<String>,
}

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    sample_id: Value,
    conversation: Map<String, Value>,
    qa: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    evidence: Value,
    #[serde(default)]
    category: Value,
}

impl Turn {
    /// The words as a transcript has them.
    pub(crate) fn said(&self) -> String {
        let picture = self.blip_caption.as_ref().map(|caption| format!(" [picture: {caption}]"));
        format!("{}: {}{}", self.speaker, self.text, picture.unwrap_or_default())
    }
}

/// Reads a file's text.
///
/// # Errors
/// What is wrong with it, for a person.
pub(crate) fn read(text: &str) -> Result<Vec<Dialogue>, String> {
    let samples: Vec<Sample> = serde_json::from_str(text)
        .map_err(|error| format!("this is not a list of dialogues in LoCoMo's form: {error}"))?;
    let dialogues = samples.into_iter().enumerate().map(|(number, sample)| dialogue(number, sample));
    let dialogues = dialogues.collect::<Result<Vec<_>, _>>()?;
    if dialogues.iter().all(|dialogue| dialogue.questions.is_empty()) {
        return Err("no question names a turn as its evidence: a `qa` has the `dia_id` of such turns in its `evidence`".to_owned());
    }
    Ok(dialogues)
}

fn dialogue(number: usize, sample: Sample) -> Result<Dialogue, String> {
    let id = sample.sample_id.as_str().unwrap_or("dialogue");
    let name = format!("{id}-{number}");
    let sessions = sessions(sample.conversation).map_err(|error| format!("{name}: {error}"))?;
    let turns: HashSet<&str> = sessions.iter().flat_map(turn_names).collect();
    let questions = sample.qa.into_iter().map(|asked| Question {
        evidence: evidence(&asked.evidence, &turns),
        text: asked.question,
        category: asked.category.as_str().map_or_else(|| asked.category.to_string(), str::to_owned),
    });
    let questions = questions.filter(|question| !question.evidence.is_empty()).collect();
    Ok(Dialogue { name, questions, sessions })
}

fn turn_names(session: &Session) -> impl Iterator<Item = &str> {
    session.turns.iter().map(|turn| turn.dia_id.as_str())
}

fn sessions(mut conversation: Map<String, Value>) -> Result<Vec<Session>, String> {
    let mut numbered = BTreeMap::new();
    for key in conversation.keys().cloned().collect::<Vec<_>>() {
        let number = key.strip_prefix("session_").and_then(|number| number.parse::<u32>().ok());
        let turns = number.and_then(|_| conversation.remove(&key));
        let Some((number, turns)) = number.zip(turns) else { continue };
        let turns = serde_json::from_value(turns).map_err(|error| format!("{key}: {error}"))?;
        let told = conversation.get(&format!("{key}_date_time")).and_then(Value::as_str);
        numbered.insert(number, Session { at: told.map_or(UnixMillis(0), date), turns });
    }
    Ok(numbered.into_values().collect())
}

/// The year 1970 for what is told in no form that is known.
fn date(told: &str) -> UnixMillis {
    let in_words = DATES.iter().find_map(|form| DateTime::strptime(form, told).ok());
    let date = in_words.or_else(|| told.parse().ok()).and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    let moment = date.map(|date| date.timestamp()).or_else(|| told.parse::<Timestamp>().ok());
    UnixMillis(moment.map_or(0, Timestamp::as_millisecond))
}

/// Those `turns` that are named, one by one or as in some of LoCoMo's lists: several in one text, with zeros too many.
fn evidence(told: &Value, turns: &HashSet<&str>) -> Vec<String> {
    let texts =
        told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice).iter().filter_map(Value::as_str);
    let names = texts.flat_map(|text| match turns.get(text) {
        Some(name) => vec![(*name).to_owned()],
        None => text.split([' ', ';', ',', '(', ')']).filter_map(turn_name).collect(),
    });
    let mut names: Vec<String> = names.filter(|name| turns.contains(name.as_str())).collect();
    names.sort();
    names.dedup();
    names
}

fn turn_name(text: &str) -> Option<String> {
    let (session, turn) = text.strip_prefix('D')?.split_once(':')?;
    Some(format!("D{}:{}", session.parse::<u32>().ok()?, turn.parse::<u32>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dialogues_are_read_with_their_sessions_in_order_and_the_evidence_that_exists() {
        let turn =
            |id: &str| json!({"speaker": "Ann", "dia_id": id, "text": "Hm.", "blip_caption": "a mill"});
        let sample = json!([{"sample_id": "one", "conversation": {
            "speaker_a": "Ann", "session_10": [turn("D10:1")], "session_2": [turn("D2:1"), turn("D2:2")],
            "session_2_date_time": "1:56 pm on 8 May, 2023", "session_10_date_time": "2023-06-01T10:00:00"},
            "qa": [{"question": "Which?", "evidence": ["D2:1; D2:02", "D9:9"], "category": 1},
                {"question": "None?", "evidence": [], "category": 2}]}]);
        let dialogues = read(&sample.to_string()).unwrap();
        let [dialogue] = &dialogues[..] else { panic!("{dialogues:?}") };
        let times: Vec<i64> = dialogue.sessions.iter().map(|session| session.at.0).collect();
        assert_eq!(times, [1_683_554_160_000, 1_685_613_600_000]);
        assert_eq!(dialogue.sessions[0].turns[0].said(), "Ann: Hm. [picture: a mill]");
        assert_eq!(dialogue.questions.len(), 1);
        assert_eq!(dialogue.questions[0].evidence, ["D2:1", "D2:2"]);
    }

    #[test]
    fn a_data_set_may_have_categories_dates_and_names_of_turns_of_its_own() {
        let turn = |id: &str| json!({"speaker": "user", "dia_id": id, "text": "Hm."});
        let sample = json!([{"sample_id": "one", "conversation": {
            "session_1": [turn("answer_4be1b6b4_1 (2)")], "session_1_date_time": "2023/05/20 (Sat) 02:21",
            "session_2": [turn("x")], "session_2_date_time": "2023-06-01T10:00:00Z"},
            "qa": [{"question": "Which?", "evidence": "answer_4be1b6b4_1 (2)", "category": "multi-session"}]}]);
        let [dialogue] = &read(&sample.to_string()).unwrap()[..] else { panic!("one") };
        let times: Vec<i64> = dialogue.sessions.iter().map(|session| session.at.0).collect();
        assert_eq!(times, [1_684_549_260_000, 1_685_613_600_000]);
        let [question] = &dialogue.questions[..] else { panic!("{:?}", dialogue.questions) };
        assert_eq!(question.evidence, ["answer_4be1b6b4_1 (2)"]);
        assert_eq!(question.category, "multi-session");
    }

    #[test]
    fn what_is_no_data_set_is_told() {
        assert!(read("{}").unwrap_err().contains("LoCoMo"));
        let broken = r#"[{"conversation": {"session_1": [{"speaker": 1}]}, "qa": []}]"#;
        assert!(read(broken).unwrap_err().starts_with("dialogue-0: session_1: "));
        let without_evidence =
            r#"[{"conversation": {}, "qa": [{"question": "Which?", "evidence": ["D1:1"]}]}]"#;
        assert!(read(without_evidence).unwrap_err().starts_with("no question names a turn"));
    }
}
