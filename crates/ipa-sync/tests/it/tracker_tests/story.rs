//! A ticket from its first comment to the end, on both flavours.

use serde_json::{Value, json};

use super::client::{Client, keys, text};
use crate::tracker::{Flavour, Tracker};

#[tokio::test]
async fn a_ticket_goes_from_its_first_comment_to_done() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let ipa = Client::new(&tracker, "ipa");
        let key = tracker.person("ann").create("Fix the retry", "It retries for ever.");
        let issue = format!("issue/{key}");

        let info = ipa.get("serverInfo").await.body;
        let kind = if flavour == Flavour::Cloud { "Cloud" } else { "Server" };
        assert_eq!(info["deploymentType"], kind);
        let myself = ipa.get("myself").await.body;
        let id = if flavour == Flavour::Cloud { "accountId" } else { "name" };
        assert_eq!(myself[id], tracker.id_of("ipa"));

        let seen = ipa.get(&format!("{issue}?fields=summary,status,labels")).await.body;
        assert_eq!(seen["fields"].as_object().unwrap().len(), 3);
        assert_eq!(seen["fields"]["status"]["statusCategory"]["key"], "new");
        assert_eq!(keys(&ipa.search("project = P AND statusCategory = \"To Do\"").await), [key.as_str()]);

        let moved = ipa.post(&format!("{issue}/transitions"), json!({ "transition": { "id": "21" } })).await;
        assert_eq!((moved.status, &moved.body), (204, &Value::Null));
        let said = ipa.comment(&key, "I am on it").await;
        assert_eq!((said.status, &said.body["author"][id]), (201, &json!(tracker.id_of("ipa"))));
        let at = format!("{issue}/comment/{}", said.body["id"].as_str().unwrap());
        let edited = ipa.put(&at, json!({ "body": text(flavour, "Nearly there") })).await;
        assert_eq!((edited.status, &edited.body["body"]), (200, &text(flavour, "Nearly there")));
        let link = json!({
            "globalId": "ipa:pr:example.com/o/r#7",
            "object": { "url": "https://example.com/o/r/pull/7", "title": "Fix the retry" },
        });
        assert_eq!(ipa.post(&format!("{issue}/remotelink"), link.clone()).await.status, 201);
        assert_eq!(ipa.post(&format!("{issue}/remotelink"), link).await.status, 200);
        let labels = json!({ "update": { "labels": [{ "add": "ipa" }] } });
        assert_eq!(ipa.put(&issue, labels).await.status, 204);
        assert_eq!(ipa.put(&format!("{issue}/properties/ipa"), json!({ "task": "T-1" })).await.status, 201);
        ipa.post(&format!("{issue}/transitions"), json!({ "transition": { "id": "31" } })).await;

        assert_eq!(tracker.status(&key), "Done");
        assert_eq!(tracker.comments(&key), [("ipa".to_owned(), "Nearly there".to_owned())]);
        let held = tracker.issue(&key).unwrap();
        assert_eq!(held["fields"]["labels"], json!(["ipa"]));
        assert_eq!(held["fields"]["resolution"]["name"], "Done");
        assert_eq!(held["properties"], json!({ "ipa": { "task": "T-1" } }));
        assert_eq!(held["links"].as_array().unwrap().len(), 1);
        tracker.person("ann").delete(&key);
        assert_eq!(ipa.get(&issue).await.status, 404);
    }
}
