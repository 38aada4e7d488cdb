// What stands behind `run.sh` in the tests of runtimes: does what $BEHAVIOUR says.
import { spawn } from "node:child_process";
import { createServer } from "node:http";

const { HOST, PORT, BEHAVIOUR } = process.env;
const serve = () => createServer((request, response) => response.end(`hello from ${request.url}`)).listen(Number(PORT), HOST);

const count = (who) => {
  let counted = 0;
  setInterval(() => console.log(`${who} ${++counted}`), 10);
};

const behaviours = {
  serves: () => {
    console.log("it starts");
    console.error("it complains");
    serve();
  },
  "exits-3": () => {
    console.log("last words");
    process.exitCode = 3;
  },
  "dies-by-signal": () => process.kill(process.pid, "SIGABRT"),
  "listens-elsewhere": () => createServer().listen(5000, "127.0.0.1"),
  "says-goodbye": () => {
    serve();
    process.on("SIGTERM", () => {
      console.log("goodbye");
      process.exit(0);
    });
  },
  // What it starts leaves its session and its process group.
  counts: () => {
    serve();
    spawn(process.execPath, [process.argv[1]], { env: { ...process.env, BEHAVIOUR: "counts-apart" }, detached: true, stdio: "inherit" });
    count("program");
  },
  "counts-apart": () => count("child"),
  "ignores-signals": () => {
    serve();
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  },
};
behaviours[BEHAVIOUR]();
