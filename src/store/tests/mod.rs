mod audit;
mod awaited;
mod backfills;
mod claims;
mod commits;
mod file;
mod firings;
mod foresight;
mod names;
mod people;
mod place;
mod plans;
mod proxy;
mod pulse;
mod schema;
pub(crate) mod stage;
mod steps;
mod trouble;
mod unnoted;

// The same suites on servers.
#[path = "audit.rs"]
mod audit_on_mariadb;
#[path = "audit.rs"]
mod audit_on_postgres;
#[path = "awaited.rs"]
mod awaited_on_mariadb;
#[path = "awaited.rs"]
mod awaited_on_postgres;
#[path = "backfills.rs"]
mod backfills_on_mariadb;
#[path = "backfills.rs"]
mod backfills_on_postgres;
#[path = "claims.rs"]
mod claims_on_mariadb;
#[path = "claims.rs"]
mod claims_on_postgres;
#[path = "commits.rs"]
mod commits_on_mariadb;
#[path = "commits.rs"]
mod commits_on_postgres;
#[path = "firings.rs"]
mod firings_on_mariadb;
#[path = "firings.rs"]
mod firings_on_postgres;
#[path = "foresight.rs"]
mod foresight_on_mariadb;
#[path = "foresight.rs"]
mod foresight_on_postgres;
#[path = "names.rs"]
mod names_on_mariadb;
#[path = "names.rs"]
mod names_on_postgres;
#[path = "people.rs"]
mod people_on_mariadb;
#[path = "people.rs"]
mod people_on_postgres;
#[path = "pulse.rs"]
mod pulse_on_mariadb;
#[path = "pulse.rs"]
mod pulse_on_postgres;
#[path = "schema.rs"]
mod schema_on_mariadb;
#[path = "schema.rs"]
mod schema_on_postgres;
#[path = "steps.rs"]
mod steps_on_mariadb;
#[path = "steps.rs"]
mod steps_on_postgres;
#[path = "unnoted.rs"]
mod unnoted_on_mariadb;
#[path = "unnoted.rs"]
mod unnoted_on_postgres;
