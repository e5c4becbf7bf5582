//! From a request to a plan: the order in which a provider looks at things.

use super::{
    Pace,
    batches::Batches,
    cache::{PromptCache, tokens},
    endpoint::{Endpoint, vendor},
    exchange::{Exchange, Plan, Step},
    fault::{Fault, Script, ended_after, page},
    ids::Ids,
    prompt::Prompt,
    received::Received,
    refusal::Refusal,
    reply::{Reply, Stop, reply},
    shape::{self, Said},
    tokens::Tokens,
};
use bytes::Bytes;
use domain::{
    conversation::Usage,
    provider::{Dialect, Provider as Vendor},
    purpose::Purpose,
};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use upstream::encoding;

/// The largest body that is read, once its encoding is taken off, in bytes.
const LARGEST_BODY: usize = 64 << 20;

/// All that a provider remembers.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tokens: Tokens,
    pub(super) script: Script,
    pub(super) received: Vec<Received>,
    pub(super) keeps_cache: bool,
    pub(super) pace: Pace,
    pub(super) batches: Batches,
    /// Words to say instead of its own, each to the next request of its purpose.
    pub(super) scripted: VecDeque<(Purpose, String)>,
    cache: PromptCache,
    /// What the request that is being answered is charged for.
    charged: Usage,
    pub(super) ids: Ids,
}

