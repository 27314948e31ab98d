//! What the page says for programs: which code it speaks of, and who killed each mutant after how many seeds.
//!
//! Writing and reading stand together here, so that they cannot part.

use super::Prints;
use crate::line::{Head, MutantLine};

/// The head of the table of mutants.
pub(super) const HEAD: &str = "\
| mutant | seeds | named by (scenarios) | expected | the mistake | against |
|---|---|---|---|---|---|
";

/// A page as far as a program reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What it speaks of.
    pub prints: Prints,
    /// How many seeds the mutants were given.
    pub seeds: u64,
    /// What it says of each mutant.
    pub rows: Vec<Row>,
}

/// What the page says of one mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// After how many seeds it was killed; `–` if it was not.
    pub seeds: String,
    /// Who named it, and in how many scenarios.
    pub named_by: String,
}

impl Row {
    /// What the page is to say of it.
    pub fn of(line: &MutantLine) -> Row {
        let named = line.named_by().into_iter().map(|(label, count)| format!("{label} ({count})"));
        let named = named.collect::<Vec<_>>().join(", ");
        Row {
            id: line.id.clone(),
            seeds: line.seeds.map_or("–".to_owned(), |seeds| seeds.to_string()),
            named_by: if named.is_empty() { "nobody".to_owned() } else { named },
        }
    }

    /// The first cells of its row.
    pub(super) fn cells(&self) -> String {
        format!("| {} | {} | {} |", self.id, self.seeds, self.named_by)
    }
}

const MARK: &str = "<!-- speaks of";

/// The line that says what the page speaks of.
pub(super) fn prints(prints: &Prints, head: &Head) -> String {
    let Prints { package, code, mutants, variants } = prints;
    format!(
        "{MARK} package {package} code {code} mutants {mutants} variants {variants} seeds {} -->",
        head.seeds
    )
}

/// Reads a page; nothing, if it is none.
pub fn read(page: &str) -> Option<Written> {
    let line = page.lines().find_map(|line| line.strip_prefix(MARK)?.strip_suffix("-->"))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["package", package, "code", code, "mutants", mutants, "variants", variants, "seeds", seeds] =
        words[..]
    else {
        return None;
    };
    let prints = Prints {
        package: package.to_owned(),
        code: code.to_owned(),
        mutants: mutants.to_owned(),
        variants: variants.to_owned(),
    };
    let table = page.split_once(HEAD)?.1;
    let rows = table.lines().take_while(|line| line.starts_with("| ")).map(|line| {
        let mut cells = line.split('|').skip(1).map(|cell| cell.trim().to_owned());
        Some(Row { id: cells.next()?, seeds: cells.next()?, named_by: cells.next()? })
    });
    Some(Written { prints, seeds: seeds.parse().ok()?, rows: rows.collect::<Option<_>>()? })
}
