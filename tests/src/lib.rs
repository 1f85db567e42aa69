//! What drives the real programs: a WebDriver client with the few things a person does on the screens, and calls to the
//! program without a window.

pub mod driver;
pub mod http;
pub mod screens;
pub mod webdriver;
pub mod writes;
