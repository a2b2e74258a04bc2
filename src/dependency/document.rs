//! The `dependence` of a DEPENDENT node (`EasyScheduler 1.0.1: data model 5.6`).

use super::Relation;
use crate::model::{DefinitionId, Node};
use serde_json::Value;

/// What a node depends upon, as its author drew it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependence {
    pub relation: Relation,
    pub groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub relation: Relation,
    pub items: Vec<Item>,
}

/// Runs of one definition, or of one node of it, in the intervals of a date value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub definition: DefinitionId,
    /// `depTasks`; `None`: the whole run.
    pub node: Option<String>,
    /// Only a name: the date value says it all.
    pub cycle: String,
    pub date_value: String,
}

impl Item {
    /// What results are filed under: in the task's log and in `dependentResult`.
    pub fn key(&self) -> String {
        let node = self.node.as_deref().unwrap_or(ALL);
        format!("{}-{node}-{}-{}", self.definition, self.cycle, self.date_value)
    }
}

/// What stands for the whole run.
const ALL: &str = "ALL";

impl Dependence {
    /// Reads it as leniently as the rest of a document: it may be JSON text, and numbers may be.
    ///
    /// # Errors
    /// A sentence about the first thing that makes no sense.
    pub fn of(node: &Node) -> Result<Dependence, String> {
        let written = match node.source.get("dependence") {
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|why| format!("it is not JSON: {why}"))?,
            written => written.cloned().unwrap_or(Value::Null),
        };
        let groups = list(&written, "dependTaskList")?.iter().map(group).collect::<Result<_, _>>()?;
        Ok(Dependence { relation: relation(&written)?, groups })
    }

    /// All items, group by group.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.groups.iter().flat_map(|group| &group.items)
    }
}

fn group(written: &Value) -> Result<Group, String> {
    let items = list(written, "dependItemList")?.iter().map(item).collect::<Result<_, _>>()?;
    Ok(Group { relation: relation(written)?, items })
}

fn item(written: &Value) -> Result<Item, String> {
    let text = |key: &str| written.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let definition = match written.get("definitionId") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let definition = definition.and_then(|id| i32::try_from(id).ok()).filter(|id| *id != 0);
    let definition = definition.ok_or("an item names no definition (`definitionId`)")?;
    Ok(Item {
        definition: DefinitionId(definition),
        node: Some(text("depTasks")).filter(|name| !name.is_empty() && name != ALL),
        cycle: text("cycle"),
        date_value: text("dateValue"),
    })
}

/// A list that holds nothing may be missing.
fn list<'a>(of: &'a Value, key: &str) -> Result<&'a [Value], String> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(format!("`{key}` is not a list")),
    }
}

fn relation(of: &Value) -> Result<Relation, String> {
    match of.get("relation").and_then(Value::as_str) {
        None | Some("" | "AND") => Ok(Relation::And),
        Some("OR") => Ok(Relation::Or),
        Some(other) => Err(format!("`relation` is AND or OR, not `{other}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Document;
    use serde_json::json;

    fn read(dependence: Value) -> Result<Dependence, String> {
        let node = json!({"type": "DEPENDENT", "name": "waits", "params": {}, "dependence": dependence});
        let document = Document::from_value(&json!({"tasks": [node]})).unwrap();
        Dependence::of(&document.nodes[0])
    }

    /// As the front-end of 1.0.1 writes it.
    fn written() -> Value {
        json!({"relation": "AND", "dependTaskList": [
            {"relation": "OR", "dependItemList": [
                {"projectId": 1, "definitionId": 5, "depTasks": "ALL", "cycle": "day", "dateValue": "last1Days"},
                {"definitionId": "6", "depTasks": "export", "cycle": "hour", "dateValue": "last1Hour"}]}]})
    }

    #[test]
    fn what_the_front_end_writes_is_read_also_as_text() {
        let read_back = read(written()).unwrap();
        let keys: Vec<String> = read_back.items().map(Item::key).collect();
        assert_eq!(keys, ["5-ALL-day-last1Days", "6-export-hour-last1Hour"]);
        assert_eq!((read_back.relation, read_back.groups[0].relation), (Relation::And, Relation::Or));
        assert_eq!(read(json!(written().to_string())).unwrap(), read_back);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let item = |item: Value| json!({"dependTaskList": [{"dependItemList": [item]}]});
        for (dependence, why) in [
            (json!({"relation": "XOR"}), "`relation` is AND or OR, not `XOR`"),
            (json!({"dependTaskList": 7}), "`dependTaskList` is not a list"),
            (item(json!({"depTasks": "ALL"})), "an item names no definition (`definitionId`)"),
            (item(json!({"definitionId": 0})), "an item names no definition (`definitionId`)"),
        ] {
            assert_eq!(read(dependence), Err(why.to_owned()));
        }
        assert_eq!(read(json!({})).unwrap().groups, []);
    }
}
