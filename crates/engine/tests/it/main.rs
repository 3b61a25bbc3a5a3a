//! What the engine promises: wrong mart files are refused with their place, and landing gives the same rows however it is
//! spread and however little memory it has.

mod landing;
mod mart_files;
mod plain_marts;
mod scene;
