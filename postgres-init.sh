#!/bin/sh
# Runs once in the container of PostgreSQL, while its volume is empty. Creates the role
# and the database of voicebot. The role owns the database and may nothing beside it: who
# gets hold of it reads no file and makes no role. The superuser gets no password, so it
# signs in inside the container only.
set -eu

psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
    --set password="$VOICEBOT_PASSWORD" <<'SQL'
CREATE ROLE voicebot LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
    PASSWORD :'password';
CREATE DATABASE voicebot OWNER voicebot;
REVOKE ALL ON DATABASE voicebot FROM PUBLIC;
ALTER ROLE postgres PASSWORD NULL;
SQL
