import type { Client, ClientChannel } from "ssh2";
import { expect, vi } from "vitest";

/** Goes to a shell and stays there. What it gives asks the shell something, and waits until the same one has answered. */
export async function goToShell(client: Client): Promise<() => Promise<void>> {
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.shell({ term: "xterm" }, (error, made) => (error ? reject(error) : resolve(made))),
  );
  let text = "";
  channel.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  let asked = 0;
  let shell: string | undefined;
  return async () => {
    asked += 1;
    const answer = new RegExp(`answer-${asked * 1_000}-(\\d+)-`);
    channel.write(`echo answer-$((${asked} * 1000))-$$-\n`);
    await vi.waitFor(() => expect(text).toMatch(answer), { timeout: 30_000, interval: 20 });
    const found = answer.exec(text)?.[1];
    shell ??= found;
    expect(found).toBe(shell);
  };
}