/// A request that is being answered.
pub(super) struct Asked<'e> {
    pub(super) exchange: &'e Exchange,
    pub(super) vendor: Vendor,
    pub(super) now: Duration,
    request_id: String,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            tokens: Tokens::default(),
            script: Script::default(),
            received: Vec::new(),
            keeps_cache: true,
            pace: Pace::default(),
            batches: Batches::default(),
            scripted: VecDeque::new(),
            cache: PromptCache::default(),
            charged: Usage::default(),
            ids: Ids::new(seed),
        }
    }

    pub(super) fn answer(&mut self, exchange: &Exchange, now: Duration) -> Plan {
        let asked = Asked { exchange, vendor: vendor(exchange), now, request_id: self.request_id(exchange) };
        let body = plain(exchange).unwrap_or(Value::Null);
        let plan = match Endpoint::of(exchange) {
            Ok(endpoint) => self.meet_faults(&asked, endpoint, &body),
            Err(refusal) => asked.refuse(refusal),
        };
        let purpose = purpose(exchange, &body);
        let (status, usage) = (plan.status, std::mem::take(&mut self.charged));
        self.received.push(Received { at: now, exchange: exchange.clone(), status, usage, purpose });
        plan
    }

    fn request_id(&mut self, exchange: &Exchange) -> String {
        match vendor(exchange) {
            Vendor::Anthropic => self.ids.letters("req_011C", 20),
            Vendor::OpenAi => self.ids.hex("req_", 32),
        }
    }

    fn meet_faults(&mut self, asked: &Asked<'_>, endpoint: Endpoint, body: &Value) -> Plan {
        let fault = match endpoint {
            Endpoint::Batch(step) => self.batches.fault(step),
            _ => None,
        };
        match fault.or_else(|| self.script.take(asked.now)) {
            Some(Fault::Refused(refusal)) => asked.refuse(refusal),
            Some(Fault::RateLimited { retry_after }) => asked.slow_down(retry_after),
            Some(Fault::Overloaded) => asked.refuse(Refusal::Overloaded),
            Some(Fault::Error(status)) => Plan { status, ..asked.refuse(Refusal::Internal) },
            Some(Fault::HtmlError(status)) => page(status),
            Some(Fault::CutAfter(limit)) => {
                ended_after(self.admit(asked, endpoint, body, None), limit, Step::Cut)
            }
            Some(Fault::StallAfter(limit)) => {
                ended_after(self.admit(asked, endpoint, body, None), limit, Step::Stall)
            }
            content => self.admit(asked, endpoint, body, content),
        }
    }

    /// Whoever has a good token is answered. What is left of a fault concerns the content.
    fn admit(&mut self, asked: &Asked<'_>, endpoint: Endpoint, body: &Value, fault: Option<Fault>) -> Plan {
        let admitted = self.tokens.check(asked.exchange.token(), asked.now).and_then(|owner| {
            asked.check_companions()?;
            Ok(owner)
        });
        let owner = match admitted {
            Ok(owner) => owner,
            Err(refusal) => return asked.refuse(refusal),
        };
        match endpoint {
            Endpoint::Models => asked.whole(200, &shape::models(asked.vendor)),
            Endpoint::CountTokens => asked.count(body),
            Endpoint::Batch(step) => self.batch(asked, step, &owner, body),
            Endpoint::Turn(dialect) => match shape::read(dialect, body) {
                Some(prompt) => self.turn(asked, dialect, &owner, &prompt, fault),
                None => asked.refuse(Refusal::Invalid),
            },
        }
    }

    fn turn(
        &mut self,
        asked: &Asked<'_>,
        dialect: Dialect,
        owner: &str,
        prompt: &Prompt,
        fault: Option<Fault>,
    ) -> Plan {
        let said = self.say(asked, dialect, owner, prompt, fault == Some(Fault::EmptyAnswer));
        let error = match fault {
            Some(Fault::ErrorEventInStream(refusal)) => Some(refusal),
            _ => None,
        };
        match (prompt.stream, error) {
            (true, None) => asked.stream(shape::events(dialect, &said, prompt), self.pace),
            (true, Some(refusal)) => {
                asked.stream(asked.broken_off(dialect, &said, prompt, refusal), self.pace)
            }
            (false, None) => asked.after(self.pace.first, asked.whole(200, &shape::whole(dialect, &said))),
            (false, Some(refusal)) => Plan { status: 200, ..asked.refuse(refusal) },
        }
    }

    pub(super) fn say(
        &mut self,
        asked: &Asked<'_>,
        dialect: Dialect,
        owner: &str,
        prompt: &Prompt,
        empty: bool,
    ) -> Said {
        let (reply, stop) = match self.scripted(prompt.purpose()) {
            Some(words) => (Reply::Text(words), Stop::End),
            None if empty => (Reply::Nothing, Stop::End),
            None => reply(prompt),
        };
        let (id, part, call) = self.name(dialect, &reply);
        let output = match (&reply, stop) {
            // Whoever asks for no more than one token gets, and pays, what he asked for.
            (Reply::Nothing, Stop::Length) => prompt.max_output.unwrap_or_default(),
            _ => reply.tokens(),
        };
        let usage = Usage { output, ..self.read_prompt(dialect, owner, prompt, asked.now) };
        self.charged = usage;
        Said { id, part, call, model: prompt.model.clone(), second: asked.now.as_secs(), reply, stop, usage }
    }

    fn scripted(&mut self, purpose: Purpose) -> Option<String> {
        let place = self.scripted.iter().position(|(wanted, _)| *wanted == purpose)?;
        self.scripted.remove(place).map(|(_, words)| words)
    }

    /// Ids for the answer, its part, and the call in it.
    fn name(&mut self, dialect: Dialect, reply: &Reply) -> (String, String, String) {
        let item = if matches!(reply, Reply::Call { .. }) { "fc_" } else { "msg_" };
        let ids = &mut self.ids;
        match dialect {
            Dialect::AnthropicMessages => {
                (ids.letters("msg_01", 22), ids.letters("toolu_01", 22), String::new())
            }
            Dialect::OpenAiChat => (ids.letters("chatcmpl-", 29), String::new(), ids.letters("call_", 24)),
            Dialect::OpenAiResponses => (ids.hex("resp_", 48), ids.hex(item, 48), ids.letters("call_", 24)),
        }
    }

    fn read_prompt(&mut self, dialect: Dialect, owner: &str, prompt: &Prompt, now: Duration) -> Usage {
        match (self.keeps_cache, dialect) {
            (false, _) => Usage { input: tokens(&prompt.blocks), ..Usage::default() },
            (true, Dialect::AnthropicMessages) => {
                self.cache.by_marks(owner, &prompt.model, &prompt.blocks, now)
            }
            (true, _) => self.cache.by_itself(owner, &prompt.model, &prompt.blocks, now),
        }
    }
}

