//! Order of basic blocks: Bourdoncle's weak topological order.
//!
//! Loops are contiguous, and what both sides of a branch lead to comes after both: threads that run whoever is at
//! the least block first meet again where their paths do.

use super::flow::Node;

/// Blocks after each other that a path may have before it meets itself: each is a call within a call here.
const DEEPEST: u32 = 1 << 19;

/// Reachable blocks in order; the entry is the first. None where paths are too long.
pub fn arrange(nodes: Vec<Node>) -> Option<Vec<Node>> {
    if nodes.is_empty() {
        return Some(nodes);
    }
    let mut search = Search {
        successors: nodes.iter().map(Node::successors).collect(),
        numbers: vec![0; nodes.len()],
        last: 0,
        depth: 0,
        stack: Vec::new(),
    };
    let mut reversed = Vec::new();
    search.visit(0, &mut reversed)?;
    reversed.reverse();
    let mut places = vec![u32::MAX; nodes.len()];
    for (place, &node) in reversed.iter().enumerate() {
        places[node] = place as u32;
    }
    let mut found: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    let mut arranged = Vec::with_capacity(reversed.len());
    for node in reversed {
        let mut node = found[node].take().expect("a block has one place");
        node.retarget(|target| places[target as usize]);
        arranged.push(node);
    }
    Some(arranged)
}

struct Search {
    successors: Vec<Vec<u32>>,
    /// Depth-first numbers; 0 is not visited, the greatest is placed.
    numbers: Vec<u32>,
    last: u32,
    /// Visits within visits.
    depth: u32,
    stack: Vec<usize>,
}

const PLACED: u32 = u32::MAX;

impl Search {
    /// Appends the component of `node` to `reversed`, last block first. Returns the least number that it reaches.
    fn visit(&mut self, node: usize, reversed: &mut Vec<usize>) -> Option<u32> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        self.stack.push(node);
        self.last += 1;
        self.numbers[node] = self.last;
        let (mut head, mut in_loop) = (self.last, false);
        for index in 0..self.successors[node].len() {
            let next = self.successors[node][index] as usize;
            let least = match self.numbers[next] {
                0 => self.visit(next, reversed)?,
                number => number,
            };
            if least <= head {
                (head, in_loop) = (least, true);
            }
        }
        if head != self.numbers[node] {
            self.depth -= 1;
            return Some(head);
        }
        self.numbers[node] = PLACED;
        let mut popped = self.stack.pop();
        if in_loop {
            while let Some(member) = popped.filter(|&member| member != node) {
                self.numbers[member] = 0;
                popped = self.stack.pop();
            }
            self.component(node, reversed)?;
        } else {
            reversed.push(node);
        }
        self.depth -= 1;
        Some(head)
    }

    /// Appends a loop: its members, ordered without its head, and the head.
    fn component(&mut self, head: usize, reversed: &mut Vec<usize>) -> Option<()> {
        for index in 0..self.successors[head].len() {
            let next = self.successors[head][index] as usize;
            if self.numbers[next] == 0 {
                self.visit(next, reversed)?;
            }
        }
        reversed.push(head);
        Some(())
    }
}
