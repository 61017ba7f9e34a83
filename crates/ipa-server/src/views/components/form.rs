//! What every form needs: where it goes and the proof that it is ours.

use maud::{Markup, html};

use crate::security::forms::FORM_FIELD;

/// What every form of a page carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forms<'a> {
    /// The proof that a form was made for this viewer.
    csrf: &'a str,
    /// What the script of the page does with a form.
    script: Script,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// It sends the form, and the stream shows what that did.
    Sends,
    /// Nothing: the answer is another page.
    Stays,
}

impl<'a> Forms<'a> {
    /// Makes forms for a page whose regions the stream keeps in step.
    pub(crate) const fn live(csrf: &'a str) -> Self {
        Self { csrf, script: Script::Sends }
    }

    /// Makes forms that lead to another page.
    pub(crate) const fn leaving(csrf: &'a str) -> Self {
        Self { csrf, script: Script::Stays }
    }

    /// Makes a form that posts `fields` to `action`, with or without a script.
    pub(crate) fn post(self, action: &str, fields: &Markup) -> Markup {
        html! {
            form method="post" action=(action) data-live[self.script == Script::Sends] {
                input type="hidden" name=(FORM_FIELD) value=(self.csrf);
                (fields)
            }
        }
    }

    /// Makes a form that is one button: it asks for one thing.
    pub(crate) fn button(self, action: &str, (verb, label): (&str, &str)) -> Markup {
        self.post(action, &html! { button name="type" value=(verb) { (label) } })
    }
}
