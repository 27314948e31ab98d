//! Which names a mistyped one may have meant.

/// The sentence about a beginning with which no name begins, and what it may have meant.
pub fn unknown(asked: &str, names: &[String]) -> String {
    sentence(format!("no scenario's name begins with `{asked}`"), asked, names)
}

/// The sentence about a whole name that is no scenario's, and what it may have meant.
pub fn unknown_whole(asked: &str, names: &[String]) -> String {
    sentence(format!("no scenario is called `{asked}`"), asked, names)
}

fn sentence(what: String, asked: &str, names: &[String]) -> String {
    match &nearest(asked, names)[..] {
        [] => format!("{what}; `cargo labs run` without a name runs them all"),
        [one] => format!("{what}; did you mean {one}?"),
        [most @ .., last] => format!("{what}; did you mean {} or {last}?", most.join(", ")),
    }
}

/// The names closest to the one asked for, best first, at most three.
pub fn nearest(asked: &str, names: &[String]) -> Vec<String> {
    let asked = asked.to_lowercase();
    if asked.is_empty() {
        return Vec::new();
    }
    let score = |name: &String| {
        // Whoever asks for `deaf` or `05` knows a piece of the name: that beats any number of equal letters.
        let piece = if asked.len() > 1 && name.contains(&asked) { 1.0 } else { 0.0 };
        // A beginning is usually typed, so the name is compared with as much of it as was asked for.
        let beginning: String = name.chars().take(asked.chars().count()).collect();
        let likeness = strsim::jaro_winkler(&asked, name)
            .max(strsim::normalized_damerau_levenshtein(&asked, &beginning));
        piece + likeness
    };
    let mut scored: Vec<(f64, &String)> = names.iter().map(|name| (score(name), name)).collect();
    scored.sort_by(|(one, name), (two, other)| two.total_cmp(one).then(name.cmp(other)));
    // What is much less like it than the best one only distracts.
    let bar = scored.first().map_or(1.0, |(best, _)| (best - 0.08).max(0.7));
    scored.into_iter().filter(|(score, _)| *score >= bar).take(3).map(|(_, name)| name.clone()).collect()
}
