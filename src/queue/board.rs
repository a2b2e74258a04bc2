//! The attempts that wait in one master, or within one process.

use super::{Job, Rank};
use crate::model::Tag;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The most urgent attempt first; those of different worker groups wait in lanes of their own, so that one group
/// without a free slot holds up nobody else.
#[derive(Default)]
pub struct Board {
    lanes: BTreeMap<i32, BTreeMap<Rank, Arc<Job>>>,
    places: HashMap<Tag, (i32, Rank)>,
}

impl Board {
    /// Adds an attempt to the lane of its group. One whose tag is waiting already is not added twice.
    pub fn offer(&mut self, group: i32, job: Arc<Job>) {
        self.withdraw(job.tag);
        self.places.insert(job.tag, (group, job.rank));
        self.lanes.entry(group).or_default().insert(job.rank, job);
    }

    /// Takes the most urgent attempt of the groups that `allowed` names.
    pub fn take(&mut self, allowed: impl Fn(i32) -> bool) -> Option<Arc<Job>> {
        let lanes = self.lanes.iter().filter(|(group, _)| allowed(**group));
        let heads = lanes.filter_map(|(group, lane)| Some((*lane.first_key_value()?.0, *group)));
        let (rank, group) = heads.min()?;
        let lane = self.lanes.get_mut(&group)?;
        let job = lane.remove(&rank)?;
        if lane.is_empty() {
            self.lanes.remove(&group);
        }
        self.places.remove(&job.tag);
        Some(job)
    }

    /// Removes an attempt, if it waits.
    pub fn withdraw(&mut self, tag: Tag) -> Option<Arc<Job>> {
        let (group, rank) = self.places.remove(&tag)?;
        let lane = self.lanes.get_mut(&group)?;
        let job = lane.remove(&rank);
        if lane.is_empty() {
            self.lanes.remove(&group);
        }
        job
    }

    /// What waits, and in which group.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &Arc<Job>)> {
        self.lanes.iter().flat_map(|(group, lane)| lane.values().map(|job| (*group, job)))
    }

    pub fn contains(&self, tag: Tag) -> bool {
        self.places.contains_key(&tag)
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Priority;
    use crate::queue::tests::job;

    const ANY: i32 = -1;

    fn names(board: &mut Board, allowed: impl Fn(i32) -> bool) -> Vec<u64> {
        std::iter::from_fn(|| board.take(&allowed)).map(|job| job.tag.0).collect()
    }

    #[test]
    fn the_most_urgent_comes_first() {
        let mut board = Board::default();
        for (tag, ip, instance, tp, task) in [
            (1, Priority::Medium, 10, Priority::Medium, 5),
            (2, Priority::Medium, 9, Priority::Lowest, 100),
            (3, Priority::Medium, 9, Priority::Lowest, 9),
            (4, Priority::Highest, 50, Priority::Lowest, 7),
            (5, Priority::Medium, 10, Priority::High, 6),
        ] {
            board.offer(ANY, job(tag, ip, instance, tp, task));
        }
        assert_eq!(names(&mut board, |_| true), [4, 3, 2, 5, 1]);
        assert!(board.is_empty());
    }

    #[test]
    fn a_lane_that_is_not_allowed_holds_nobody_up() {
        let mut board = Board::default();
        board.offer(7, job(1, Priority::Highest, 1, Priority::Highest, 1));
        board.offer(ANY, job(2, Priority::Lowest, 2, Priority::Lowest, 2));
        assert_eq!(names(&mut board, |group| group == ANY), [2]);
        assert!(board.contains(Tag(1)));
        assert_eq!(names(&mut board, |_| true), [1]);
    }

    #[test]
    fn what_is_withdrawn_or_offered_twice_comes_once_or_not_at_all() {
        let mut board = Board::default();
        let twice = job(1, Priority::Medium, 1, Priority::Medium, 1);
        board.offer(ANY, twice.clone());
        board.offer(ANY, twice);
        board.offer(ANY, job(2, Priority::Medium, 1, Priority::Medium, 2));
        assert_eq!(board.len(), 2);
        assert!(board.withdraw(Tag(2)).is_some() && board.withdraw(Tag(2)).is_none());
        assert_eq!(names(&mut board, |_| true), [1]);
    }
}
