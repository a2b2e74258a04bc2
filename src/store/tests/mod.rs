mod commits;
mod schema;
mod steps;
