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
        remembered: false,
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

`k10` gotcha, confidence 0.9, promoted, kept at an agent's request

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
        Section {
            promoted: true,
            remembered: true,
            ..section("k10", Some("github.com/ann/oven"), "Yeast", "It grows.")
        },
    ];
    assert_eq!(render(&sections), FILE);
    assert_eq!(render(&parse(FILE).unwrap().sections), FILE);
}

#[test]
fn a_change_of_one_entry_changes_its_lines_alone() {
    let mut sections = parse(FILE).unwrap().sections;
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
    let projects = vec![Some("oven".into())];
    assert_eq!(parse(file), Ok(KnowledgeFile { projects, sections: vec![new] }));
    assert_eq!(parse(""), Ok(KnowledgeFile::default()));
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

#[test]
fn a_mark_of_a_merge_that_is_not_settled_is_refused_with_its_line_and_what_only_looks_like_one_is_not() {
    let conflict = FILE.replace("It grows.", "<<<<<<< HEAD\nIt grows.\n=======\nIt sleeps.\n>>>>>>> bob");
    let fault = parse(&conflict).unwrap_err();
    assert_eq!(fault.line, 18);
    assert_eq!(
        fault.what,
        "\"<<<<<<< HEAD\" is a mark of a merge that is not settled: keep what is to stay of both sides, and take out the lines with the \
        marks (a backslash before it makes it a line of a content)"
    );
    let half = conflict.replace("<<<<<<< HEAD\n", "");
    assert_eq!(parse(&half).unwrap_err().line, 21);
    let heading = "A heading\n=======\n<<<<<<<< eight\n>>>>>>>quoted\n \\<<<<<<< HEAD";
    let sections =
        [section("k2", None, "Rye", heading), section("k3", None, "Merges", "<<<<<<< HEAD\n>>>>>>>")];
    assert_eq!(parse(&render(&sections)).unwrap().sections, sections);
}

#[test]
fn a_project_is_spelled_as_it_is() {
    for project in
        ["/home/ann/two  blanks", " before", "after ", "a\ttab", "two\nlines", "\"quoted\"", "", "\u{a0}odd"]
    {
        let sections = [section("k2", Some(project), "Rye", "It bites.")];
        let file = render(&sections);
        assert_eq!(parse(&file).map(|read| read.sections).as_deref(), Ok(&sections[..]), "{file}");
    }
    let two_blanks = render(&[section("k2", Some("two  blanks"), "Rye", "It bites.")]);
    assert!(two_blanks.contains("\n# Project two  blanks\n"), "{two_blanks}");
}

#[test]
fn a_heading_below_which_nothing_stands_is_read_too() {
    let file = parse("# Project oven\n\n# Without a project\n").unwrap();
    assert!(file.covers(Some(&"oven".into())) && file.covers(None) && !file.covers(Some(&"garden".into())));
}

#[test]
fn sections_that_no_file_could_have_are_refused() {
    let good = section("k2", None, "Rye", "It bites.");
    let file = |section: Section| KnowledgeFile { projects: vec![], sections: vec![good.clone(), section] };
    let wrong = |section: Section| file(section).check().unwrap_err();
    assert_eq!(file(Section { id: None, ..good.clone() }).check(), Ok(()));
    assert_eq!(wrong(good.clone()), "section 2: this id is another section's already");
    let other = section("k3", None, "Rye", "It bites.");
    assert_eq!(
        wrong(Section { title: " ".into(), ..other.clone() }),
        "section 2: title must have 1 to 200 characters, it has 0"
    );
    assert_eq!(
        wrong(Section { confidence: 7.0, ..other.clone() }),
        "section 2: confidence must lie between 0 and 1"
    );
    for id in ["k\n1", "k`1", "", "k1@x"] {
        let odd = Section { id: Some(Origin::read(id)), ..other.clone() };
        assert_eq!(wrong(odd), "section 2: an id has 1 to 64 letters, digits, dots, dashes and underscores");
    }
}

fn any_section() -> impl Strategy<Value = Section> {
    let text = "(\\PC|[#\\\\ \n]|# |## |\n<<<<<<< |\n>>>>>>>\n){1,40}"
        .prop_filter("not blank", |text| !normal(text).is_empty());
    let title = "[^\n\r]{1,20}".prop_filter("not blank", |text| !text.trim().is_empty());
    (
        prop::option::of("[a-z./ \"\\\\\t\n]{0,9}|\\PC{0,9}"),
        any::<bool>(),
        0..5_usize,
        title,
        text,
        (0.0..=1.0_f64, any::<bool>()),
    )
        .prop_map(|(project, promoted, category, title, content, (confidence, remembered))| Section {
            id: None,
            project: project.map(ProjectId::from),
            promoted,
            category: CATEGORIES[category],
            title,
            content,
            confidence,
            remembered,
        })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same(sections in prop::collection::vec(any_section(), 0..6)) {
        let named = |(number, section)| Section { id: Some(Origin::read(&format!("k{number}"))), ..section };
        let sections: Vec<Section> = sections.into_iter().enumerate().map(named).collect();
        let file = render(&sections);
        let read = parse(&file).map_err(|fault| TestCaseError::fail(format!("{fault}\n{file}")))?;
        let mut read = read.sections;
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
