import { type Kysely, sql } from "kysely";

const statements = [
  `create table images (
    id integer generated always as identity primary key,
    name text not null constraint images_name_unique unique,
    reference text not null,
    description text not null,
    run_template text not null,
    visibility text not null check (visibility in ('everyone', 'administrators', 'hidden')),
    is_default boolean not null
  )`,
  "create unique index images_one_default on images (is_default) where is_default",
  // Null: the default one. The catalogue keeps what a site has.
  "alter table sites add column image_id integer constraint sites_image references images",
  "create index sites_image_id on sites (image_id)",
];

/** The catalogue of images that sites' programs run in. */
export const images = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
