// What stands behind `run.sh` in the tests of runtimes: does what $BEHAVIOUR says.
import { createServer } from "node:http";

const { HOST, PORT, BEHAVIOUR } = process.env;
const serve = () => createServer((request, response) => response.end(`hello from ${request.url}`)).listen(Number(PORT), HOST);

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
  "ignores-signals": () => {
    serve();
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  },
};
behaviours[BEHAVIOUR]();
