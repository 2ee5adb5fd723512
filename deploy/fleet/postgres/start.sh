#!/bin/sh
# Starts a server of the database. The one that others know as `ledger` makes the cluster, and the role that its standby follows
# it as; the other one copies it the first time. Both go on with the data that they have.
set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ] && [ "$ALIAS" = ledger ]; then
  cat > /docker-entrypoint-initdb.d/replication.sh <<'INIT'
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres --set=password="$(cat /run/secrets/replication)" <<'SQL'
SET synchronous_commit = local;
CREATE ROLE replication LOGIN REPLICATION PASSWORD :'password';
SQL
INIT
elif [ ! -s "$data/PG_VERSION" ]; then
  install -d -o postgres -g postgres -m 0700 "$data"
  until PGPASSWORD="$(cat /run/secrets/replication)" gosu postgres pg_basebackup --pgdata="$data" --write-recovery-conf \
    --wal-method=stream --checkpoint=fast \
    --dbname="host=ledger user=replication sslmode=require application_name=$(hostname)"; do
    sleep 5
  done
fi
exec docker-entrypoint.sh "$@"
