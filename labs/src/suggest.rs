//! Which names a mistyped one may have meant.

/// The sentence about a beginning with which no name begins, and what it may have meant.
pub fn unknown(asked: &str, names: &[String]) -> String {
    sentence(format!("no scenario's name begins with `{asked}`"), asked, names)
}

/// The sentence about a whole name that is no scenario's, and what it may have meant.
pub fn unknown_whole(asked: &str, names: &[String]) -> String {
    sentence(format!("no scenario is called `{asked}`"), asked, names)
}

/// The sentence about a name that no demo has, with those that there are.
pub fn unknown_demo(asked: &str, names: &[String]) -> String {
    match &nearest(asked, names)[..] {
        [] => format!("no demo is called `{asked}`; there are {}", list(names, "and")),
        near => format!("no demo is called `{asked}`; did you mean {}?", list(near, "or")),
    }
}

fn sentence(what: String, asked: &str, names: &[String]) -> String {
    let labs = labs(names);
    // Who names a lab that does not exist wants to know which there are, not a scenario of another one.
    let lab = asked.split('_').next().unwrap_or(asked).to_lowercase();
    let no_such_lab = lab.starts_with("lab") && !labs.contains(&lab);
    let near = if no_such_lab { vec![] } else { nearest(asked, names) };
    match &near[..] {
        [] if labs.is_empty() => format!("{what}; there is none at all"),
        [] => format!("{what}; there are {}", list(&labs, "and")),
        near => format!("{what}; did you mean {}?", list(near, "or")),
    }
}

/// The labs of these scenarios, each once, in order.
fn labs(names: &[String]) -> Vec<String> {
    let labs = names.iter().map(|name| name.split('_').next().unwrap_or(name).to_owned());
    labs.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn list(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}

/// The names near to the one asked for, best first, at most three.
pub fn nearest(asked: &str, names: &[String]) -> Vec<String> {
    let asked = asked.to_lowercase();
    if asked.is_empty() {
        return Vec::new();
    }
    let length = asked.chars().count();
    let score = |name: &String| {
        // Whoever asks for `deaf` or `05` knows a piece of the name: that beats any number of equal letters.
        let piece = if length > 1 && name.contains(&asked) { 1.0 } else { 0.0 };
        // A beginning is usually typed, so the name is compared with as much of it as was asked for.
        let beginning: String = name.chars().take(length).collect();
        let likeness = strsim::jaro_winkler(&asked, name)
            .max(strsim::normalized_damerau_levenshtein(&asked, &beginning));
        // All names begin alike, which makes likeness alone suggest anything: one letter in four may be wrong.
        let slips =
            strsim::damerau_levenshtein(&asked, &beginning).min(strsim::damerau_levenshtein(&asked, name));
        (piece > 0.0 || slips * 4 <= length).then_some(piece + likeness)
    };
    let mut scored: Vec<(f64, &String)> =
        names.iter().filter_map(|name| Some((score(name)?, name))).collect();
    scored.sort_by(|(one, name), (two, other)| two.total_cmp(one).then(name.cmp(other)));
    // What is much less like it than the best one only distracts.
    let bar = scored.first().map_or(1.0, |(best, _)| (best - 0.08).max(0.7));
    scored.into_iter().filter(|(score, _)| *score >= bar).take(3).map(|(_, name)| name.clone()).collect()
}
