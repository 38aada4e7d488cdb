import { ConfigError } from "#kit/config.ts";
import type { Launch } from "./kept-process.ts";
import { type PrivatePostgresOptions, startPrivatePostgres } from "./private-postgres.ts";
import { PrivatePostgresError } from "./private-postgres-error.ts";

/** The private PostgreSQL as a process to keep. `url` is known once it has started, and stays. */
export function launchPostgres(options: PrivatePostgresOptions): { readonly launch: Launch; readonly url: () => string } {
  let known: string | undefined;
  const launch: Launch = async () => {
    const server = await startPrivatePostgres(options).catch((cause: unknown) => {
      throw cause instanceof PrivatePostgresError ? new ConfigError([cause.message]) : cause;
    });
    // Whoever uses the database was told where it is when it started.
    if (known !== undefined && known !== server.url) {
      await server.stop();
      throw new Error("the database moved to another place");
    }
    known = server.url;
    const exited = server.exited.then(({ code, signal, lastWords }) => `${signal ?? `exit code ${code}`}: ${lastWords}`);
    return { pid: server.pid, exited, stop: () => server.stop() };
  };
  const url = (): string => {
    if (known === undefined) throw new Error("the database has not started yet");
    return known;
  };
  return { launch, url };
}
