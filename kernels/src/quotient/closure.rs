//! The best set of projects of which some are worth something only together.

use std::collections::VecDeque;

/// The set of projects with the largest gain: each goal all of whose projects are chosen gains `worth`, and each chosen
/// project costs `costs`. Of several such sets, the smallest.
///
/// `projects`: for each goal the projects it needs, at least one, as indices into `costs`.
///
/// A maximum closure, found as a minimum cut (J.-C. Picard, Maximal closure of a graph, 1976): goals send what they are
/// worth through their projects, which pass on no more than they cost. Whatever a goal has left over pays.
pub(super) fn best_closure(worth: u64, costs: &[u64], projects: &[Vec<usize>]) -> Vec<bool> {
    let mut flow = Flow::new(worth, costs, projects);
    for goal in 0..projects.len() {
        while flow.augment(goal) {}
    }
    // What leftovers reach is in the set: there is no cheaper place to cut them off.
    let mut chosen = vec![false; costs.len()];
    for goal in (0..projects.len()).filter(|&goal| flow.left[goal] > 0) {
        for (chosen, from) in chosen.iter_mut().zip(flow.search(goal).from_goal) {
            *chosen |= from.is_some();
        }
    }
    chosen
}

struct Flow<'a> {
    projects: &'a [Vec<usize>],
    /// What each goal has not sent yet.
    left: Vec<u64>,
    /// What each project can still pass on.
    room: Vec<u64>,
    /// For each project, its goals and what they send through it.
    senders: Vec<Vec<(usize, u64)>>,
}

/// A search tree from one goal.
struct Tree {
    /// For each project that was reached, the goal before it.
    from_goal: Vec<Option<usize>>,
    /// For each goal that was reached, the project before it, whose flow it would take back.
    from_project: Vec<Option<usize>>,
    /// A reached project with room.
    end: Option<usize>,
}

impl<'a> Flow<'a> {
    fn new(worth: u64, costs: &[u64], projects: &'a [Vec<usize>]) -> Self {
        let mut senders = vec![Vec::new(); costs.len()];
        for (goal, needed) in projects.iter().enumerate() {
            for &project in needed {
                senders[project].push((goal, 0));
            }
        }
        Self { projects, left: vec![worth; projects.len()], room: costs.to_vec(), senders }
    }

    /// Breadth first from `goal`, up to the first project with room.
    fn search(&self, goal: usize) -> Tree {
        let mut tree = Tree {
            from_goal: vec![None; self.room.len()],
            from_project: vec![None; self.left.len()],
            end: None,
        };
        let mut seen = vec![false; self.left.len()];
        seen[goal] = true;
        let mut queue = VecDeque::from([goal]);
        while let Some(goal) = queue.pop_front() {
            for &project in &self.projects[goal] {
                if tree.from_goal[project].is_some() {
                    continue;
                }
                tree.from_goal[project] = Some(goal);
                if self.room[project] > 0 {
                    tree.end = Some(project);
                    return tree;
                }
                for &(sender, sent) in &self.senders[project] {
                    if sent > 0 && !seen[sender] {
                        seen[sender] = true;
                        tree.from_project[sender] = Some(project);
                        queue.push_back(sender);
                    }
                }
            }
        }
        tree
    }

    /// Sends more of what `goal` has left, if there is a way.
    fn augment(&mut self, goal: usize) -> bool {
        if self.left[goal] == 0 {
            return false;
        }
        let tree = self.search(goal);
        let Some(end) = tree.end else { return false };
        // From the end back: goals and the projects they send through, and the project each takes flow back from.
        let mut steps = Vec::new();
        let mut at = Some(end);
        while let Some(project) = at {
            let Some(sender) = tree.from_goal[project] else { break };
            at = tree.from_project[sender];
            steps.push((sender, project, at));
        }
        let mut amount = self.left[goal].min(self.room[end]);
        for &(sender, _, back) in &steps {
            if let Some(back) = back {
                amount = amount.min(*self.sent(sender, back));
            }
        }
        for &(sender, project, back) in &steps {
            *self.sent(sender, project) += amount;
            if let Some(back) = back {
                *self.sent(sender, back) -= amount;
            }
        }
        self.left[goal] -= amount;
        self.room[end] -= amount;
        true
    }

    fn sent(&mut self, goal: usize, project: usize) -> &mut u64 {
        let senders = &mut self.senders[project];
        // Goals were added in order.
        let place = senders.partition_point(|&(sender, _)| sender < goal);
        &mut senders[place].1
    }
}

#[cfg(test)]
mod tests {
    use super::best_closure;

    fn gain(worth: u64, costs: &[u64], projects: &[Vec<usize>], chosen: &[bool]) -> i64 {
        let goals = projects.iter().filter(|needed| needed.iter().all(|&p| chosen[p])).count();
        let cost: u64 = costs.iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(cost, _)| cost).sum();
        (worth * goals as u64) as i64 - cost as i64
    }

    #[test]
    fn no_set_is_better() {
        let mut state = 1u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % bound
        };
        for _ in 0..2000 {
            let (n, goals, worth) = (1 + next(7) as usize, next(9) as usize, 1 + next(20));
            let costs: Vec<_> = (0..n).map(|_| 1 + next(30)).collect();
            let projects: Vec<Vec<usize>> = (0..goals)
                .map(|_| {
                    let any = next(n as u64) as usize;
                    (0..n).filter(|&p| p == any || next(3) == 0).collect()
                })
                .collect();
            let chosen = best_closure(worth, &costs, &projects);
            let best = gain(worth, &costs, &projects, &chosen);
            for set in 0..1u32 << n {
                let other: Vec<_> = (0..n).map(|p| set >> p & 1 == 1).collect();
                let value = gain(worth, &costs, &projects, &other);
                assert!(value <= best, "{worth} {costs:?} {projects:?}: {chosen:?} and {other:?}");
                let size = |set: &[bool]| set.iter().filter(|x| **x).count();
                assert!(value < best || size(&other) >= size(&chosen));
            }
        }
    }

    #[test]
    fn two_projects_pay_only_together() {
        // Either of them alone frees nothing.
        let projects = vec![vec![0, 1]; 3];
        assert_eq!(best_closure(10, &[14, 15], &projects), [true, true]);
        assert_eq!(best_closure(10, &[15, 15], &projects), [false, false]);
        assert_eq!(best_closure(10, &[], &[]), [false; 0]);
    }
}
