//! Whole-program tests: they start the real binary on projects in temporary folders, and look at what a person or a
//! reader of the tables would see.

mod shop;

mod real_sales;

mod complete;

mod crash;

mod lease;

mod odd_files;

mod off_list;

mod rebuild;

mod redelivery;

mod formats;

mod history;

mod replay;

mod report_daily;
mod report_monthly;
mod reports_follow;

mod revoke;

mod optimize;

mod away;
mod own_marts;

mod nasty;

mod verify;
mod withdrawn;

mod transcripts;

mod query;

mod shell;

mod secrets;

mod canary;

mod coupons;

mod servers;

mod production;

mod canary_servers;
