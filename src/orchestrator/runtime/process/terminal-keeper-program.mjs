// terminal-keeper-program.mjs SOCKET: holds the terminals' own ends, and starts nothing.
//
// Orders come as lines of JSON on standard input, whose end is its own. A terminal's bytes go through a connection to SOCKET that begins
// with a line of JSON: which terminal it is, and the path of the end that a program gets. See decision 0031 for why it is a process.
import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { open } from "@lydell/node-pty";

const [socketPath] = process.argv.slice(2);
const terminals = new Map();

/** The kernel takes a few kilobytes that no program has read yet; then it is asked again after so long. */
const againMs = [1, 2, 4, 8, 16, 32];

function openTerminal({ id, cols, rows }) {
  const pty = open({ cols, rows, encoding: null });
  forgetLeaked(pty);
  // The other end stays open until the program has it: without anybody there, ours would end. The stream that comes with it would read.
  const other = openSync(pty.ptsName, "r+");
  pty.slave.destroy();
  // What it does with errors is meant for programs that it has started itself.
  pty.master.removeAllListeners("error");
  const link = connect(socketPath);
  const terminal = { pty, other, isOpen: true };
  terminals.set(id, terminal);
  const close = () => {
    if (!terminal.isOpen) return;
    terminal.isOpen = false;
    terminals.delete(id);
    given(terminal);
    link.end();
    pty.master.destroy();
  };
  pty.master.on("error", close).on("close", close);
  link.on("error", close).on("close", close);
  link.write(`${JSON.stringify({ id, path: pty.ptsName })}\n`);
  pty.master.on("data", (chunk) => {
    if (link.write(chunk)) return;
    pty.master.pause();
    link.once("drain", () => pty.master.resume());
  });
  link.on("data", (chunk) => {
    link.pause();
    write(terminal, chunk, () => link.resume());
  });
  // The orchestrator lets go of it: everybody in it hears that the terminal has hung up.
  link.on("end", close);
}

// libuv opens the other end anew for its stream, and nobody closes the first: as long as it is open, a terminal never ends.
function forgetLeaked(pty) {
  const streams = pty.slave._handle?.fd;
  for (const name of readdirSync("/proc/self/fd")) {
    if (Number(name) !== streams && targetOf(name) === pty.ptsName) closeSync(Number(name));
  }
}

function targetOf(descriptor) {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return null; // the one that was open to read the list
  }
}

function write(terminal, bytes, done, tries = 0) {
  if (!terminal.isOpen) return;
  try {
    const written = writeSync(terminal.pty.fd, bytes);
    if (written === bytes.length) return done();
    write(terminal, bytes.subarray(written), done);
  } catch (error) {
    // EIO: nobody is there any more, which the reading end tells as well.
    if (error.code !== "EAGAIN") return done();
    setTimeout(() => write(terminal, bytes, done, tries + 1), againMs[Math.min(tries, againMs.length - 1)]);
  }
}

/** The program has its end by now. */
function given(terminal) {
  if (terminal.other === null) return;
  closeSync(terminal.other);
  terminal.other = null;
}

/** The machine has no more terminals, or no more descriptors: that one is refused, the others go on. */
function openOrRefuse(order) {
  try {
    openTerminal(order);
  } catch (error) {
    const link = connect(socketPath, () => link.end(`${JSON.stringify({ id: order.id, refusal: error.message })}\n`));
    link.on("error", () => link.destroy());
  }
}

const orders = {
  open: openOrRefuse,
  given: ({ id }) => given(terminals.get(id) ?? { other: null }),
  resize: ({ id, cols, rows }) => terminals.get(id)?.pty.resize(cols, rows),
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    orders[order.do]?.(order);
  })
  .on("close", () => process.exit());
