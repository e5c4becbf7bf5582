//! What background work asks, built as the house builds it, and whether it can use what it gets.

use super::*;
use domain::{
    knowledge::{Operation, validate},
    purpose::Purpose,
};
use upstream::dialect::{Completion, completion};

fn ask(dialect: Dialect, system: &str, user: &str) -> (String, Purpose) {
    let (system, user) = (system.to_owned(), user.to_owned());
    let call = Completion { model: "m".into(), system, user, max_output: 1000 };
    let provider = provider();
    let mut request = asking(dialect, "good", &Value::Null);
    request.body = completion(dialect, &call);
    let plan = provider.answer(&request, START);
    assert_eq!(plan.status, 200, "{dialect:?}");
    (heard(dialect, &plan).message.unwrap().readable(), provider.received()[0].purpose)
}

#[test]
fn a_distiller_gets_observations_of_its_segment_in_every_dialect() {
    for dialect in DIALECTS {
        let segment = "<segment>\n[user] We run 3 replicas at Hetzner.\n[assistant] fine\n</segment>";
        let (said, purpose) = ask(dialect, "You keep the log.", segment);
        assert_eq!(said, "<observations>\nWe run 3 replicas at Hetzner.\nfine\n</observations>");
        assert_eq!(purpose, Purpose::Distill, "{dialect:?}");
    }
}

#[test]
fn a_curator_gets_operations_that_can_be_applied_in_every_dialect() {
    let system = "Answer with one JSON array of operations and nothing else.";
    let user = "<entries>\n01J [decision, 0.8] We run 3 replicas at Hetzner: three\n</entries>\n\
                <observations>\n[user] We run 3 replicas at Hetzner.\nThe port is 4141.\n</observations>\n";
    for dialect in DIALECTS {
        let (said, purpose) = ask(dialect, system, user);
        let operations: Vec<Operation> = serde_json::from_str(&said).unwrap();
        assert_eq!(validate(&operations, |id| id == "01J"), Ok(()));
        assert!(matches!(&operations[..], [Operation::Update { .. }, Operation::Create { .. }]), "{said}");
        assert_eq!(purpose, Purpose::Curate, "{dialect:?}");
    }
}

#[test]
fn the_quota_probe_of_an_agent_is_not_taken_for_a_warm_up() {
    let provider = provider();
    let probe = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "quota"}]});
    let plan = provider.answer(&asking(Dialect::AnthropicMessages, "good", &probe), START);
    assert_eq!((plan.status, provider.received()[0].purpose), (200, Purpose::Client));
}
