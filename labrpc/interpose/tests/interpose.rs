//! Tries out what the crate promises.
fn main() {
    println!("{:?}", labrpc_interpose::Guarantee::look());
}
