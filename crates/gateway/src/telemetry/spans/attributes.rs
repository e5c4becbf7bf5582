//! What a span says, in the words of OpenTelemetry's conventions for generative AI
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/>). Never a prompt, an answer, a credential.

use actor::Row;
use domain::conversation::Usage;
use domain::evidence::Class;
use opentelemetry::KeyValue;
use opentelemetry::trace::Status;
use workers::Called;

/// What is known of a call.
pub(super) fn of_call(call: &Called<'_>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", "chat"),
        KeyValue::new("gen_ai.provider.name", call.upstream.provider().as_str()),
        KeyValue::new("stillroom.purpose", call.purpose.as_str()),
        KeyValue::new("stillroom.attempts", i64::from(call.attempts)),
    ];
    let model = Some(call.model).filter(|model| !model.is_empty());
    attributes.extend(model.map(|model| KeyValue::new("gen_ai.request.model", model.to_owned())));
    attributes
        .extend(call.session.map(|session| KeyValue::new("gen_ai.conversation.id", session.to_owned())));
    attributes.extend(server(call.upstream.origin()));
    attributes.extend(
        (call.status != 0).then(|| KeyValue::new("http.response.status_code", i64::from(call.status))),
    );
    attributes.extend(error(call).map(|kind| KeyValue::new("error.type", kind)));
    attributes.extend(call.usage.into_iter().flat_map(usage));
    attributes
}

/// All input counts as input, cached or not, as the conventions want it.
fn usage(usage: Usage) -> [KeyValue; 4] {
    let count =
        |name: &'static str, tokens: u64| KeyValue::new(name, i64::try_from(tokens).unwrap_or(i64::MAX));
    [
        count("gen_ai.usage.input_tokens", usage.prompt()),
        count("gen_ai.usage.output_tokens", usage.output),
        count("gen_ai.usage.cache_read.input_tokens", usage.cache_read),
        count(
            "gen_ai.usage.cache_creation.input_tokens",
            usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        ),
    ]
}

/// Host and port of `scheme://host:port`.
fn server(origin: &str) -> Vec<KeyValue> {
    let (scheme, authority) = origin.split_once("://").unwrap_or(("https", origin));
    let usual = if scheme == "http" { 80 } else { 443 };
    let split = authority.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = split.unwrap_or((authority, usual));
    vec![
        KeyValue::new("server.address", host.trim_matches(['[', ']']).to_owned()),
        KeyValue::new("server.port", i64::from(port)),
    ]
}

fn error(call: &Called<'_>) -> Option<String> {
    match (call.class, call.status) {
        (Class::Ok, _) => None,
        (_, 0) => Some("no_answer".to_owned()),
        // An error within an answer that began well.
        (_, status) if status < 400 => Some("error_in_answer".to_owned()),
        (_, status) => Some(status.to_string()),
    }
}

/// Why it failed, in a word of ours: a provider's own words may quote the request.
pub(super) fn status(call: &Called<'_>) -> Status {
    match call.class {
        Class::Ok => Status::Unset,
        Class::CredentialRejected | Class::WeakAuth => Status::error("the credential was refused"),
        Class::Forbidden => Status::error("the credential may not do this"),
        Class::AccountBlocked => Status::error("the account is blocked"),
        Class::Throttled { .. } => Status::error("the provider asks for a pause"),
        Class::UpstreamFault => Status::error("the provider or the way to it is broken"),
        Class::RequestRefused => Status::error("the request was refused"),
    }
}

/// What is known of an actor message; not its text, which only stays here.
pub(super) fn of_row(row: &Row) -> Vec<KeyValue> {
    let number =
        |name: &'static str, value: u64| KeyValue::new(name, i64::try_from(value).unwrap_or(i64::MAX));
    let mut attributes = vec![
        KeyValue::new("stillroom.from", row.from),
        number("stillroom.mail", row.mail),
        number("stillroom.incarnation", row.incarnation),
        number("stillroom.queue_wait_us", row.queue_wait_us),
        number("stillroom.effects", row.effects as u64),
    ];
    attributes.extend(row.session.clone().map(|session| KeyValue::new("gen_ai.conversation.id", session)));
    attributes
}
