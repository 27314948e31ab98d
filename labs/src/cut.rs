//! Regions: where the solution stands in a file, and the file with stubs in its place.
//!
//! A marker is one line, `// region lab2a: <sentence>`, directly above a function or among its attributes
//! and docs. Its region is the whole body of that function.
//!
//! Invariants: functions are found by a parser, so braces in texts and comments mislead nobody; everything
//! outside the replaced bodies stays byte for byte what it was.

use proc_macro2::{TokenStream, TokenTree};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// How a marker line begins, after its indentation.
const MARKER: &str = "// region";

/// A function body that belongs to the solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The part of the course, such as `lab2a`.
    pub lab: String,
    /// What the student is to write.
    pub sentence: String,
    /// The function's name.
    pub function: String,
    /// The marker's line, from 1.
    pub line: usize,
    /// The bytes of the body, braces included.
    body: Range<usize>,
    /// The indentation of the function's last line.
    indent: String,
}

/// Something about markers that is wrong, at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub sentence: String,
}

/// A function as the parser sees it, in bytes.
struct Function {
    name: String,
    /// Of its first token, attributes and docs included.
    start: usize,
    /// Of its first token after attributes and docs.
    head: usize,
    body: Range<usize>,
}

/// The regions of a file, in order.
pub fn regions(text: &str) -> Result<Vec<Region>, CutError> {
    let markers = markers(text);
    if markers.is_empty() {
        return Ok(Vec::new());
    }
    let parse =
        |why: &dyn std::fmt::Display, line| CutError { line, sentence: format!("this is not Rust: {why}") };
    let tokens: TokenStream =
        text.parse().map_err(|why: proc_macro2::LexError| parse(&why, why.span().start().line))?;
    let mut leaves = Vec::new();
    flatten(tokens.clone(), &mut leaves);
    let file: syn::File = syn::parse2(tokens).map_err(|why| parse(&why, why.span().start().line))?;
    let mut functions = Functions::default();
    functions.visit_file(&file);

    let mut regions: Vec<Region> = Vec::new();
    for marker in markers {
        // Inside a text it is no comment.
        if leaves.iter().any(|leaf| leaf.start < marker.start && marker.start < leaf.end) {
            continue;
        }
        let Some((lab, sentence)) = marker.parse() else {
            let sentence = "a marker is written `// region lab2a: What the student is to write.`";
            return Err(CutError { line: marker.line, sentence: sentence.to_owned() });
        };
        let Some(function) = owner(&marker, &functions.0, &leaves) else {
            let sentence = "no function stands directly below this marker: put it above the function (or among its \
                            attributes) whose whole body is the solution";
            return Err(CutError { line: marker.line, sentence: sentence.to_owned() });
        };
        if let Some(other) = regions.iter().find(|region| region.body.contains(&function.body.start)) {
            let sentence = format!(
                "`{}` is already in the region of line {}: one function body, one marker",
                function.name, other.line
            );
            return Err(CutError { line: marker.line, sentence });
        }
        let last_line = text[..function.body.end].rfind('\n').map_or(0, |newline| newline + 1);
        let indent = text[last_line..].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
        regions.push(Region {
            lab: lab.to_owned(),
            sentence: sentence.to_owned(),
            function: function.name.clone(),
            line: marker.line,
            body: function.body.clone(),
            indent,
        });
    }
    Ok(regions)
}

/// The file with a stub in place of every one of these regions.
pub fn cut<'a>(text: &str, regions: impl IntoIterator<Item = &'a Region>) -> String {
    let mut regions: Vec<&Region> = regions.into_iter().collect();
    regions.sort_by_key(|region| region.body.start);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for region in regions {
        out.push_str(&text[done..region.body.start]);
        out.push_str(&stub(region));
        done = region.body.end;
    }
    out.push_str(&text[done..]);
    out
}

fn stub(region: &Region) -> String {
    let Region { lab, sentence, function, indent, .. } = region;
    let what = format!("{lab}: {function}: {sentence}");
    // Formatted as rustfmt would, so that a starter is as clean as the solution.
    let call = format!("{indent}    labrpc::not_implemented!({what:?})");
    let call = if call.chars().count() <= 110 {
        call
    } else {
        format!("{indent}    labrpc::not_implemented!(\n{indent}        {what:?}\n{indent}    )")
    };
    format!("{{\n{call}\n{indent}}}")
}

/// A line that begins as a marker does; perhaps only a line of a text.
struct Marker<'a> {
    /// What follows [`MARKER`].
    rest: &'a str,
    /// From 1.
    line: usize,
    /// The byte at which its comment begins.
    start: usize,
}

impl Marker<'_> {
    /// The part and the sentence.
    fn parse(&self) -> Option<(&str, &str)> {
        let (lab, sentence) = self.rest.strip_prefix(' ')?.split_once(':')?;
        let (lab, sentence) = (lab.trim(), sentence.trim());
        (!lab.is_empty() && !lab.contains(' ') && !sentence.is_empty()).then_some((lab, sentence))
    }
}

fn markers(text: &str) -> Vec<Marker<'_>> {
    let mut offset = 0;
    let lines = text.split_inclusive('\n').enumerate().filter_map(|(number, line)| {
        let start = offset + (line.len() - line.trim_start().len());
        offset += line.len();
        let rest = line.trim().strip_prefix(MARKER)?;
        // `// regional` is an ordinary comment.
        let ours = rest.is_empty() || rest.starts_with([' ', ':']);
        ours.then_some(Marker { rest, line: number + 1, start })
    });
    lines.collect()
}

/// The function that the marker belongs to: the next one, with nothing but its own attributes between.
fn owner<'a>(
    marker: &Marker<'_>,
    functions: &'a [Function],
    leaves: &[Range<usize>],
) -> Option<&'a Function> {
    let next = functions
        .iter()
        .filter(|function| function.head > marker.start)
        .min_by_key(|function| function.head)?;
    let between = leaves.iter().any(|leaf| leaf.start > marker.start && leaf.start < next.start);
    (!between).then_some(next)
}

/// The bytes of every token that contains no other.
fn flatten(tokens: TokenStream, out: &mut Vec<Range<usize>>) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                out.push(group.span_open().byte_range());
                flatten(group.stream(), out);
                out.push(group.span_close().byte_range());
            }
            leaf => out.push(leaf.span().byte_range()),
        }
    }
}

#[derive(Default)]
struct Functions(Vec<Function>);

impl Functions {
    fn add(
        &mut self,
        attributes: &[syn::Attribute],
        vis: Option<&syn::Visibility>,
        sig: &syn::Signature,
        body: &syn::Block,
    ) {
        let signature = sig.span().byte_range().start;
        let head = match vis {
            Some(syn::Visibility::Inherited) | None => signature,
            Some(vis) => vis.span().byte_range().start,
        };
        let first = attributes.iter().map(|attribute| attribute.span().byte_range().start).min();
        let braces = body.brace_token.span;
        self.0.push(Function {
            name: sig.ident.to_string(),
            start: first.map_or(head, |first| first.min(head)),
            head,
            body: braces.open().byte_range().start..braces.close().byte_range().end,
        });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.attrs, Some(&item.vis), &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.attrs, Some(&item.vis), &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.attrs, None, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
