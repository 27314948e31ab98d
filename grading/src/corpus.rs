//! The corpus as it is read: `grading/mutants/*.toml` and `grading/variants/*.toml`.
//!
//! Invariants of what was read: ids are unique and in order; every text that a person must read is there; every
//! edit applies to the workspace as it is; a rule that is expected is a rule of the judge.
//!
//! A file's id is its name without the ending: `01-votes-twice` for a mutant, `no-hint` for a variant.

use crate::edit::{self, Edit};
use labs::starter::Files;
use labs::stop::Stop;
use labs::student_files::{self, StudentFiles};
use labs::{fingerprint, suggest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// Where mutants stand.
pub const MUTANTS: &str = "grading/mutants";
/// Where correct variants stand.
pub const VARIANTS: &str = "grading/variants";
/// The package whose scenarios run a sheet that names none. It alone can be explored, and plays the demos.
pub const DEFAULT: &str = "raft";

/// A mistake: an edit of the reference that compiles and is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Its number and name: `01-votes-twice`.
    pub id: String,
    /// Whose scenarios run it.
    pub package: String,
    /// The mistake, as one sentence.
    pub sentence: String,
    /// What it breaks: a place in a paper.
    pub paper: String,
    /// Rules and scenarios of which one at least must name it; empty only if it is `equivalent`.
    pub expect: Vec<String>,
    /// Why no run can tell it from the reference, if that is argued. Then it must survive.
    pub equivalent: Option<String>,
    /// Whether it edits what students do not write.
    pub kit: bool,
    /// The bounds within which exploration alone must find it; if it is `equivalent`, those within which nothing
    /// that can be observed may differ.
    pub explore: Option<String>,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// A correct alternative: an edit of the reference that must pass everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name: `no-hint`.
    pub id: String,
    /// Whose scenarios run it.
    pub package: String,
    /// What is done differently, as one sentence.
    pub sentence: String,
    /// Why that is correct, with the place that allows it.
    pub allows: String,
    /// The edits.
    pub edits: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MutantSheet {
    package: Option<String>,
    sentence: Option<String>,
    paper: Option<String>,
    expect: Option<OneOrMore>,
    equivalent: Option<String>,
    #[serde(default)]
    kit: bool,
    explore: Option<String>,
    #[serde(default)]
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantSheet {
    package: Option<String>,
    sentence: Option<String>,
    allows: Option<String>,
    kit: Option<bool>,
    #[serde(default)]
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Reads the mutants of a workspace with these files, in the order of their numbers.
pub fn mutants(files: &Files) -> Result<Vec<Mutant>, Stop> {
    let students = students(files)?;
    let mut mutants = BTreeMap::new();
    for (id, sheet) in sheets(files, MUTANTS)? {
        let number = number(&id).ok_or_else(|| {
            wrong(MUTANTS, &id, "its name must be two digits or more, then words: 01-votes-twice")
        })?;
        let mutant =
            mutant(id.clone(), sheet, files, &students).map_err(|what| wrong(MUTANTS, &id, &what))?;
        if let Some(earlier) = mutants.insert(number, mutant) {
            let what = format!("its number is that of {}: give each mutant its own", earlier.id);
            return Err(wrong(MUTANTS, &id, &what));
        }
    }
    Ok(mutants.into_values().collect())
}

/// The number that a mutant's id begins with.
fn number(id: &str) -> Option<u32> {
    let (number, words) = id.split_once('-')?;
    let digits = number.len() >= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| digits && !words.is_empty())
}

/// Reads the variants of a workspace with these files.
pub fn variants(files: &Files) -> Result<Vec<Variant>, Stop> {
    let students = students(files)?;
    let variants = sheets(files, VARIANTS)?.into_iter().map(|(id, sheet)| {
        variant(id.clone(), sheet, files, &students).map_err(|what| wrong(VARIANTS, &id, &what))
    });
    variants.collect()
}

fn students(files: &Files) -> Result<BTreeSet<String>, Stop> {
    let text = files.get(student_files::PATH).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let list = StudentFiles::parse(&text).map_err(Stop::usage)?;
    Ok(list.files().into_iter().map(str::to_owned).collect())
}

fn wrong(folder: &str, id: &str, what: &str) -> Stop {
    Stop::usage(format!("{folder}/{id}.toml: {what}"))
}

/// Every sheet of a folder, by its id.
fn sheets<T: DeserializeOwned>(files: &Files, folder: &str) -> Result<BTreeMap<String, T>, Stop> {
    let name =
        |path: &String| Some(path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".toml")?.to_owned());
    let mut sheets = BTreeMap::new();
    for (id, bytes) in files.iter().filter_map(|(path, bytes)| Some((name(path)?, bytes))) {
        let text = std::str::from_utf8(bytes).map_err(|_| wrong(folder, &id, "it is no text"))?;
        let sheet = toml_edit::de::from_str(text).map_err(|why| {
            wrong(folder, &id, &format!("it cannot be read: {}", why.to_string().trim_end()))
        })?;
        sheets.insert(id, sheet);
    }
    if sheets.is_empty() {
        return Err(Stop::usage(format!("{folder} holds no .toml file: there is nothing to run")));
    }
    Ok(sheets)
}

fn mutant(
    id: String,
    sheet: MutantSheet,
    files: &Files,
    students: &BTreeSet<String>,
) -> Result<Mutant, String> {
    let package = package(sheet.package, files)?;
    let sentence = given(sheet.sentence, "sentence", "the mistake, as one sentence")?;
    let paper = given(sheet.paper, "paper", "what it breaks, such as \"§5.2\"")?;
    let expect = match sheet.expect {
        Some(OneOrMore::One(one)) => vec![one],
        Some(OneOrMore::More(all)) => all,
        None => vec![],
    };
    let equivalent =
        sheet.equivalent.map(|why| given(Some(why), "equivalent", "the argument")).transpose()?;
    match (&equivalent, &expect[..]) {
        (None, []) => return Err("it has no `expect`: name the rule or scenario that must see it".to_owned()),
        (Some(_), [_, ..]) => {
            return Err("it has `expect` and `equivalent`: nothing can name what nothing can see; keep one"
                .to_owned());
        }
        _ => {}
    }
    expect.iter().filter(|name| !name.starts_with("lab")).try_for_each(|name| known_rule(name))?;
    edits(&sheet.edit, files)?;
    let foreign = sheet.edit.iter().find(|edit| !students.contains(&edit.file));
    match (sheet.kit, foreign) {
        (false, Some(edit)) => Err(format!(
            "{} is not in {}, so students do not write it: say `kit = true`",
            edit.file,
            student_files::PATH
        )),
        (true, None) => {
            Err(format!("all its files are in {}, so students write them: drop `kit`", student_files::PATH))
        }
        _ if sheet.explore.is_some() && package != DEFAULT => {
            Err(format!("it has `explore`, and only {DEFAULT} can be explored: drop one or the other"))
        }
        _ if equivalent.is_some() && sheet.explore.is_none() => {
            Err("it has `equivalent` and no `explore`: say within which bounds nothing differs".to_owned())
        }
        (kit, _) => {
            let (explore, edits) = (sheet.explore, sheet.edit);
            Ok(Mutant { id, package, sentence, paper, expect, equivalent, kit, explore, edits })
        }
    }
}

fn variant(
    id: String,
    sheet: VariantSheet,
    files: &Files,
    students: &BTreeSet<String>,
) -> Result<Variant, String> {
    let package = package(sheet.package, files)?;
    let sentence = given(sheet.sentence, "sentence", "what is done differently, as one sentence")?;
    let allows = given(sheet.allows, "allows", "why that is correct, with the section")?;
    edits(&sheet.edit, files)?;
    let foreign = sheet.edit.iter().any(|edit| !students.contains(&edit.file));
    if sheet.kit.is_some_and(|kit| kit != foreign) {
        let (says, has) = if foreign { ("false", "some") } else { ("true", "none") };
        return Err(format!("it says `kit = {says}`, and edits {has} of the kit's files: correct it"));
    }
    Ok(Variant { id, package, sentence, allows, edits: sheet.edit })
}

/// The package that a sheet names, if it has scenarios.
fn package(named: Option<String>, files: &Files) -> Result<String, String> {
    let named = named.unwrap_or_else(|| DEFAULT.to_owned());
    let there = fingerprint::packages(files);
    if there.contains(&named) {
        return Ok(named);
    }
    Err(format!("it names the package `{named}`, which has no scenarios; there are {}", there.join(" and ")))
}

#[derive(Deserialize)]
struct PackageOnly {
    package: Option<String>,
}

/// The package that the text of a sheet names; none, if it is no sheet.
pub fn package_of(sheet: &[u8]) -> Option<String> {
    let only: PackageOnly = toml_edit::de::from_str(std::str::from_utf8(sheet).ok()?).ok()?;
    Some(only.package.unwrap_or_else(|| DEFAULT.to_owned()))
}

/// The packages of these sheets, each once, in order.
pub fn packages<'a>(of: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    of.into_iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn given(text: Option<String>, key: &str, what: &str) -> Result<String, String> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("it has no `{key}`: say {what}"))
}

