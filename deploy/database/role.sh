#!/bin/sh
# The role that the processes run under, made with the database; `nadir db grant nadir_runs` gives it its few rights.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$(cat "$RUNS_PASSWORD_FILE")" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE nadir_runs LOGIN PASSWORD :'password';
SQL
