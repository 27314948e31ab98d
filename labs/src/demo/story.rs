//! A demo's script as the player reads it: a head of facts, then scenes of narration and lines.
//!
//! The lines are those of the scripted scenarios of Lab 2, and the narration is their comments. The first block
//! is the head: the title, and a fact a line. An empty line ends a block; each other block is a scene.
//!
//! Never: knows what a line does, beyond which of them only say how things stand at the start.

use std::collections::BTreeMap;

/// The verbs of lines that take no time: they describe the cluster before it starts.
const SETUP: [&str; 6] = ["servers", "real", "disk", "replicate", "durable", "max_entries"];

/// What the head says.
const FACTS: [&str; 6] = ["rule", "wrong", "mutant", "harm", "paper", "lab"];

/// A demo: what it shows, and the scenes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its title: `Figure 8: a majority of copies is not enough`.
    pub title: String,
    /// The rule that the wrong implementation breaks.
    pub rule: String,
    /// What is wrong with it, as one sentence.
    pub wrong: String,
    /// Which of the instructor's mutants that is: its trace is made by playing this script with it.
    pub mutant: String,
    /// What would have come of it.
    pub harm: String,
    /// Where the paper speaks of it.
    pub paper: String,
    /// The scenario of the labs that asks for it.
    pub lab: String,
    /// What happens, in order. The first may only set the scene.
    pub scenes: Vec<Scene>,
}

/// A part of a story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The narration before it.
    pub told: String,
    /// What happens in it.
    pub lines: Vec<Line>,
}

/// A line of a script that does something or expects something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line: `deliver s1->s2 vote`.
    pub text: String,
    /// Why an expectation must hold.
    pub why: Option<String>,
}

impl Line {
    /// Its first word.
    pub fn verb(&self) -> &str {
        self.text.split_whitespace().next().unwrap_or_default()
    }
}

impl Story {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// A fact is missing or unknown.
    pub fn parse(text: &str) -> Result<Story, String> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let mut blocks = lines.split(|line| line.is_empty()).filter(|block| !block.is_empty());
        let mut story = head(blocks.next().unwrap_or_default())?;
        story.scenes = blocks.map(scene).collect();
        Ok(story)
    }

    /// All lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.scenes.iter().flat_map(|scene| &scene.lines)
    }
}

fn head(block: &[&str]) -> Result<Story, String> {
    let mut lines = block.iter().filter_map(|line| line.strip_prefix('#')).map(str::trim);
    let title = lines.next().ok_or("the script has no title")?.to_owned();
    let mut facts: BTreeMap<&str, String> = BTreeMap::new();
    let mut last = None;
    for line in lines {
        match (line.split_once(": ").filter(|(key, _)| FACTS.contains(key)), last) {
            (Some((key, value)), _) => {
                facts.insert(key, value.to_owned());
                last = Some(key);
            }
            // A fact goes on in the next line.
            (None, Some(key)) => facts.entry(key).or_default().push_str(&format!(" {line}")),
            (None, None) => return Err(format!("the head of the script says `{line}`, which is no fact")),
        }
    }
    let mut fact =
        |key: &str| facts.remove(key).ok_or_else(|| format!("the head of the script says no `{key}`"));
    Ok(Story {
        title,
        rule: fact("rule")?,
        wrong: fact("wrong")?,
        mutant: fact("mutant")?,
        harm: fact("harm")?,
        paper: fact("paper")?,
        lab: fact("lab")?,
        scenes: Vec::new(),
    })
}

fn scene(block: &[&str]) -> Scene {
    let mut scene = Scene::default();
    for line in block {
        let (code, comment) = line.split_once('#').unwrap_or((line, ""));
        if !scene.told.is_empty() && !comment.is_empty() {
            scene.told.push(' ');
        }
        scene.told.push_str(comment.trim());
        let (text, why) = code.split_once("--").unwrap_or((code, ""));
        let (text, why) = (text.trim().to_owned(), why.trim());
        let line = Line { text, why: (!why.is_empty()).then(|| why.to_owned()) };
        if !line.text.is_empty() && !SETUP.contains(&line.verb()) {
            scene.lines.push(line);
        }
    }
    scene
}
