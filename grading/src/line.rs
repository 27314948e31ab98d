//! What the commands print with `--format json`, one object a line, for who writes it and for who reads it: the
//! page is made from such lines.
//!
//! `cargo grade mutants` prints a [`Line::Matrix`] for each package, a [`Line::Mutant`] for each mutant, and a
//! [`Line::End`]; `cargo grade variants` the same with [`Line::Variants`] and [`Line::Variant`]. Without an end it was
//! interrupted. All but the milliseconds depends on code, corpus and seeds alone.

use scenario::line::{Cause, CauseKind};
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Line {
    /// Mutants of a package follow.
    Matrix(Head),
    /// What came of one mutant.
    Mutant(MutantLine),
    /// Variants of a package follow.
    Variants(Head),
    /// What came of one variant.
    Variant(VariantLine),
    /// Everything that was asked for was done.
    End {
        /// How many mutants or variants there were.
        count: u64,
    },
}

impl Line {
    /// The line as JSON, without a newline.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line of texts and numbers serializes")
    }
}

/// What the lines that follow speak of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The package whose scenarios ran.
    pub package: String,
    /// The fingerprint of the code that was tested and of the scenarios, as `labs::fingerprint::subjects` has it.
    pub code: String,
    /// The fingerprint of the corpus that was tried.
    pub corpus: String,
    /// How many seeds each seeded scenario had at most.
    pub seeds: u64,
    /// The scenarios' names, in their order.
    pub scenarios: Vec<String>,
}

/// What came of one mutant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutantLine {
    /// Its id.
    pub id: String,
    /// The package whose scenarios ran it.
    pub package: String,
    /// What came of it, in one word.
    pub verdict: MutantVerdict,
    /// How many seeds it took until some scenario failed: the smallest failing seed and one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<u64>,
    /// Rules and scenarios of which one at least was to name it.
    pub expect: Vec<String>,
    /// Whether one of them did. True for an equivalent one that survived.
    pub as_expected: bool,
    /// Whether it is argued to be equivalent to the reference.
    pub equivalent: bool,
    /// What was found, in the order of the scenarios; a scenario that passed has no entry.
    pub findings: Vec<Finding>,
    /// The compiler's words, if it does not compile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Real milliseconds to build it.
    pub build_ms: u64,
    /// Real milliseconds to run it.
    pub run_ms: u64,
}

impl MutantLine {
    /// Whether all is as it should be: killed and named as expected, or equivalent and alive.
    pub fn is_fine(&self) -> bool {
        let wanted = if self.equivalent { MutantVerdict::Survived } else { MutantVerdict::Killed };
        self.verdict == wanted && self.as_expected
    }

    /// Who named it, and in how many scenarios, most first.
    pub fn named_by(&self) -> Vec<(String, usize)> {
        let mut named: std::collections::BTreeMap<String, usize> = Default::default();
        for finding in self.findings.iter().filter(|finding| finding.kills()) {
            *named.entry(finding.label()).or_default() += 1;
        }
        let mut named: Vec<(String, usize)> = named.into_iter().collect();
        named.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        named
    }
}

/// What came of a mutant, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MutantVerdict {
    /// Some scenario failed.
    Killed,
    /// Every scenario passed with every seed.
    Survived,
    /// No scenario failed, but some gave no verdict: neither a kill nor a survival.
    NotJudged,
    /// It does not compile: a fault of the corpus.
    NotBuilt,
}

/// What came of one variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantLine {
    /// Its id.
    pub id: String,
    /// The package whose scenarios ran it.
    pub package: String,
    /// What came of it, in one word.
    pub verdict: VariantVerdict,
    /// How many runs gave a verdict.
    pub runs: u64,
    /// What was found, in the order of the scenarios; a scenario that passed has no entry.
    pub findings: Vec<Finding>,
    /// The compiler's words, if it does not compile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Real milliseconds to build it.
    pub build_ms: u64,
    /// Real milliseconds to run it.
    pub run_ms: u64,
}

/// What came of a variant, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariantVerdict {
    /// Every scenario passed with every seed.
    Passed,
    /// Some scenario failed, though the variant is correct.
    Failed,
    /// No scenario failed, but some gave no verdict.
    NotJudged,
    /// It does not compile: a fault of the corpus.
    NotBuilt,
}

/// A scenario that did not pass with all its seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The scenario.
    pub scenario: String,
    /// How many seeds it took.
    pub seeds: u64,
    /// What was seen.
    #[serde(flatten)]
    pub seen: Seen,
    /// What a student would read; kept for variants only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// What was seen of a run that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// It failed, and says why.
    Failed(Cause),
    /// The test program died: a stack overflow, an abort, an exit.
    Died(String),
    /// No verdict came in the real time that a run is given.
    NotJudged(String),
}

impl Finding {
    /// Whether that is a kill. A panic of the kit, a trace that cannot be written and a run without a verdict are
    /// none.
    pub fn kills(&self) -> bool {
        match &self.seen {
            Seen::Failed(cause) => {
                let none =
                    [CauseKind::Kit, CauseKind::Trace, CauseKind::NotImplemented, CauseKind::NotJudged];
                !none.contains(&cause.kind)
            }
            Seen::Died(_) => true,
            Seen::NotJudged(_) => false,
        }
    }

    /// Who or what noticed, in few words: a rule's id, `scenario` for its own expectation, or how the run ended.
    pub fn label(&self) -> String {
        let Seen::Failed(Cause { kind, rule, .. }) = &self.seen else {
            let died = matches!(self.seen, Seen::Died(_));
            return if died { "died" } else { "not judged" }.to_owned();
        };
        let rule = rule.as_deref().unwrap_or_default();
        match kind {
            CauseKind::Rule => rule.to_owned(),
            CauseKind::Undecided => format!("{rule} undecided"),
            CauseKind::Missed => format!("{rule} missed"),
            CauseKind::Expectation => "scenario".to_owned(),
            CauseKind::NotImplemented => "not implemented".to_owned(),
            CauseKind::Panic => "panic".to_owned(),
            CauseKind::Misused => "misused thread".to_owned(),
            CauseKind::Stuck => "stuck".to_owned(),
            CauseKind::NotJudged => "not judged".to_owned(),
            CauseKind::Deadlock => "deadlock".to_owned(),
            CauseKind::Livelock => "livelock".to_owned(),
            CauseKind::TimeUp => "time up".to_owned(),
            CauseKind::NotReproducible => "not reproducible".to_owned(),
            CauseKind::Trace => "no trace".to_owned(),
            CauseKind::Kit => "kit".to_owned(),
        }
    }

    /// What was seen, as one sentence.
    pub fn sentence(&self) -> &str {
        match &self.seen {
            Seen::Failed(cause) => &cause.sentence,
            Seen::Died(sentence) | Seen::NotJudged(sentence) => sentence,
        }
    }

    /// Whether this is what `expected`, a rule's id or a scenario's name, stands for.
    pub fn is(&self, expected: &str) -> bool {
        self.kills() && (self.scenario == expected || self.label() == expected)
    }
}
