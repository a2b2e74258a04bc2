//! What the results of items come to.

use serde::{Deserialize, Serialize};

/// How items make a group, and groups the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    And,
    Or,
}

/// The result of an item, of a group, of the node (`EasyScheduler 1.0.1: DependResult`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    Success,
    Waiting,
    Failed,
}

impl Relation {
    /// What these results come to. One that decides the rest decides at once, whatever the others still wait for.
    pub fn of(self, results: impl IntoIterator<Item = Verdict>) -> Verdict {
        let (decisive, otherwise) = match self {
            Relation::And => (Verdict::Failed, Verdict::Success),
            Relation::Or => (Verdict::Success, Verdict::Failed),
        };
        let mut verdict = otherwise;
        for result in results {
            if result == decisive {
                return decisive;
            }
            if result == Verdict::Waiting {
                verdict = Verdict::Waiting;
            }
        }
        verdict
    }
}

/// The verdict of a node from its groups: each a relation and the results of its items.
///
/// (The original waits until every group is decided, even where one of them is enough.)
pub fn of_node(relation: Relation, groups: &[(Relation, Vec<Verdict>)]) -> Verdict {
    relation.of(groups.iter().map(|(relation, items)| relation.of(items.iter().copied())))
}

#[cfg(test)]
mod tests {
    use super::Relation::{And, Or};
    use super::Verdict::{Failed, Success, Waiting};
    use super::*;

    #[test]
    fn two_results_come_to_one() {
        for (one, other, and, or) in [
            (Success, Success, Success, Success),
            (Success, Waiting, Waiting, Success),
            (Success, Failed, Failed, Success),
            (Waiting, Waiting, Waiting, Waiting),
            (Waiting, Failed, Failed, Waiting),
            (Failed, Failed, Failed, Failed),
        ] {
            for pair in [[one, other], [other, one]] {
                assert_eq!((And.of(pair), Or.of(pair)), (and, or), "{pair:?}");
            }
        }
    }

    #[test]
    fn d13_one_group_is_enough_under_or() {
        let groups = [(And, vec![Waiting, Success]), (Or, vec![Failed, Success])];
        assert_eq!(of_node(Or, &groups), Success);
        assert_eq!(of_node(And, &groups), Waiting);
    }
}
