// A process that writes files without end and says which are done; see src/kit/jail/crash.service.test.ts.
import { flushCompileCache } from "node:module";
import { deletePath } from "#kit/jail/change-path.ts";
import { writeWhole } from "#kit/jail/write-file.ts";

const [root = "", names = "8"] = process.argv.slice(2);
const jail = { root, owner: null };
// One that is killed would leave nothing of what it has compiled.
flushCompileCache();
process.stdout.write("ready\n");
await Promise.all(
  Array.from({ length: Number(names) }, async (_, n) => {
    for (let version = 1; ; version += 1) {
      const line = `${version}\n`;
      // Every version is a file of one repeated line: a mixture of two would show.
      const source = (async function* () {
        for (let part = 0; part < 20; part += 1) yield Buffer.from(line.repeat(1000));
      })();
      await writeWhole(jail, `dir${n % 3}/file${n}`, { source });
      process.stdout.write(`${n} ${version}\n`);
      await writeWhole(jail, `box${n}/deep/${version}`, { source: [Buffer.from("x")] });
      if (version % 5 === 0) await deletePath(jail, `box${n}`, { recursive: true });
    }
  }),
);
