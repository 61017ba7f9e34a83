//! Showing what is configured.

use serde_json::json;

use super::App;
use crate::cli::ConfigVerb;
use crate::config::Row;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;

/// `ipa config …`
pub(super) fn run(app: &App, verb: &ConfigVerb) -> Result<Exit, Failure> {
    match verb {
        ConfigVerb::Show { origin } => {
            let origin = *origin;
            let mut rows = app.settings.rows();
            let data = app.settings.data.display().to_string();
            rows.push(Row {
                key: "data_dir".to_owned(),
                value: data.into(),
                origin: "flag or platform".to_owned(),
            });
            let items = json!({ "schema": "ipa.config.list/v1", "items": rows, "next": null });
            app.out.reply(&items, |_items| {
                let mut table =
                    Table::new(if origin { &["KEY", "VALUE", "FROM"] } else { &["KEY", "VALUE"] });
                for row in &rows {
                    let mut cells = vec![row.key.clone(), row.value.to_string()];
                    cells.extend(origin.then(|| row.origin.clone()));
                    table.row(cells);
                }
                Ok(table.render())
            })?;
            Ok(Exit::Done)
        }
    }
}
