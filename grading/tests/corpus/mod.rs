//! What is read of the corpus, and the sentence for everything that can be wrong with it.

use grading::corpus::{self, MUTANTS, VARIANTS};
use grading::edit::{self, Edit};
use labs::starter::Files;

const LIST: &str = "[[part]]\nlab = \"lab2a\"\nfiles = [\"raft/src/core/election.rs\"]\n";
const SOURCE: &str = "fn vote() { yes }\nfn twice() { here(); here() }\n";
const GOOD: &str = "sentence = \"It votes twice.\"\npaper = \"§5.2\"\nexpect = \"E3\"\n";

fn edit_of(file: &str, old: &str, new: &str) -> String {
    format!("\n[[edit]]\nfile = \"{file}\"\nold = '''{old}'''\nnew = '''{new}'''\n")
}

fn good_edit() -> String {
    edit_of("raft/src/core/election.rs", "yes", "no")
}

fn workspace(sheets: &[(&str, String)]) -> Files {
    let mut files = Files::new();
    files.insert("labs/student-files.toml".to_owned(), LIST.into());
    files.insert("raft/src/core/election.rs".to_owned(), SOURCE.into());
    files.insert("raft/src/driver.rs".to_owned(), SOURCE.into());
    files.insert("raft/tests/labs/main.rs".to_owned(), SOURCE.into());
    files.insert("kvserver/tests/labs/main.rs".to_owned(), SOURCE.into());
    files.extend(sheets.iter().map(|(path, text)| ((*path).to_owned(), text.clone().into_bytes())));
    files
}

#[test]
fn a_mutant_and_a_variant_are_read() {
    let sheet = format!("# Why.\n{GOOD}{}", good_edit());
    let variant = format!("sentence = \"Another.\"\nallows = \"§5.3\"\n{}", good_edit());
    let files = workspace(&[
        ("grading/mutants/100-later.toml", sheet.clone()),
        ("grading/mutants/02-votes-twice.toml", format!("package = \"kvserver\"\n{sheet}")),
        ("grading/variants/no-hint.toml", variant),
        ("grading/variants/README.md", "not a sheet".to_owned()),
    ]);
    let mutants = corpus::mutants(&files).expect("good mutants");
    let ids: Vec<&str> = mutants.iter().map(|mutant| mutant.id.as_str()).collect();
    assert_eq!(ids, ["02-votes-twice", "100-later"], "in the order of their numbers");
    assert_eq!((mutants[0].expect.as_slice(), mutants[0].kit), (&["E3".to_owned()][..], false));
    assert_eq!((mutants[0].package.as_str(), mutants[1].package.as_str()), ("kvserver", "raft"));
    let variants = corpus::variants(&files).expect("good variants");
    assert_eq!((variants.len(), variants[0].id.as_str()), (1, "no-hint"));
}

#[test]
fn every_mistake_in_a_sheet_is_one_sentence() {
    let kit = edit_of("raft/src/driver.rs", "yes", "no");
    let cases = [
        (format!("paper = \"x\"\nexpect = \"E3\"\n{}", good_edit()), "it has no `sentence`: say the mistake"),
        (
            format!("sentence = \"x\"\nexpect = \"E3\"\n{}", good_edit()),
            "it has no `paper`: say what it breaks",
        ),
        (
            format!("sentence = \"x\"\npaper = \"x\"\n{}", good_edit()),
            "it has no `expect`: name the rule or scenario",
        ),
        (format!("{GOOD}equivalent = \"x\"\n{}", good_edit()), "it has `expect` and `equivalent`"),
        (format!("{GOOD}papers = \"x\"\n{}", good_edit()), "unknown field `papers`"),
        (
            format!("{GOOD}package = \"kv\"\n{}", good_edit()),
            "it names the package `kv`, which has no scenarios; there are kvserver and raft",
        ),
        (
            format!("{GOOD}package = \"kvserver\"\nexplore = \"x\"\n{}", good_edit()),
            "it has `explore`, and only raft can be explored",
        ),
        (GOOD.to_owned(), "it has no [[edit]]: without one it is the reference"),
        (
            GOOD.replace("E3", "E33") + &good_edit(),
            "it expects `E33`, which is no rule and no scenario; the rules are",
        ),
        (
            GOOD.to_owned() + &kit,
            "raft/src/driver.rs is not in labs/student-files.toml, so students do not write it",
        ),
        (format!("{GOOD}kit = true\n{}", good_edit()), "so students write them: drop `kit`"),
        (
            GOOD.to_owned() + &edit_of("raft/src/gone.rs", "a", "b"),
            "edit 1 is of raft/src/gone.rs, and there is no such",
        ),
        (GOOD.to_owned() + &good_edit() + &good_edit(), "edit 2 does not apply: its `old` stands nowhere in"),
        (
            GOOD.to_owned() + &edit_of("raft/src/core/election.rs", "here()", "gone()"),
            "edit 1 does not apply: its `old` stands 2 times in raft/src/core/election.rs",
        ),
        (GOOD.to_owned() + &edit_of("raft/src/core/election.rs", "", "x"), "edit 1 has an empty `old`"),
        (GOOD.to_owned() + &edit_of("raft/src/core/election.rs", "yes", "yes"), "edit 1 changes nothing"),
    ];
    for (sheet, sentence) in cases {
        let files = workspace(&[("grading/mutants/01-x.toml", sheet.clone())]);
        let stop = corpus::mutants(&files).expect_err(&sheet);
        assert_eq!(stop.code, 2, "{stop}");
        assert!(stop.sentence.starts_with("grading/mutants/01-x.toml: "), "{stop}");
        assert!(stop.sentence.contains(sentence), "{sentence}\n{stop}");
    }
}