impl Asked<'_> {
    /// What must stand beside a token at Anthropic: the version, and with an OAuth token the beta that allows it.
    fn check_companions(&self) -> Result<(), Refusal> {
        let has_beta = || self.exchange.header("anthropic-beta").is_some_and(|beta| beta.contains("oauth-"));
        let is_oauth = self.exchange.token().is_some_and(|token| token.starts_with("sk-ant-oat"));
        match self.vendor {
            Vendor::OpenAi => Ok(()),
            Vendor::Anthropic if self.exchange.header("anthropic-version").is_none() => Err(Refusal::Invalid),
            Vendor::Anthropic if is_oauth && !has_beta() => Err(Refusal::Unsupported),
            Vendor::Anthropic => Ok(()),
        }
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> Plan {
        self.whole(refusal.status(self.vendor), &refusal.body(self.vendor, &self.request_id))
    }

    fn slow_down(&self, retry_after: Option<u64>) -> Plan {
        let mut plan = self.refuse(Refusal::RateLimited);
        plan.headers.extend(retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
        plan
    }

    fn count(&self, body: &Value) -> Plan {
        let mut body = body.clone();
        // Counting has no output, so it states no limit for it.
        body["max_tokens"] = json!(0);
        match shape::read(Dialect::AnthropicMessages, &body) {
            Some(prompt) => self.whole(200, &json!({"input_tokens": tokens(&prompt.blocks)})),
            None => self.refuse(Refusal::Invalid),
        }
    }

    pub(super) fn whole(&self, status: u16, body: &Value) -> Plan {
        let body = Bytes::from(body.to_string());
        let mut headers = self.headers("application/json");
        headers.push(("content-length".to_owned(), body.len().to_string()));
        // A HEAD is answered with the head of what a GET would bring.
        let steps = if self.exchange.method == "HEAD" { vec![] } else { vec![Step::Bytes(body)] };
        Plan { status, headers, steps }
    }

    /// One JSON value a line.
    pub(super) fn lines(&self, values: &[Value]) -> Plan {
        let body: String = values.iter().map(|value| format!("{value}\n")).collect();
        let headers = self.headers("application/x-jsonl");
        Plan { status: 200, headers, steps: vec![Step::Bytes(Bytes::from(body))] }
    }

    fn stream(&self, events: Vec<String>, pace: Pace) -> Plan {
        let mut steps = vec![Step::Wait(pace.first)];
        for event in events {
            steps.push(Step::Bytes(Bytes::from(event)));
            steps.push(Step::Wait(pace.between));
        }
        steps.retain(|step| *step != Step::Wait(Duration::ZERO));
        Plan { status: 200, headers: self.headers("text/event-stream; charset=utf-8"), steps }
    }

    /// Half of the answer is out when it happens.
    fn broken_off(&self, dialect: Dialect, said: &Said, prompt: &Prompt, refusal: Refusal) -> Vec<String> {
        let mut events = shape::events(dialect, said, prompt);
        events.truncate(events.len() / 2);
        let error = refusal.error(self.vendor);
        events.push(shape::error_event(dialect, &error, said, events.len()));
        events
    }

    fn after(&self, wait: Duration, mut plan: Plan) -> Plan {
        if !wait.is_zero() {
            plan.steps.insert(0, Step::Wait(wait));
        }
        plan
    }

    fn headers(&self, content_type: &str) -> Vec<(String, String)> {
        let id = match self.vendor {
            Vendor::Anthropic => "request-id",
            Vendor::OpenAi => "x-request-id",
        };
        let headers = [("content-type", content_type), (id, self.request_id.as_str())];
        headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

/// The body as JSON, its encoding taken off; none when it is not JSON.
fn plain(exchange: &Exchange) -> Option<Value> {
    let body = encoding::decoded(exchange.header("content-encoding"), &exchange.body, LARGEST_BODY).ok()?;
    serde_json::from_slice(&body).ok().filter(Value::is_object)
}

fn purpose(exchange: &Exchange, body: &Value) -> Purpose {
    let prompt = match Endpoint::of(exchange) {
        Ok(Endpoint::Batch(_)) => return Purpose::Batch,
        Ok(Endpoint::Turn(dialect)) => shape::read(dialect, body),
        _ => None,
    };
    prompt.map_or(Purpose::Client, |prompt| prompt.purpose())
}
