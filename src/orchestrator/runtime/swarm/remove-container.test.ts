import { expect, it } from "vitest";
import { removeContainer } from "./remove-container.ts";

/** A container whose removal fails as often as it is told. */
function containerOf(failures: number, error = Object.assign(new Error("no answer"), { code: "ECONNRESET" })) {
  let asked = 0;
  const remove = async () => {
    asked += 1;
    if (asked <= failures) throw error;
  };
  return { remove, asked: () => asked };
}

it("removes a container at the second try, and takes one for removed that has gone", async () => {
  const once = containerOf(1);
  await removeContainer(once, { isClosed: () => false });
  expect(once.asked()).toBe(2);
  for (const statusCode of [404, 409]) {
    const gone = containerOf(Number.POSITIVE_INFINITY, Object.assign(new Error("gone"), { code: "", statusCode }));
    await removeContainer(gone, { isClosed: () => false });
    expect(gone.asked()).toBe(1);
  }
});

it("says that it lasts, and goes on trying", async () => {
  const container = containerOf(2);
  await expect(removeContainer(container, { isClosed: () => false, patienceMs: 0 })).rejects.toThrow("no answer");
  await expect.poll(container.asked, { timeout: 20_000 }).toBe(3);
});

it("gives up when the orchestrator ends", async () => {
  let isClosed = false;
  const container = containerOf(Number.POSITIVE_INFINITY);
  const removing = removeContainer(container, { isClosed: () => isClosed });
  isClosed = true;
  await expect(removing).rejects.toThrow("no answer");
  expect(container.asked()).toBe(1);
});
