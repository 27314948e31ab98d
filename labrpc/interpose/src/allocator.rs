//! The allocator: the system's, which counts for protected threads.

use crate::state::{STATE, Stuck, put_to_rest};
use std::alloc::{GlobalAlloc, Layout, System};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Does `act` in the system's allocator, and counts so many bytes more.
fn counted<T>(bytes: isize, act: impl FnOnce() -> T) -> T {
    STATE.with(|state| {
        if !state.on.get() {
            return act();
        }
        let live = state.live.get() + bytes;
        state.live.set(live);
        if live > state.limit.get() {
            put_to_rest(Stuck::Memory);
        }
        state.allocating.set(true);
        let done = act();
        state.allocating.set(false);
        done
    })
}

// A layout's size fits into an isize.
// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by our caller.
        counted(layout.size() as isize, || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by our caller.
        counted(layout.size() as isize, || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as promised by our caller.
        counted(-(layout.size() as isize), || unsafe { System.dealloc(place, layout) });
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let more = size as isize - layout.size() as isize;
        // SAFETY: as promised by our caller.
        counted(more, || unsafe { System.realloc(place, layout, size) })
    }
}
