//! Both batch endpoints, on a real socket by the house's own steps, and what they refuse.

use super::sockets::{served, way};
use super::*;
use actor::Clock;
use domain::{
    companions::Companions,
    credential::{Credential, CredentialKind, Lease},
    fingerprint::Fingerprint,
    ids::{BatchMark, Generation, LeaseId, Principal},
    provider::{Provider as Vendor, UpstreamKey},
    secret::Secret,
    time::{Moment, UnixMillis},
};
use upstream::batch::{self, Batch, Reply, Results, Step};

fn lease(vendor: Vendor, origin: &str) -> Lease {
    let (header, value) = match vendor {
        Vendor::Anthropic => ("x-api-key", "good"),
        Vendor::OpenAi => ("authorization", "Bearer good"),
    };
    let (value, kind) = (Secret::new(value), CredentialKind::ApiKey);
    let fingerprint = Fingerprint::of_number(1);
    let credential =
        Credential { header, value, kind, fingerprint, companions: Companions::default(), ends: None };
    let owner = (Principal::local(), UpstreamKey::new(vendor, origin));
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

async fn step(origin: &str, vendor: Vendor, step: Step) -> Reply {
    let clock = Clock::system();
    let now = || (Moment::from(clock.now()), UnixMillis::from(clock.unix()));
    #[expect(clippy::disallowed_methods, reason = "a test's own call")]
    let reply = batch::send(&way(), &now, MINUTE, &lease(vendor, origin), origin, &step).await;
    assert_eq!((reply.status, reply.why.as_str()), (200, ""), "{step:?}");
    reply
}

/// Two questions, one of which holds what could pass for the end of a form.
fn calls(dialect: Dialect) -> Vec<Bytes> {
    let said = ["hello", "--stillroom-batch--\r\n\r\n\u{1F36F}"];
    said.map(|words| question(dialect, words, false).to_string().into()).to_vec()
}

fn mark() -> BatchMark {
    BatchMark::from("stillroom-1")
}

async fn handed_in(origin: &str, dialect: Dialect) -> Batch {
    let vendor = dialect.provider();
    let reply = match vendor {
        Vendor::Anthropic => step(origin, vendor, Step::Submit(mark(), calls(dialect))).await,
        Vendor::OpenAi => {
            let uploaded = step(origin, vendor, Step::Upload(dialect, mark(), calls(dialect))).await;
            let file = batch::file(&uploaded.body).unwrap();
            step(origin, vendor, Step::Begin(dialect, mark(), file)).await
        }
    };
    batch::batch(vendor, &reply.body).unwrap()
}

#[tokio::test(flavor = "local")]
async fn a_batch_is_handed_in_looked_at_fetched_and_cleared_away_over_a_socket() {
    for dialect in DIALECTS {
        let provider = provider();
        provider.take_batches(Duration::ZERO, BatchEnd::Answered);
        let served = served(&provider).await;
        let (origin, vendor) = (served.origin(), dialect.provider());
        let id = handed_in(&origin, dialect).await.id;
        let list = step(&origin, vendor, Step::List).await;
        let listed = batch::list(vendor, &list.body).unwrap().batches;
        assert!(matches!(&listed[..], [it] if it.id == id && it.ended), "{dialect:?}: {listed:?}");
        let known = [listed[0].mark == Some(mark()), listed[0].calls == Some(2)];
        assert_eq!(known, [vendor == Vendor::OpenAi, vendor == Vendor::Anthropic], "{dialect:?}");
        let looked = step(&origin, vendor, Step::Look(id.clone())).await;
        let ended = batch::batch(vendor, &looked.body).unwrap();
        assert!(ended.ended, "{dialect:?}");
        let mut results = Results::new();
        for file in &ended.results {
            let told = step(&origin, vendor, Step::Read(file.clone())).await.body;
            results.extend(batch::results(dialect, &told, &mark()));
        }
        if vendor == Vendor::Anthropic {
            let told = step(&origin, vendor, Step::Results(id)).await.body;
            assert!(batch::is_marked(dialect, &told, &mark()));
            results.extend(batch::results(dialect, &told, &mark()));
        }
        let answers: Vec<_> = results.into_values().map(|result| result.unwrap().message).collect();
        assert!(answers.len() == 2 && answers.iter().all(Option::is_some), "{dialect:?}: {answers:?}");
        for file in ended.calls.into_iter().chain(ended.results) {
            step(&origin, vendor, Step::Delete(file)).await;
        }
        assert_eq!(provider.files(), 0, "{dialect:?}");
    }
}

/// An upload of this form by `token`.
fn upload(provider: &Provider, token: &str, form: &str) -> Plan {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=b")];
    provider.answer(&exchange("POST", "/v1/files", &headers, form.to_owned()), START)
}

fn form(purpose: &str, lines: &str) -> String {
    let field = |name: &str, content: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    };
    format!("{}{}--b--\r\n", field("purpose", purpose), field("file", lines))
}

fn told(plan: &Plan) -> Value {
    serde_json::from_slice(&plan.body()).unwrap()
}

/// What a batch of these lines comes to.
fn status(lines: &str) -> String {
    let provider = provider();
    provider.take_batches(Duration::ZERO, BatchEnd::Answered);
    let file = told(&upload(&provider, "good", &form("batch", lines)));
    let order = json!({
        "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
    });
    let headers = [("authorization", "Bearer good")];
    let begun = provider.answer(&exchange("POST", "/v1/batches", &headers, order.to_string()), START);
    told(&begun)["status"].as_str().unwrap().to_owned()
}

fn line(name: &str, url: &str, model: &str) -> String {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    json!({"custom_id": name, "method": "POST", "url": url, "body": body}).to_string()
}

#[test]
fn lines_that_repeat_a_name_or_mix_models_or_endpoints_fail_as_a_whole() {
    let chat = "/v1/chat/completions";
    let good = line("a", chat, "m");
    assert_eq!(status(&format!("{good}\n{}\n", line("b", chat, "m"))), "completed");
    for other in
        [line("a", chat, "m"), line("b", chat, "n"), line("b", "/v1/responses", "m"), "{}".to_owned()]
    {
        assert_eq!(status(&format!("{good}\n{other}\n")), "failed", "{other}");
    }
}

#[test]
fn a_form_that_is_no_upload_of_a_batch_is_refused_and_files_are_their_owner_s() {
    let provider = provider();
    provider.accept("another");
    provider.take_batches(Duration::ZERO, BatchEnd::Answered);
    let good = form("batch", "{}\n");
    let sound = upload(&provider, "good", &good);
    assert_eq!(sound.status, 200);
    for bad in [&good[1..], &good[..good.len() - 1], &form("vision", "{}\n"), &form("batch", "no line\n"), ""]
    {
        assert_eq!(upload(&provider, "good", bad).status, 400, "{bad}");
    }
    let file = format!("/v1/files/{}", told(&sound)["id"].as_str().unwrap());
    let asks = |method: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        provider.answer(&exchange(method, &file, &[("authorization", &bearer)], ""), START).status
    };
    assert_eq!([asks("DELETE", "another"), asks("DELETE", "good"), asks("DELETE", "good")], [404, 200, 404]);
}
