import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { Image, ImageStore, NewImage } from "#core/images/image-store.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { violates } from "../database-error.ts";
import type { Change } from "../notifications.ts";
import { isRowNumber } from "../row-id.ts";

const columns = ["id", "name", "reference", "description", "runTemplate", "visibility", "isDefault"] as const;

/** The catalogue of images, in PostgreSQL. */
export class PostgresImageStore implements ImageStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  all(): Promise<readonly Image[]> {
    return this.#db.selectFrom("images").select(columns).orderBy("name").execute();
  }

  async byId(id: number): Promise<Image | null> {
    if (!isRowNumber(id)) return null;
    return (await this.#db.selectFrom("images").select(columns).where("id", "=", id).executeTakeFirst()) ?? null;
  }

  create(image: NewImage): Promise<Image> {
    return nameTaken(image.name, () =>
      this.#db.transaction().execute(async (change) => {
        await lock(change);
        if (image.isDefault) await dropDefault(change);
        const made = await change.insertInto("images").values(clean(image)).returning(columns).executeTakeFirstOrThrow();
        if (image.isDefault) await grow(change, made);
        return made;
      }),
    );
  }

  update(id: number, changes: Parameters<ImageStore["update"]>[1]): Promise<Image | null> {
    return nameTaken(changes.name ?? "", () =>
      this.#db.transaction().execute(async (change) => {
        await lock(change);
        const before = isRowNumber(id) ? await change.selectFrom("images").select(columns).where("id", "=", id).executeTakeFirst() : undefined;
        if (before === undefined) return null;
        const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
        const { id: _same, ...fields }: Image = { ...before, ...given };
        if (fields.isDefault && !before.isDefault) await dropDefault(change);
        const after = await change.updateTable("images").set(clean(fields)).where("id", "=", id).returning(columns).executeTakeFirstOrThrow();
        if (after.reference !== before.reference || after.isDefault !== before.isDefault)
          await grow(change, { id, isDefault: after.isDefault || before.isDefault });
        return after;
      }),
    );
  }

  async remove(id: number): Promise<boolean> {
    if (!isRowNumber(id)) return false;
    return this.#db.transaction().execute(async (change) => {
      await lock(change);
      const { sites } = await change.selectFrom("sites").select(sql<number>`count(*)`.as("sites")).where("imageId", "=", id).executeTakeFirstOrThrow();
      if (sites > 0) throw new Failure("image_in_use", { count: sites });
      const gone = await change.deleteFrom("images").where("id", "=", id).returning(["id", "isDefault"]).executeTakeFirst();
      if (gone?.isDefault === true) await grow(change, gone);
      return gone !== undefined;
    });
  }

  async referenceFor(imageId: number | null): Promise<string | null> {
    const query = this.#db.selectFrom("images").select("reference");
    const row = await (imageId === null ? query.where("isDefault", "=", true) : query.where("id", "=", imageId)).executeTakeFirst();
    return row?.reference ?? null;
  }
}

// Changes of the catalogue come one after the other: they are rare, and there is one default.
async function lock(change: Change): Promise<void> {
  await sql`lock table images in share row exclusive mode`.execute(change);
}

async function dropDefault(change: Change): Promise<void> {
  await change.updateTable("images").set({ isDefault: false }).where("isDefault", "=", true).execute();
}

/** The reconciler tells orchestrators of sites whose revision has grown. */
async function grow(change: Change, image: Pick<Image, "id" | "isDefault">): Promise<void> {
  await change
    .updateTable("sites")
    .set({ revision: sql<number>`revision + 1` })
    .where((is) => is.or([is("imageId", "=", image.id), ...(image.isDefault ? [is("imageId", "is", null)] : [])]))
    .execute();
}

function clean(image: NewImage): NewImage {
  const { name, reference, description, runTemplate } = image;
  return { ...image, name: cleanText(name), reference: cleanText(reference), description: cleanText(description), runTemplate: cleanText(runTemplate) };
}

async function nameTaken<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (violates(error, "images_name_unique")) throw new Failure("image_name_taken", { name }, { cause: error });
    throw error;
  }
}
