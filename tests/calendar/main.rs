//! The calendar from outside: against the answers of Quartz, and against one that only walks and looks.

mod brute;
mod quartz;
mod shapes;
mod transitions;
