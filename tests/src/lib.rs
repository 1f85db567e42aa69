//! What drives the real window: a WebDriver client and the few things a person does on the screens.

pub mod driver;
mod http;
pub mod screens;
pub mod webdriver;
pub mod writes;
