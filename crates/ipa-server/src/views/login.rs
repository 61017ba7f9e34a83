//! The way in: a field for the code or the token.

use maud::{Markup, html};

use super::layout;
use crate::web::LoginNotice;

/// Shows the login page. The script fills in and sends the code that is behind the `#` of the address.
pub(crate) fn page(notice: LoginNotice, next: &str) -> Markup {
    let says = match notice {
        LoginNotice::None => "",
        LoginNotice::Wrong => "That is neither a login code that still works nor the token.",
        LoginNotice::Needed | LoginNotice::FromElsewhere => "This page needs you to be logged in.",
    };
    let refresh = (notice == LoginNotice::FromElsewhere).then_some("0");
    layout::bare_page(
        "Log in",
        refresh,
        &html! {
            form.login method="post" action="/login" data-login {
                h1 { "Log in to ipa" }
                @if !says.is_empty() { p.flash role="alert" { (says) } }
                label for="token" { "Login code or token" }
                input id="token" name="token" type="password" autocomplete="current-password" required autofocus;
                input type="hidden" name="next" value=(next);
                button.primary { "Log in" }
                p.quiet {
                    "The code is at the end of the address that " code { "ipa serve" } " printed; it works once. The token is in the file "
                    code { "token" } " of the data directory."
                }
            }
        },
    )
}
