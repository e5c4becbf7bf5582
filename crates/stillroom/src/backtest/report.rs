//! What is printed of a back-test.

use super::replay::{CHOOSING, Outcome, Outcomes, POLICIES, Policy};
use crate::output::harmless;
use crate::table::align;
use serde::Serialize;

/// The whole, as programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    policies: Vec<Line>,
    projects: Vec<Project>,
}

#[derive(Debug, Serialize)]
struct Project {
    project: String,
    policies: Vec<Line>,
}

/// One policy: dollars, counts, and its share of what the oracle earns.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    spent: f64,
    saved: f64,
    net: f64,
    hits: u64,
    pings: u64,
    /// Zero where the oracle earns nothing.
    fraction_of_oracle: f64,
}

impl Report {
    /// Sums up what came of each project; `with_choice` also under those policies that choose the time to live.
    pub(crate) fn of(projects: &[(String, Outcomes)], with_choice: bool) -> Self {
        let shown = POLICIES.len() - if with_choice { 0 } else { CHOOSING };
        let mut total = Outcomes::default();
        for (_, outcomes) in projects {
            total.iter_mut().zip(outcomes).for_each(|(sum, outcome)| *sum += *outcome);
        }
        let project = |(name, outcomes): &(String, Outcomes)| Project {
            project: name.clone(),
            policies: lines(outcomes, shown),
        };
        Self { policies: lines(&total, shown), projects: projects.iter().map(project).collect() }
    }
}

fn lines(outcomes: &Outcomes, shown: usize) -> Vec<Line> {
    let oracle = POLICIES.iter().position(|policy| *policy == Policy::Oracle);
    let best = oracle.map_or(0.0, |at| outcomes[at].net());
    let all = POLICIES.iter().zip(outcomes).take(shown);
    all.map(|(policy, outcome)| line(*policy, outcome, best)).collect()
}

fn line(policy: Policy, outcome: &Outcome, best: f64) -> Line {
    Line {
        name: name(policy),
        spent: outcome.spent,
        saved: outcome.saved,
        net: outcome.net(),
        hits: outcome.hits,
        pings: outcome.pings,
        fraction_of_oracle: if best > 0.0 { outcome.net() / best } else { 0.0 },
    }
}

fn name(policy: Policy) -> String {
    match policy {
        Policy::Never => "never".to_owned(),
        Policy::Always(most) => format!("always-{most}"),
        Policy::Fixed => "fixed".to_owned(),
        Policy::Ours => "ours".to_owned(),
        Policy::Oracle => "oracle".to_owned(),
        Policy::Hour => "hour".to_owned(),
        Policy::Leader => "leader".to_owned(),
        Policy::Foresight => "foresight".to_owned(),
    }
}

/// The same for people: one table of the whole, one of each project's share where there are several.
pub(crate) fn table(report: &Report) -> String {
    let mut whole = vec![row(["POLICY", "SPENT", "SAVED", "NET", "HITS", "WARM-UPS", "OF ORACLE"])];
    whole.extend(report.policies.iter().map(cells));
    let mut text = align(&whole);
    if report.projects.len() > 1 {
        text.push_str("\n\n");
        text.push_str(&align(&projects(report)));
    }
    text
}

fn projects(report: &Report) -> Vec<Vec<String>> {
    let names = report.policies.iter().skip(1).map(|line| line.name.to_uppercase());
    let title = std::iter::once("NET OF PROJECT".to_owned()).chain(names).collect();
    let rows = report.projects.iter().map(|project| {
        let net = project.policies.iter().skip(1).map(|line| dollars(line.net));
        std::iter::once(shortened(&project.project)).chain(net).collect()
    });
    std::iter::once(title).chain(rows).collect()
}

/// The widest a project's name gets, in characters, so that a row fits into 80.
const WIDEST: usize = 24;

/// The end of a long name, which is what tells folders apart.
fn shortened(name: &str) -> String {
    let name = harmless(name).replace(['\n', '\t'], " ");
    let length = name.chars().count();
    if length <= WIDEST {
        name
    } else {
        format!("…{}", name.chars().skip(length - WIDEST + 1).collect::<String>())
    }
}

fn cells(line: &Line) -> Vec<String> {
    let share = format!("{:.0} %", line.fraction_of_oracle * 100.0);
    let (hits, pings) = (line.hits.to_string(), line.pings.to_string());
    vec![line.name.clone(), dollars(line.spent), dollars(line.saved), dollars(line.net), hits, pings, share]
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// No minus before what rounds to nothing.
fn dollars(amount: f64) -> String {
    let cents = (amount * 100.0).round();
    let sign = if cents < 0.0 { "-" } else { "" };
    format!("{sign}${:.2}", cents.abs() / 100.0)
}
