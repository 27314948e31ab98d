//! Who is polled first by `select!`.

use super::{ms, run, run_with};
use std::cell::RefCell;
use std::future::{pending, ready};
use std::rc::Rc;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// Which of three branches, all of them ready, wins each of 32 times.
fn winners(seed: u32) -> (Vec<u32>, Vec<u32>) {
    let won = Rc::new(RefCell::new(Vec::new()));
    let wins = won.clone();
    let world = run_with(seed, async move {
        for _ in 0..32 {
            let winner = tokio::select! {
                number = ready(0) => number,
                number = ready(1) => number,
                number = ready(2) => number,
            };
            wins.borrow_mut().push(winner);
        }
    });
    (won.take(), world.drawn.take())
}

#[test]
fn the_order_is_what_the_node_draws_and_nothing_else() {
    let (first, drawn) = winners(7);
    assert_eq!(drawn, [3; 32], "each poll draws once, among its branches");
    assert_eq!(winners(7).0, first);
    assert_ne!(winners(8).0, first);
    for branch in 0..3 {
        assert!(first.contains(&branch), "{branch} never wins: {first:?}");
    }
    // The numbers of the test world, by hand: if another draws, they are not these.
    let mut state = 7_u32;
    let by_hand: Vec<u32> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(2_654_435_761).wrapping_add(12_345);
        (state >> 16) % 3
    })
    .take(32)
    .collect();
    assert_eq!(first, by_hand);
}

#[test]
fn biased_polls_in_the_order_of_writing_and_draws_nothing() {
    let world = run(async {
        for _ in 0..32 {
            tokio::select! {
                biased;
                () = pending() => panic!("it never ends"),
                number = ready(1) => assert_eq!(number, 1),
                _ = ready(2) => panic!("it stands behind"),
            }
        }
    });
    assert!(world.drawn.borrow().is_empty());
}

#[test]
fn every_form_of_it_compiles_and_does_what_tokio_says() {
    run(async {
        // A branch that is switched off, and one whose pattern does not fit.
        let off = false;
        let got = tokio::select! {
            _ = ready(1), if off => "off",
            Some(_) = ready(None::<u8>) => "some",
            else => "else",
        };
        assert_eq!(got, "else");
        assert_eq!(tokio::select! { else => 1 }, 1);
        assert_eq!(tokio::select! { biased; else => 2, }, 2);
        // One branch, blocks without commas, a mutable borrow in a branch, and `?`-less flow out of it.
        let mut sum = 0;
        let (sender, mut receiver) = mpsc::channel(4);
        for number in 1..=3 {
            sender.send(number).await.expect("the receiver is here");
        }
        drop(sender);
        loop {
            tokio::select! {
                message = receiver.recv() => {
                    let Some(number) = message else { break };
                    sum += number;
                }
                () = sleep(ms(1)) => panic!("a message is there")
            }
        }
        assert_eq!(sum, 6);
        let (a, b) = tokio::select! { (a, b) = async { (1, 2) } => (a, b) };
        assert_eq!((a, b), (1, 2));
    });
}

#[test]
fn a_future_that_is_polled_by_reference_goes_on_where_it_was() {
    run(async {
        let long = sleep(ms(10));
        tokio::pin!(long);
        let mut ticks = 0;
        loop {
            tokio::select! {
                () = &mut long => break,
                () = sleep(ms(3)) => ticks += 1,
            }
        }
        assert_eq!(ticks, 3);
        let begin = Instant::now();
        long.as_mut().reset(begin + ms(5));
        long.await;
        assert_eq!(begin.elapsed(), ms(5));
    });
}
