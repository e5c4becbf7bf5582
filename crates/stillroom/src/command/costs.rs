//! `stillroom costs`: what background work cost, and what warming earned.

use super::invocation::{Invocation, wait_for};
use super::look::entries;
use crate::cli::Json;
use crate::failure::Failure;
use crate::output::{head, say};
use crate::table::{self, Column};
use serde_json::Value;
use std::process::ExitCode;

/// The lists of the answer, and the title of their keys.
const LISTS: [(&str, &str); 3] = [("days", "DAY"), ("models", "MODEL"), ("sessions", "SESSION")];

/// Tells all costs of the last `days`.
pub(crate) fn perform(invocation: &Invocation<'_>, days: u32, format: Json) -> Result<ExitCode, Failure> {
    wait_for(async {
        let answer = invocation.gateway().await?.fetch(&format!("/api/v1/costs?days={days}")).await?;
        say(&if format.json { answer.text } else { text(&answer.json()?, days) });
        Ok(ExitCode::SUCCESS)
    })
}

fn text(costs: &Value, days: u32) -> String {
    let budget = budget(&costs["budget"]);
    std::iter::once(sums(costs, days)).chain(budget).collect::<Vec<_>>().join("\n\n")
}

/// How the day's budget stands, if there is one.
fn budget(budget: &Value) -> Option<String> {
    let (spent, limit) = (dollars(&budget["spent_usd"]), dollars(budget.get("limit_usd")?));
    let held = budget["held_until"].as_str();
    let held = held.map(|until| format!(" Background work waits until {until}; clients are not touched."));
    Some(format!("Today {spent} of the daily budget of {limit} is spent.{}", held.unwrap_or_default()))
}

fn sums(costs: &Value, days: u32) -> String {
    if costs["total"].is_null() {
        return format!("Background work has cost nothing in the last {days} days.");
    }
    let total = &costs["total"];
    let sum = format!(
        "In the last {days} days warming saved {} and cost {}: {} net. Other background work cost {}.",
        dollars(&total["warm_saved_usd"]),
        dollars(&total["warm_cost_usd"]),
        dollars(&total["warm_net_usd"]),
        dollars(&total["other_usd"]),
    );
    let tables =
        LISTS.map(|(field, title)| format!("{}\n{}", head(field), table(&entries(costs, field), title)));
    std::iter::once(sum).chain(tables).collect::<Vec<_>>().join("\n\n")
}

fn table(rows: &[Value], title: &'static str) -> String {
    let columns: [Column; 7] = [
        (title, "key"),
        ("WARMING NET", "warm_net_usd"),
        ("SAVED", "warm_saved_usd"),
        ("COST", "warm_cost_usd"),
        ("REFRESHES", "refreshes"),
        ("RETURNS", "returns"),
        ("OTHER WORK", "other_usd"),
    ];
    let shown: Vec<Value> = rows.iter().map(shown).collect();
    table::of_rows(&shown, &columns)
}

fn shown(row: &Value) -> Value {
    let mut row = row.clone();
    for field in ["warm_net_usd", "warm_saved_usd", "warm_cost_usd", "other_usd"] {
        row[field] = dollars(&row[field]).into();
    }
    row
}

/// A cent of warming is many warm-ups, so four places.
fn dollars(amount: &Value) -> String {
    let amount = amount.as_f64().unwrap_or_default();
    let sign = if amount < 0.0 { "-" } else { "" };
    format!("{sign}${:.4}", amount.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_warming_earned_is_net_even_where_it_lost() {
        let row = |key: &str, net: f64| {
            json!({"key": key, "other_usd": 1.5, "warm_cost_usd": 0.25, "warm_saved_usd": 0.25 + net, "warm_net_usd": net,
                   "refreshes": 12, "returns": 3, "tokens": 120_000})
        };
        let costs = json!({
            "total": row("", 0.5), "days": [row("2026-12-25", 0.75), row("2026-12-24", -0.25)],
            "models": [row("claude-sonnet-4-5", 0.5)], "sessions": [row("0199f3a2", 0.5), row("", -0.25)],
        });
        insta::assert_snapshot!(text(&costs, 30));
    }

    #[test]
    fn a_budget_says_what_is_spent_of_it_and_what_waits() {
        let text = |budget: Value| text(&json!({"total": null, "budget": budget}), 7);
        let none = "Background work has cost nothing in the last 7 days.";
        assert_eq!(text(Value::Null), none);
        let mut budget = json!({"limit_usd": 3.0, "spent_usd": 1.25, "held_until": null});
        let spent = "Today $1.2500 of the daily budget of $3.0000 is spent.";
        assert_eq!(text(budget.clone()), format!("{none}\n\n{spent}"));
        budget["held_until"] = "2026-12-26T00:00:00.000Z".into();
        let waits = "Background work waits until 2026-12-26T00:00:00.000Z; clients are not touched.";
        assert_eq!(text(budget), format!("{none}\n\n{spent} {waits}"));
    }

    #[test]
    fn no_costs_are_one_sentence() {
        let none = json!({"total": null, "days": [], "models": [], "sessions": []});
        assert_eq!(text(&none, 7), "Background work has cost nothing in the last 7 days.");
    }
}
