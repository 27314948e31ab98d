//! Regions: what a stub replaces, and which markers are refused.

use labs::cut::{Region, cut, regions};

/// The file with all its regions cut.
fn stubbed(text: &str) -> String {
    let regions = regions(text).unwrap_or_else(|error| panic!("{}: {}", error.line, error.sentence));
    cut(text, &regions)
}

fn error(text: &str) -> (usize, String) {
    let error = regions(text).expect_err("the marker is wrong");
    (error.line, error.sentence)
}

#[test]
fn the_whole_body_goes_and_nothing_else() {
    let text = "\
use x::Y;   // two  spaces

impl Core {
    /// Says hello.
    // region lab2a: say hello (§5.2)
    #[inline]
    pub(crate) fn hello<T: Into<String>>(&mut self, who: T) -> Option<String>
    where
        T: Clone,
    {
        let brace = \"}\"; // }
        /* } */
        let other = '}'; let raw = r#\"}\"#;
        if true { None } else { Some(who.into()) }
    }

    fn kept() { /* region lab2a: no */ }
}
";
    let expected = "\
use x::Y;   // two  spaces

impl Core {
    /// Says hello.
    // region lab2a: say hello (§5.2)
    #[inline]
    pub(crate) fn hello<T: Into<String>>(&mut self, who: T) -> Option<String>
    where
        T: Clone,
    {
        labrpc::not_implemented!(\"lab2a: hello: say hello (§5.2)\")
    }

    fn kept() { /* region lab2a: no */ }
}
";
    assert_eq!(stubbed(text), expected);
}

#[test]
fn functions_may_nest_and_stand_anywhere() {
    let text = "\
// region lab1: outer
fn outer() { fn inner() { 1; } inner() }
mod m { trait T { // region lab1: default
fn default(&self) -> u8 { 2 } fn required(&self); } }
fn given() {
    // region lab1: within
    async fn within() { 3; }
}
";
    let expected = "\
// region lab1: outer
fn outer() {
    labrpc::not_implemented!(\"lab1: outer: outer\")
}
mod m { trait T { // region lab1: default
fn default(&self) -> u8 {
    labrpc::not_implemented!(\"lab1: default: default\")
} fn required(&self); } }
fn given() {
    // region lab1: within
    async fn within() {
        labrpc::not_implemented!(\"lab1: within: within\")
    }
}
";
    // A marker is a line of its own: the one behind `trait T {` is an ordinary comment.
    let expected =
        expected.replace("{\n    labrpc::not_implemented!(\"lab1: default: default\")\n}", "{ 2 }");
    assert_eq!(stubbed(text), expected);
}

#[test]
fn texts_are_quoted_and_long_ones_broken() {
    let text = "// region lab2a: say \"{}\" and \\n\nfn a() {}\n";
    assert!(stubbed(text).contains(r#"("lab2a: a: say \"{}\" and \\n")"#), "{}", stubbed(text));
    let long = format!("// region lab2a: {}\nfn a() {{}}\n", "word ".repeat(30));
    assert!(stubbed(&long).contains("not_implemented!(\n        \"lab2a: a: word"), "{}", stubbed(&long));
}

#[test]
fn line_ends_and_other_comments_stay() {
    let text = "// regional\r\n// region lab2a: go\r\nfn a() {\r\n    1;\r\n}\r\n// end\r\n";
    let expected = "// regional\r\n// region lab2a: go\r\nfn a() {\n    \
                    labrpc::not_implemented!(\"lab2a: a: go\")\n}\r\n// end\r\n";
    assert_eq!(stubbed(text), expected);
    // A stub can be stubbed again: what it came from no longer matters.
    assert_eq!(stubbed(expected), expected);
}

#[test]
fn a_marker_in_a_text_is_no_marker() {
    let text = "const HELP: &str = \"\n// region lab2a: write\n// region\n\";\nfn a() {}\n";
    assert_eq!(regions(text), Ok(vec![]));
}

#[test]
fn only_some_regions_can_be_cut() {
    let text = "// region lab2a: one\nfn one() { 1; }\n// region lab2b: two\nfn two() { 2; }\n";
    let regions = regions(text).expect("two good markers");
    let of_2b: Vec<&Region> = regions.iter().filter(|region| region.lab == "lab2b").collect();
    let out = cut(text, of_2b);
    assert!(out.contains("fn one() { 1; }") && out.contains("lab2b: two: two"), "{out}");
    assert_eq!(cut(text, []), text);
}

#[test]
fn a_marker_needs_a_function() {
    let sentence = "no function stands directly below this marker";
    for text in [
        "fn a() {}\n// region lab2a: nothing follows\n",
        "\n// region lab2a: a type follows\nstruct S;\nfn a() {}\n",
        "trait T {\n// region lab2a: no body\nfn a(&self);\n}\nfn b() {}\n",
    ] {
        let (line, said) = error(text);
        assert!(line == 2 && said.starts_with(sentence), "{line}: {said}");
    }
}

#[test]
fn one_body_has_one_marker() {
    let twice = "// region lab2a: one\n// region lab2b: two\nfn a() {}\n";
    assert_eq!(
        error(twice),
        (2, "`a` is already in the region of line 1: one function body, one marker".to_owned())
    );
    let nested = "// region lab2a: one\nfn a() {\n    // region lab2a: two\n    fn b() {}\n}\n";
    assert_eq!(
        error(nested),
        (3, "`b` is already in the region of line 1: one function body, one marker".to_owned())
    );
}

#[test]
fn a_marker_has_a_lab_and_a_sentence() {
    for text in ["// region\nfn a() {}\n", "// region lab2a\nfn a() {}\n", "// region lab2a:\nfn a() {}\n"] {
        let written = "a marker is written `// region lab2a: What the student is to write.`";
        assert_eq!(error(text), (1, written.to_owned()));
    }
    assert!(error("// region lab2a: x\nfn a( {}\n").1.starts_with("this is not Rust: "));
}
