import { type Kysely, sql } from "kysely";

const statements = [
  `create table ssh_keys (
    id uuid primary key,
    user_id integer not null references users on delete cascade,
    title text not null,
    algorithm text not null,
    bits integer not null,
    fingerprint text not null,
    blob bytea not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    constraint ssh_keys_once_a_person unique (user_id, fingerprint)
  )`,
];

/** People's public keys for SSH and SFTP. */
export const sshKeys = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
