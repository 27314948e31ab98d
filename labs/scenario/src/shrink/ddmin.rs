//! Delta debugging: a small part of a list that still does what the whole list did (Zeller and Hildebrandt, 2002).

/// The items that must be kept for `works` to hold of them, in their order. It is taken to hold of all items. The result
/// is minimal in that no single item can be left out, as long as `works` gives every question the same answer.
pub fn ddmin<T: Clone>(items: &[T], mut works: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = items.to_vec();
    if kept.is_empty() || works(&[]) {
        return Vec::new();
    }
    let mut parts = 2.min(kept.len());
    while kept.len() > 1 {
        let pieces = split(&kept, parts);
        let rest = |number: usize| -> Vec<T> {
            let others = pieces.iter().enumerate().filter(|(other, _)| *other != number);
            others.flat_map(|(_, piece)| piece.iter().cloned()).collect()
        };
        if let Some(piece) = pieces.iter().find(|piece| works(piece)) {
            kept = piece.to_vec();
            parts = 2;
        } else if let Some(others) = (0..pieces.len()).map(rest).find(|others| parts > 2 && works(others)) {
            kept = others;
            parts = (parts - 1).max(2);
        } else if parts < kept.len() {
            parts = (parts * 2).min(kept.len());
        } else {
            break;
        }
        parts = parts.min(kept.len());
    }
    kept
}

/// The items in so many pieces of nearly the same length.
fn split<T>(items: &[T], parts: usize) -> Vec<&[T]> {
    let mut rest = items;
    let mut pieces = Vec::new();
    for left in (1..=parts).rev() {
        let (piece, others) = rest.split_at(rest.len() / left);
        pieces.push(piece);
        rest = others;
    }
    pieces
}
