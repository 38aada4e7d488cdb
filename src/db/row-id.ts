const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a number can be that of a row: PostgreSQL answers a larger one with an error instead of no row. */
export function isRowNumber(id: number): boolean {
  return Number.isInteger(id) && id > 0 && id <= 2_147_483_647;
}

/** Whether a text can be the id of a row that has a UUID. */
export function isRowUuid(id: string): boolean {
  return uuid.test(id);
}
