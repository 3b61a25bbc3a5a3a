//! The whole life of source files, in process: a small project in a folder of its own, real tables, real database.

mod baskets;
mod expected;
mod histories;
mod incentive;
mod monthly;
mod one_moment;
mod project;
mod questions;
mod radosgw;
mod stretches;
mod sums;
mod vacuum;
mod verify_beside_a_run;
