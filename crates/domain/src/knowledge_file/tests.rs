//! What is written reads back as the same, and what is wrong is named with its line.

use super::*;
use proptest::prelude::*;

fn section(id: &str, project: Option<&str>, title: &str, content: &str) -> Section {
    Section {
        id: Some(Origin::read(id)),
        project: project.map(ProjectId::from),
        promoted: false,
        category: Category::Gotcha,
        title: title.into(),
        content: content.into(),
        confidence: 0.9,
    }
}

const FILE: &str = "\
<!-- Knowledge that Stillroom keeps. Edit it as you like: `stillroom import FILE` takes it over. -->

# Project github.com/ann/oven

## Rye

`k2@5` gotcha, confidence 0.9

It bites.

\\# no heading
### a heading of its own

## Yeast

`k10` gotcha, confidence 0.9, promoted

It grows.

# Without a project

## By hand

`mine` gotcha, confidence 0.9

So it is.
";

#[test]
fn each_entry_is_a_section_under_its_project() {
    let sections = [
        section("mine", None, "By hand", "So it is."),
        section(
            "k2@5",
            Some("github.com/ann/oven"),
            "Rye",
            "It bites.\n\n# no heading\n### a heading of its own",
        ),
        Section { promoted: true, ..section("k10", Some("github.com/ann/oven"), "Yeast", "It grows.") },
    ];
    assert_eq!(render(&sections), FILE);
    assert_eq!(render(&parse(FILE).unwrap()), FILE);
}

#[test]
fn a_change_of_one_entry_changes_its_lines_alone() {
    let mut sections = parse(FILE).unwrap();
    sections[0].content = "It does not bite.".into();
    let changed = render(&sections);
    let gone: Vec<&str> = FILE.lines().filter(|line| !changed.lines().any(|other| other == *line)).collect();
    let new: Vec<&str> = changed.lines().filter(|line| !FILE.lines().any(|other| other == *line)).collect();
    assert_eq!(
        (gone, new),
        (vec!["It bites.", "\\# no heading", "### a heading of its own"], vec!["It does not bite."])
    );
}

#[test]
fn a_section_without_an_id_is_a_new_entry_and_line_ends_do_not_matter() {
    let file = "# Project oven\r\n## New\r\ndecision, confidence 1\r\n\r\nYes.\r\n";
    let new = Section {
        id: None,
        category: Category::Decision,
        confidence: 1.0,
        ..section("", Some("oven"), "New", "Yes.")
    };
    assert_eq!(parse(file), Ok(vec![new]));
    assert_eq!(parse(""), Ok(Vec::new()));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let wrong = |file: &str| {
        let fault = parse(file).unwrap_err();
        (fault.line, fault.what.split(';').next().unwrap().to_owned())
    };
    let below = |entry: &str| format!("# Project oven\n\n{entry}");
    for (file, line, what) in [
        ("words".to_owned(), 1, "text that belongs to no entry"),
        ("\n## Title".to_owned(), 2, "an entry before the first project"),
        ("# Oven".to_owned(), 1, "a heading that names no project"),
        ("# Project  ".to_owned(), 1, "a heading that names no project"),
        (below("## Title\n"), 3, "an entry without its second line"),
        (below("## Title\n\nwords"), 5, "a second line of an entry that cannot be read"),
        (below("## Title\nrumour, confidence 0.9\nx"), 4, "a second line of an entry that cannot be read"),
        (
            below("## Title\n`k1 gotcha, confidence 0.9\nx"),
            4,
            "a second line of an entry that cannot be read",
        ),
        (below("## Title\ngotcha, confidence high\nx"), 4, "a second line of an entry that cannot be read"),
        (
            below("## Title\ngotcha, confidence 0.9, loved\nx"),
            4,
            "a second line of an entry that cannot be read",
        ),
        (
            below("## Title\n`a b` gotcha, confidence 0.9\nx"),
            4,
            "an id has 1 to 64 letters, digits, dots, dashes and underscores",
        ),
        (below("## Title\ngotcha, confidence 7\nx"), 3, "confidence must lie between 0 and 1"),
        (below("## Title\ngotcha, confidence NaN\nx"), 3, "confidence must lie between 0 and 1"),
        (below("## Title\ngotcha, confidence 0.9\n"), 3, "content must have 1 to 1200 characters, it has 0"),
        (
            below("## A\n`k` gotcha, confidence 1\nx\n## B\n`k` gotcha, confidence 1\nx"),
            6,
            "this id is another entry's already, in line 3",
        ),
    ] {
        assert_eq!(wrong(&file), (line, what.to_owned()), "{file:?}");
    }
}

fn any_section() -> impl Strategy<Value = Section> {
    let text = "(\\PC|[#\\\\ \n]|# |## ){1,40}".prop_filter("not blank", |text| !normal(text).is_empty());
    let title = "[^\n\r]{1,20}".prop_filter("not blank", |text| !text.trim().is_empty());
    (prop::option::of("[a-z./]{1,9}"), any::<bool>(), 0..5_usize, title, text, 0.0..=1.0_f64).prop_map(
        |(project, promoted, category, title, content, confidence)| Section {
            id: None,
            project: project.map(ProjectId::from),
            promoted,
            category: CATEGORIES[category],
            title,
            content,
            confidence,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same(sections in prop::collection::vec(any_section(), 0..6)) {
        let named = |(number, section)| Section { id: Some(Origin::read(&format!("k{number}"))), ..section };
        let sections: Vec<Section> = sections.into_iter().enumerate().map(named).collect();
        let file = render(&sections);
        let mut read = parse(&file).map_err(|fault| TestCaseError::fail(format!("{fault}\n{file}")))?;
        prop_assert_eq!(&render(&read), &file);
        read.sort_by_key(|section| section.id.as_ref().map(|id| id.to_string()[1..].parse::<u32>().unwrap()));
        let seen = |section: &Section| Section {
            title: in_one_line(&section.title),
            content: normal(&section.content),
            ..section.clone()
        };
        prop_assert_eq!(read, sections.iter().map(seen).collect::<Vec<_>>());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\PC|\n|# |## |`|confidence ){0,60}") {
        drop(parse(&text));
    }
}
