//! The inbox of webhooks in the file.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::fault::Failure;
use super::read::{Readers, failed, parsed, signed, time, unsigned};
use super::writer::Writer;
use crate::store::{AppendError, Arrival, Delivery, DeliveryNumber, NewDelivery, ReadError};

const KEEP: &str = "\
    INSERT INTO deliveries (connector, delivery, kind, body, came_at) VALUES (?, ?, ?, ?, ?) \
    ON CONFLICT (connector, delivery) DO NOTHING";

const HANDLED: &str = "\
    UPDATE deliveries SET handled = 1, body = NULL \
    WHERE handled = 0 AND number IN (SELECT value FROM json_each(?))";

const NEXT: &str = "\
    SELECT number, connector, delivery, kind, body, came_at FROM deliveries \
    WHERE handled = 0 AND number > ? ORDER BY number LIMIT 1";

impl Writer {
    pub(super) async fn keep_delivery(&mut self, delivery: NewDelivery) -> Result<Arrival, AppendError> {
        self.may_write()?;
        let NewDelivery { connector, id, kind, body, came_at } = delivery;
        let keep = sqlx::query(KEEP)
            .bind(connector.as_str().to_owned())
            .bind(id)
            .bind(kind)
            .bind(body)
            .bind(came_at.as_microsecond());
        match keep.execute(&mut self.connection).await {
            Ok(done) if done.rows_affected() == 0 => Ok(Arrival::Seen),
            Ok(_) => Ok(Arrival::New),
            Err(error) => Err(Failure::of(&error).into_error()),
        }
    }

    pub(super) async fn delivery_handled(&mut self, numbers: Vec<DeliveryNumber>) -> Result<(), AppendError> {
        self.may_write()?;
        let numbers: Vec<String> = numbers.iter().map(|number| number.get().to_string()).collect();
        let handled = sqlx::query(HANDLED).bind(format!("[{}]", numbers.join(",")));
        let handled = handled.execute(&mut self.connection).await;
        handled.map(|_done| ()).map_err(|error| Failure::of(&error).into_error())
    }

    pub(super) async fn forget_deliveries(&mut self, before: Timestamp) -> Result<u64, AppendError> {
        self.may_write()?;
        let forget = sqlx::query("DELETE FROM deliveries WHERE came_at < ?").bind(before.as_microsecond());
        let forgotten = forget.execute(&mut self.connection).await;
        forgotten.map(|done| done.rows_affected()).map_err(|error| Failure::of(&error).into_error())
    }
}

impl Readers {
    pub(super) async fn delivery(&self, after: DeliveryNumber) -> Result<Option<Delivery>, ReadError> {
        let row = sqlx::query(NEXT).bind(signed(after.get())).fetch_optional(self.pool()).await;
        let delivery = row.and_then(|row| row.as_ref().map(delivery).transpose());
        delivery.map_err(|error| failed("the inbox of webhooks", error))
    }
}

fn delivery(row: &SqliteRow) -> Result<Delivery, sqlx::Error> {
    Ok(Delivery {
        number: DeliveryNumber::new(unsigned(row, 0)?),
        what: NewDelivery {
            connector: parsed(row, 1)?,
            id: row.try_get(2)?,
            kind: row.try_get(3)?,
            body: row.try_get(4)?,
            came_at: time(row, 5)?,
        },
    })
}