fn edits(edits: &[Edit], files: &Files) -> Result<(), String> {
    if edits.is_empty() {
        return Err("it has no [[edit]]: without one it is the reference".to_owned());
    }
    edit::apply(edits, files).map(drop)
}

fn known_rule(name: &str) -> Result<(), String> {
    let rules: Vec<String> = tracecheck::rules().iter().map(|rule| rule.id.to_owned()).collect();
    if rules.iter().any(|rule| rule == name) {
        return Ok(());
    }
    Err(format!(
        "it expects `{name}`, which is no rule and no scenario; the rules are {}, and scenarios' names begin with lab",
        labs::table::compress(rules.iter().map(String::as_str))
    ))
}

/// Refuses an expectation of a scenario that its package has not. `names` are the scenarios of that one.
pub fn known_scenarios(mutants: &[Mutant], package: &str, names: &[String]) -> Result<(), Stop> {
    for mutant in mutants.iter().filter(|mutant| mutant.package == package) {
        let unknown = |name: &&String| name.starts_with("lab") && !names.contains(name);
        if let Some(name) = mutant.expect.iter().find(unknown) {
            let what = format!("it expects `{name}`: {}", suggest::unknown_whole(name, names));
            return Err(wrong(MUTANTS, &mutant.id, &what));
        }
    }
    Ok(())
}

/// Those of `all` that are asked for, by whole id or by number; all, if none is.
///
/// # Errors
/// One that there is not, with the nearest ones.
pub fn only<T>(all: Vec<T>, id: impl Fn(&T) -> &str, asked: &[String], what: &str) -> Result<Vec<T>, Stop> {
    let fits = |one: &T, asked: &str| {
        let (id, number) = (id(one), asked.trim_start_matches('0'));
        let own = id.split_once('-').map_or(id, |(own, _)| own).trim_start_matches('0');
        id == asked
            || (!number.is_empty() && own == number && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    for asked in asked {
        if !all.iter().any(|one| fits(one, asked)) {
            let ids: Vec<String> = all.iter().map(|one| id(one).to_owned()).collect();
            let near = suggest::nearest(asked, &ids);
            let hint = match &near[..] {
                [] => format!("there are {} to {}", ids[0], ids[ids.len() - 1]),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            return Err(Stop::usage(format!("no {what} is called `{asked}`; {hint}")));
        }
    }
    let wanted = |one: &T| asked.is_empty() || asked.iter().any(|asked| fits(one, asked));
    Ok(all.into_iter().filter(wanted).collect())
}
