//! Tests of the kit itself that stand beside the labs.

use crate::golden;
use scenario::Other;

pub(crate) fn tests() -> Vec<Other> {
    golden::tests()
}
