mod commits;
mod schema;
