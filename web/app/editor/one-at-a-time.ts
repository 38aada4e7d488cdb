/**
 * Does something for a key, never twice at once: whoever asks while it is done has it done once more afterwards, however many ask. The answer
 * comes when nothing is left to be done for the key.
 */
export function oneAtATime(work: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const running = new Map<string, { isAskedAgain: boolean; ended: Promise<void> }>();
  return (key) => {
    const present = running.get(key);
    if (present !== undefined) {
      present.isAskedAgain = true;
      return present.ended;
    }
    const run = { isAskedAgain: true, ended: Promise.resolve() };
    const all = async (): Promise<void> => {
      try {
        while (run.isAskedAgain) {
          run.isAskedAgain = false;
          await work(key);
        }
      } finally {
        // At once: who asks from now on is not heard by this run any more.
        running.delete(key);
      }
    };
    running.set(key, run);
    run.ended = all();
    return run.ended;
  };
}
