import type { Session } from "./session.ts";

/** Shows how far a transfer has come. */
export interface TransferBar {
  readonly update: (done: number) => void;
  end(): void;
}

/** A bar on a terminal, one line of text elsewhere. It is redrawn at most every 80 ms: drawing must not slow the transfer. */
export function transferBar(session: Session, title: string, total: number): TransferBar {
  const { terminal } = session;
  if (!terminal.isErrTty) {
    session.note(title);
    return { update: () => undefined, end: () => undefined };
  }
  const width = Math.max(10, Math.min(30, terminal.columns - title.length - 10));
  let drawnAt = 0;
  const draw = (done: number): void => {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(share * width);
    terminal.err(`\r\u001b[K${title} ${"█".repeat(filled)}${session.style.dim("░".repeat(width - filled))} ${String(Math.round(share * 100)).padStart(3)} %`);
  };
  draw(0);
  return {
    update: (done) => {
      const now = Date.now();
      if (now - drawnAt < 80 && done < total) return;
      drawnAt = now;
      draw(done);
    },
    end: () => terminal.err("\n"),
  };
}
