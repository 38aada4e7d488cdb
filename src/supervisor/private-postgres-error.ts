/** The private PostgreSQL cannot start; the message tells a person why and what to do. */
export class PrivatePostgresError extends Error {
  override readonly name = "PrivatePostgresError";
}
