import pg from "pg";

/** Any number that nothing of ours locks. */
const lock = 7_324_099;

/** Holds back whoever is about to write down that a step has ended: what it did is there, and nobody knows. */
export interface StepCatcher extends AsyncDisposable {
  /** From now on the ends of these steps are caught, each once, and of no others. */
  catchEnds(steps: readonly string[]): Promise<void>;
  isCaught(): Promise<boolean>;
  /** What was caught is undone, as the server does when its client dies; the step is not caught again. */
  undo(step: string): Promise<void>;
}

/** Puts a trigger on the steps of a test's own database. */
export async function openStepCatcher(url: string): Promise<StepCatcher> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`
    create table caught_steps (step text primary key);
    create function catch_step() returns trigger language plpgsql as $$ begin
      if exists (select from caught_steps where step = new.name) then perform pg_advisory_xact_lock(${lock}); end if;
      return new;
    end $$;
    create trigger catch_step before update on operation_steps for each row when (new.state = 'succeeded') execute function catch_step();
    select pg_advisory_lock(${lock})`);
  const waiting = `from pg_locks where locktype = 'advisory' and objid = ${lock} and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  return {
    async catchEnds(steps) {
      await client.query("delete from caught_steps");
      await client.query("insert into caught_steps select unnest($1::text[])", [steps]);
    },
    isCaught: async () => ((await client.query(`select pid ${waiting}`)).rowCount ?? 0) > 0,
    async undo(step) {
      await client.query("delete from caught_steps where step = $1", [step]);
      await client.query(`select pg_terminate_backend(pid) ${waiting}`);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