#[test]
fn names_and_numbers() {
    let sheet = format!("{GOOD}{}", good_edit());
    for (names, sentence) in [
        (&["votes"][..], "its name must be two digits or more, then words"),
        (&["1-votes"], "its name must be two digits or more, then words"),
        (&["01-votes", "01-again"], "grading/mutants/01-votes.toml: its number is that of 01-again"),
        (&[], "grading/mutants holds no .toml file: there is nothing to run"),
    ] {
        let paths: Vec<String> = names.iter().map(|name| format!("{MUTANTS}/{name}.toml")).collect();
        let sheets: Vec<(&str, String)> = paths.iter().map(|path| (path.as_str(), sheet.clone())).collect();
        let stop = corpus::mutants(&workspace(&sheets)).expect_err(sentence);
        assert!(stop.code == 2 && stop.sentence.contains(sentence), "{sentence}\n{stop}");
    }
}

#[test]
fn a_variant_says_why_it_is_correct() {
    for (sheet, sentence) in [
        ("sentence = \"x\"\n", "it has no `allows`: say why that is correct, with the section"),
        (
            "sentence = \"x\"\nallows = \"x\"\nkit = true\n",
            "it says `kit = true`, and edits none of the kit's files",
        ),
        ("sentence = \"x\"\nallows = \"x\"\nexpect = \"E3\"\n", "unknown field `expect`"),
    ] {
        let files = workspace(&[("grading/variants/x.toml", sheet.to_owned() + &good_edit())]);
        let stop = corpus::variants(&files).expect_err(sheet);
        assert!(
            stop.sentence.starts_with(&format!("{VARIANTS}/x.toml: ")) && stop.sentence.contains(sentence),
            "{stop}"
        );
    }
}

#[test]
fn one_is_asked_for_by_name_or_number() {
    let ids = || ["01-votes-twice", "15-commits-by-counting", "100-old-install"].map(str::to_owned).to_vec();
    let only = |asked: &str| corpus::only(ids(), |id| id, &[asked.to_owned()], "mutant");
    assert_eq!(only("15"), Ok(vec!["15-commits-by-counting".to_owned()]));
    assert_eq!(only("1"), Ok(vec!["01-votes-twice".to_owned()]));
    assert_eq!(only("100-old-install"), Ok(vec!["100-old-install".to_owned()]));
    assert_eq!(corpus::only(ids(), |id| id, &[], "mutant").map(|all| all.len()), Ok(3));
    for (asked, sentence) in [
        ("votes-twice", "no mutant is called `votes-twice`; did you mean 01-votes-twice?"),
        (
            "15-commit-by-counting",
            "no mutant is called `15-commit-by-counting`; did you mean 15-commits-by-counting?",
        ),
        ("77", "no mutant is called `77`; there are 01-votes-twice to 100-old-install"),
        ("", "no mutant is called ``; there are 01-votes-twice to 100-old-install"),
    ] {
        let stop = only(asked).expect_err(asked);
        assert_eq!((stop.code, stop.sentence.as_str()), (2, sentence));
    }
}

#[test]
fn an_expected_scenario_must_exist() {
    let mutants = [crate::mutant("01-x", &["E3", "lab2b_05_figure9"])];
    let names = ["lab2b_05_figure8".to_owned()];
    let stop = corpus::known_scenarios(&mutants, "raft", &names).expect_err("there is no such scenario");
    assert_eq!(
        stop.sentence,
        "grading/mutants/01-x.toml: it expects `lab2b_05_figure9`: no scenario is called `lab2b_05_figure9`; did you \
         mean lab2b_05_figure8?"
    );
    assert!(corpus::known_scenarios(&[crate::mutant("01-x", &["lab2b_05_figure8"])], "raft", &names).is_ok());
    assert!(
        corpus::known_scenarios(&mutants, "kvserver", &names).is_ok(),
        "they are held to their own package"
    );
}

#[test]
fn edits_of_one_file_add_up() {
    let one = |old: &str, new: &str| Edit {
        file: "raft/src/core/election.rs".to_owned(),
        old: old.to_owned(),
        new: new.to_owned(),
    };
    let edited =
        edit::apply(&[one("yes", "maybe"), one("maybe", "no")], &workspace(&[])).expect("both apply");
    assert_eq!(edited["raft/src/core/election.rs"], SOURCE.replace("yes", "no"));
    assert_eq!(edited.len(), 1, "only what is edited");
}

/// The corpus of this very workspace, so that an edit of the reference that a mutant no longer fits is noticed
/// before the next hour of runs.
#[test]
fn the_corpus_fits_the_reference() {
    let root =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("grading stands in the workspace");
    let files = labs::starter::sources(root).expect("the workspace can be read");
    let mutants = corpus::mutants(&files).unwrap_or_else(|stop| panic!("{stop}"));
    assert!(mutants.len() >= 45, "{} mutants", mutants.len());
    for number in 1..=42 {
        let begins = format!("{number:02}-");
        assert!(
            mutants.iter().any(|one| one.id.starts_with(&begins)),
            "bug {number} of the catalogue is missing"
        );
    }
    if files.keys().any(|path| path.starts_with(VARIANTS)) {
        corpus::variants(&files).unwrap_or_else(|stop| panic!("{stop}"));
    }
}
