//! Every format of one report that holds whatever texts and figures there can be.

mod golden;
mod page;
mod rich;
mod shape;
