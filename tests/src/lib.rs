//! What drives the real programs: a WebDriver client with the few things a person does on the screens, and calls to the
//! program without a window; and what looks for what they leave on the computer.

pub mod crowd;
pub mod driver;
pub mod http;
pub mod screens;
pub mod scrolling;
pub mod traces;
pub mod webdriver;
pub mod writes;
